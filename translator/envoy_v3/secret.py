"""A certificate and its key as an SDS secret. Knows no tables; what it holds was checked before."""

from __future__ import annotations

from protos.v3 import Secret, TlsCertificate, data


def secret(name: str, chain: bytes, private_key: bytes) -> bytes:
    certificate = TlsCertificate(certificate_chain={"inline_bytes": chain}, private_key={"inline_bytes": private_key})
    return data(Secret(name=name, tls_certificate=certificate))
