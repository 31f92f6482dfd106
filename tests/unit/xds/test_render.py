"""Resources for people: what a secret may tell, and where a resource comes from."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from protos.v3 import Cluster, Secret, data
from xds.render import plain


def pair() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    body = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM), body


def secret(chain: bytes, key: bytes) -> bytes:
    message = Secret(name="secret/a/tls")
    message.tls_certificate.certificate_chain.inline_bytes = chain
    message.tls_certificate.private_key.inline_bytes = key
    return data(message)


def test_a_secret_tells_hashes_and_expiry_alone() -> None:
    chain, key = pair()
    found = plain(Secret, secret(chain, key))
    assert found["name"] == "secret/a/tls"
    [certificate, hidden] = found["redacted"]
    assert certificate["not_after"] == "2027-01-01T00:00:00Z"
    assert len(certificate["certificate_sha256"]) == 64
    assert hidden == {"private_key_sha256": sha256(key).hexdigest()}
    assert "PRIVATE KEY" not in str(found)


def test_a_certificate_that_cannot_be_read_is_hidden_too() -> None:
    found = plain(Secret, secret(b"canary", b"canary"))
    assert [list(one) for one in found["redacted"]] == [["private_key_sha256"]]
    assert "canary" not in str(found)


def test_fields_have_the_names_of_envoys_documentation() -> None:
    found = plain(Cluster, data(Cluster(name="c", connect_timeout={"seconds": 5})))
    assert found == {"name": "c", "connect_timeout": "5s"}
