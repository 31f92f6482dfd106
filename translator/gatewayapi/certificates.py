"""Certificates in Secrets: whether a pair can be served, and why not. Never puts any of their bytes into a message."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates

from translator.resources.core import Secret


def pair_problem(secret: Secret) -> str:
    """Why this Secret cannot be presented to clients, or the empty string. One bad pair stops only what refers to it."""
    return bytes_problem(secret.data.get("tls.crt", b""), secret.data.get("tls.key", b""))


def bytes_problem(chain: bytes, key: bytes) -> str:
    """The same of a chain and a key in PEM, wherever they come from."""
    if not chain or not key:
        return "it lacks tls.crt or tls.key"
    try:
        leaf = load_pem_x509_certificates(chain)[0]
    except ValueError:
        return "tls.crt is not a PEM certificate"
    try:
        private = load_pem_private_key(key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "tls.key is not an unencrypted PEM private key"
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != leaf.public_key().public_bytes(*form):
        return "tls.key does not belong to tls.crt"
    return ""
