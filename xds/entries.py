"""One resource as an element of DeltaDiscoveryResponse.resources, spelled in bytes. Knows field numbers and nothing else.

Fields of `envoy.service.discovery.v3.Resource`: 1 version, 2 resource, 3 name, 4 aliases, 6 ttl.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from protos.v3 import Duration, data, framed

_ENTRY = 2  # field of DeltaDiscoveryResponse, and of the resource in a DiscoveryResponse


@cache
def _type(url: str) -> bytes:
    return framed(1, url.encode())


def tail(type_url: str, body: bytes) -> bytes:
    """The end of an entry. An element of DiscoveryResponse.resources as well: both are field 2."""
    return framed(2, _type(type_url) + framed(2, body))


def entry(name: str, version: str, extras: bytes, end: bytes) -> bytes:
    return framed(_ENTRY, framed(3, name.encode()) + framed(1, version.encode()) + extras + end)


def extras(aliases: Sequence[str], ttl: int) -> bytes:
    """What stands beside a resource: other names, and for how many seconds a client keeps it untold (0: for ever)."""
    if not aliases and not ttl:
        return b""
    return b"".join(framed(4, name.encode()) for name in aliases) + (framed(6, data(Duration(seconds=ttl))) if ttl else b"")


def alive(name: str, version: str, ttl: int) -> bytes:
    """A heartbeat: without a resource, and with the version held, it says that this lives on."""
    return entry(name, version, extras((), ttl), b"")


def nothing(name: str) -> bytes:
    """There is no such virtual host: a request that Envoy holds for its name goes on when it comes without one (vhds.cc)."""
    return entry(name, "", extras((name,), 0), b"")
