"""A certificate authority for one cluster, and what its programs and users show to each other. Files below one folder."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 30


class Authority:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test cluster")])
        made = _made(self._name, self._name, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.file = folder / "ca.crt"
        self.file.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def issue(self, name: str, *groups: str, addresses: tuple[str, ...] = ()) -> tuple[Path, Path]:
        """A certificate and its key: user `name` in the groups, for servers at the addresses."""
        key = self.key(name)
        parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups] + [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        names = [x509.IPAddress(ip_address(one)) if one[0].isdigit() else x509.DNSName(one) for one in addresses]
        uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        made = _made(x509.Name(parts), self._name, key.public_key()).add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        if names:
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        file = self.folder / f"{name.replace(':', '-')}.crt"
        file.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        return file, file.with_suffix(".key")

    def key(self, name: str) -> ec.EllipticCurvePrivateKey:
        """A private key in a file of its own."""
        key = ec.generate_private_key(ec.SECP256R1())
        file = self.folder / f"{name.replace(':', '-')}.key"
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
        file.chmod(0o600)
        return key

    def kubeconfig(self, at: Path, server: str, user: str, *groups: str) -> Path:
        """For kubectl, and for every program that takes one."""
        certificate, key = self.issue(user, *groups)
        cluster = {"server": server, "certificate-authority": str(self.file)}
        document = {
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": user, "user": {"client-certificate": str(certificate), "client-key": str(key)}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
        }  # fmt: skip
        at.write_text(json.dumps(document, indent=1))
        return at


def _made(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    named = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key).serial_number(x509.random_serial_number())
    return named.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=DAYS))
