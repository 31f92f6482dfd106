"""A certificate and its key as an SDS secret. Knows no tables; what it holds was checked before."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from protos.v3 import CertificateValidationContext, Secret, TlsCertificate, data


def secret(name: str, chain: bytes, private_key: bytes) -> bytes:
    certificate = TlsCertificate(certificate_chain={"inline_bytes": chain}, private_key={"inline_bytes": private_key})
    return data(Secret(name=name, tls_certificate=certificate))


def authority(name: str, certificates: bytes) -> bytes:
    """Whom to trust, as a secret: so that a new certificate of an authority changes no cluster and no listener."""
    return data(Secret(name=name, validation_context=CertificateValidationContext(trusted_ca={"inline_bytes": certificates})))


def respelled(body: bytes, times: int) -> bytes:
    """The same secret in other bytes: so many lines more, with nothing on them. What is no certificate stays as it is.

    Envoy 1.40 keeps the hash of a secret before it looks at it, and then accepts the very bytes that it has refused.
    """
    try:
        message = Secret.FromString(body)
    except DecodeError:
        return body
    if message.HasField("tls_certificate"):
        message.tls_certificate.certificate_chain.inline_bytes += b"\n" * times
    elif message.HasField("validation_context"):
        message.validation_context.trusted_ca.inline_bytes += b"\n" * times
    return data(message)
