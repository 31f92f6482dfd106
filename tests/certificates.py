"""Certificates for tests: a CA, and whoever it vouches for. Keys are made once in a process, for they take the longest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import grpc

from xds.security.access import Identity
from xds.security.issuing import Pair, authority, client, revocations, server

TRUST = "pointsman.local"
EDGE = Identity(TRUST, "infra", "envoy", "edge")
OTHER = Identity(TRUST, "shop", "envoy", "inner")


def now() -> datetime:
    return datetime.now(UTC)


def ca(name: str = "one") -> Pair:
    return _ca(name)


@cache
def _ca(name: str) -> Pair:
    return authority(f"CA {name}", TRUST, now(), 30)


def of(identity: Identity, by: str = "one", ended: bool = False) -> Pair:
    """A client certificate; one that ended an hour ago."""
    return _of(identity, by, ended)


@cache
def _of(identity: Identity, by: str, ended: bool) -> Pair:
    return client(ca(by), identity, now() - timedelta(days=1, hours=1) if ended else now(), 1)


def serving(by: str = "one") -> Pair:
    return _serving(by)


@cache
def _serving(by: str) -> Pair:
    return server(ca(by), ["localhost", "127.0.0.1"], now(), 1)


def write(folder: Path, pair: Pair, *roots: str) -> Path:
    """tls.crt, tls.key and ca.crt, as a mounted Secret has them."""
    folder.mkdir(exist_ok=True, parents=True)
    for name, content in (("tls.crt", pair.pem), ("tls.key", pair.key), ("ca.crt", b"".join(ca(root).pem for root in roots or ("one",)))):
        (folder / f"{name}~").write_bytes(content)
        (folder / f"{name}~").replace(folder / name)
    return folder


def revoke(folder: Path, *pairs: Pair, by: str = "one") -> None:
    """ca.crl, with these in it."""
    serials = [one.certificate.serial_number for one in pairs]
    (folder / "ca.crl~").write_bytes(revocations(ca(by), serials, now(), 1))
    (folder / "ca.crl~").replace(folder / "ca.crl")


def channel_credentials(pair: Pair | None, *roots: str) -> grpc.ChannelCredentials:
    """What a client trusts, and who it is."""
    trusted = b"".join(ca(root).pem for root in roots or ("one",))
    return grpc.ssl_channel_credentials(trusted, pair.key if pair else None, pair.pem if pair else None)
