"""Secrets: text merged into data, data decoded. What a Secret holds never leaves this file but inside the decoded object."""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from typing import Any

from translator.door.validate import Wrong

NEEDED = {"kubernetes.io/tls": ("tls.crt", "tls.key")}  # Kubernetes requires these of the type, be they empty


def wrongs(secret: dict[str, Any]) -> Iterator[Wrong]:
    """For a Secret that fits its schema."""
    for key, value in secret.get("data", {}).items():
        if _decoded(value) is None:
            yield Wrong("PM0111", ("data", key), "must be base64", "encode the value, or move it to stringData")
    for key in NEEDED.get(secret.get("type", ""), ()):
        if key not in secret.get("data", {}) and key not in secret.get("stringData", {}):
            yield Wrong("PM0108", ("data", key), f"is required in a Secret of type {secret['type']}")


def merged(secret: dict[str, Any]) -> dict[str, Any]:
    """`stringData` wins over `data`, as in an API server. For a Secret without wrongs."""
    data = {key: _decoded(value) for key, value in secret.get("data", {}).items()}
    data |= {key: value.encode() for key, value in secret.get("stringData", {}).items()}
    return {**secret, "data": data}


def _decoded(value: str) -> bytes | None:
    """Line breaks are skipped, as Go does it; anything else that is not base64 is an error."""
    try:
        return binascii.a2b_base64(value.replace("\n", "").replace("\r", ""), strict_mode=True)
    except ValueError:
        return None
