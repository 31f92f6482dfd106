"""Certificates of one's own: a CA, servers and proxies, as values. For laptops and tests; the time is an argument, no I/O.

What stands in them follows SPIFFE (X.509-SVID, section 4: leaves sign nothing, one URI) and what TLS libraries ask for today.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from xds.security.access import Identity

EARLIER = timedelta(minutes=5)  # clocks of two machines are not the same


@dataclass(frozen=True)
class Pair:
    certificate: x509.Certificate
    private: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key(self) -> bytes:
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def load(certificate: bytes, key: bytes) -> Pair:
    """The first certificate, and its key. ValueError where they are not PEM, not of this kind, or not of each other."""
    private, first = load_pem_private_key(key, password=None), x509.load_pem_x509_certificates(certificate)[0]
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.public_key() != first.public_key():
        raise ValueError("the key is not that of the certificate")
    return Pair(first, private)


def authority(name: str, trust: str, now: datetime, days: int) -> Pair:
    private = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, private, now, days).issuer_name(_name(name))
    usage = _usage(key_cert_sign=True, crl_sign=True)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).add_extension(usage, critical=True)
    domain = x509.UniformResourceIdentifier(f"spiffe://{trust}")
    return Pair(builder.add_extension(x509.SubjectAlternativeName([domain]), critical=False).sign(private, SHA256()), private)


def server(by: Pair, hosts: Sequence[str], now: datetime, days: int) -> Pair:
    """For the server, under these names and addresses."""
    names = [_host(host) for host in hosts]
    return _leaf(by, "pointsman", names, ExtendedKeyUsageOID.SERVER_AUTH, now, days)


def client(by: Pair, identity: Identity, now: datetime, days: int) -> Pair:
    """For the proxies of one Gateway."""
    return _leaf(by, identity.key, [x509.UniformResourceIdentifier(str(identity))], ExtendedKeyUsageOID.CLIENT_AUTH, now, days)


def claimant(by: Pair, name: str, now: datetime, days: int) -> Pair:
    """For whoever answers under this name on a laptop. ValueError where it is no DNS name."""
    return _leaf(by, name, [x509.DNSName(name)], ExtendedKeyUsageOID.CLIENT_AUTH, now, days)


def revocations(by: Pair, serials: Iterable[int], now: datetime, days: int) -> bytes:
    """The list of what a CA has taken back, in PEM."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(by.certificate.subject).last_update(now - EARLIER)
    builder = builder.next_update(now + timedelta(days=days))
    for serial in sorted(serials):
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - EARLIER).build()
        builder = builder.add_revoked_certificate(one)
    return builder.sign(by.private, SHA256()).public_bytes(Encoding.PEM)


def _leaf(by: Pair, name: str, names: Sequence[x509.GeneralName], use: x509.ObjectIdentifier, now: datetime, days: int) -> Pair:
    private = ec.generate_private_key(ec.SECP256R1())
    issuer = by.certificate
    known = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        _builder(name, private, now, days)
        .issuer_name(issuer.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known), critical=False)
        .sign(by.private, SHA256())
    )
    return Pair(certificate, private)


def _builder(name: str, private: ec.EllipticCurvePrivateKey, now: datetime, days: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _usage(**wanted: bool) -> x509.KeyUsage:
    every = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: wanted.get(name, False) for name in every})
