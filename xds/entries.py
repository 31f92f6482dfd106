"""What stands before a resource in an element of DeltaDiscoveryResponse.resources, spelled in bytes: the resource itself is the
end of it, and never copied. Knows field numbers and nothing else.

Fields of `envoy.service.discovery.v3.Resource`: 1 version, 2 resource, 3 name, 4 aliases, 6 ttl.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from protos.v3 import Duration, data, framed, opening

_ENTRY = 2  # field of DeltaDiscoveryResponse, and of the resource in a DiscoveryResponse


@cache
def _type(url: str) -> bytes:
    return framed(1, url.encode())


def tail(type_url: str, size: int) -> bytes:
    """Of a resource of that many bytes. With it, this is an element of DiscoveryResponse.resources as well: both are field 2."""
    inside = _type(type_url) + opening(2, size)
    return opening(2, len(inside) + size) + inside


def head(name: str, version: str, extras: bytes, tail: bytes = b"", size: int = 0) -> bytes:
    """All that stands before the resource, the tail included; or the whole entry, where there is none."""
    inside = framed(3, name.encode()) + framed(1, version.encode()) + extras + tail
    return opening(_ENTRY, len(inside) + size) + inside


def extras(aliases: Sequence[str], ttl: int) -> bytes:
    """What stands beside a resource: other names, and for how many seconds a client keeps it untold (0: for ever)."""
    if not aliases and not ttl:
        return b""
    return b"".join(framed(4, name.encode()) for name in aliases) + (framed(6, data(Duration(seconds=ttl))) if ttl else b"")


def alive(name: str, version: str, ttl: int) -> bytes:
    """A heartbeat: without a resource, and with the version held, it says that this lives on."""
    return head(name, version, extras((), ttl))


def nothing(name: str) -> bytes:
    """There is no such virtual host: a request that Envoy holds for its name goes on when it comes without one (vhds.cc)."""
    return head(name, "", extras((name,), 0))
