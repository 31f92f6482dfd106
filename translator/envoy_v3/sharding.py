"""Which RouteConfigurations of a table hold a virtual host. Owns slots and shard counts; knows nothing of messages.

Envoy 1.40 picks a RouteConfiguration in two steps. Our native module (envoy/modules/) turns the request's `:authority` into
one of SLOTS slots, before the route is resolved; SRDS then maps each slot to one of R RouteConfigurations: slot % R. An
exact host stands in one of them, a wildcard in all, so Envoy's own matching inside the one it gets is exact.

SLOTS never changes: it is written into listeners, and a listener update drains connections. R follows the size of the table.

What the HTTP connection manager must be told, so that Envoy and this file mean the same host:
  * RouteConfiguration.ignore_port_in_host_matching: true. A port in `:authority` then matches as if it were not there, and
    the Host header goes upstream unchanged, port included. strip_any_host_port stays off: it would take the port away from
    the backend, and it leaves `a.example:x` as it is, where Envoy's matching cuts at the last colon whatever follows.
  * HttpConnectionManager.strip_trailing_host_dot: true, so that `a.example.` finds `a.example`.
  * The module is the last of early_header_mutation_extensions, and the header it sets is in request_headers_to_remove.
The canonical form may be coarser than Envoy's, never finer: two hosts that Envoy holds equal must share a slot. So it stays
right if the flags change, as long as tables name no host twice under it.
"""

from __future__ import annotations

from collections.abc import Sequence

SLOTS = 128
HEADER = "x-shard"  # what the module sets: `<table>/<slot>`, the key of a scope

_FLAT_BELOW = 500  # a table this small costs Envoy no more whole than in parts
_PER_SHARD = 100  # virtual hosts in one RouteConfiguration: an edit among ten thousand joins no more than one among a hundred
_BASIS, _PRIME, _MASK = 0xCBF29CE484222325, 0x100000001B3, 0xFFFFFFFFFFFFFFFF  # FNV-1a, 64 bits


def canonical(host: str) -> str:
    """The host in lower-case ASCII, without its port and without one trailing dot. Other characters are left as they are.

    The port begins at the last colon, unless a `]` follows it (Envoy: HeaderUtility::getPortStart).
    """
    return _canonical(_raw(host)).decode("utf-8", "surrogateescape")


def slot(host: str) -> int:
    """FNV-1a of the canonical form, modulo SLOTS: what the native module computes from `:authority`."""
    return fnv1a(_canonical(_raw(host))) % SLOTS


def fnv1a(text: bytes) -> int:
    """64 bits."""
    digest = _BASIS
    for byte in text:
        digest = (digest ^ byte) * _PRIME & _MASK
    return digest


def shards(hosts: int) -> int:
    """The number R of RouteConfigurations for a table of that many virtual hosts: a power of two, at most SLOTS.

    1 below 500, then hosts / 100 rounded to the nearest power of two by ratio: 4 from 500, 8 from 566, 16 from 1,132, 32 from
    2,263, 64 from 4,526, 128 from 9,051. It depends on nothing but the number, so a rebuilt table is the same table.
    """
    if hosts < _FLAT_BELOW:
        return 1
    doubled_square = 2 * hosts * hosts // (_PER_SHARD * _PER_SHARD)  # log2(x) + 1/2 = log2(2x²) / 2, without floats
    return min(SLOTS, 1 << (doubled_square.bit_length() - 1) // 2)


def shards_of(host: str, count: int) -> Sequence[int]:
    """Those of a table's `count` RouteConfigurations that hold this virtual host: one, or all for a wildcard and `*`."""
    return range(count) if "*" in host else (slot(host) % count,)


def _raw(host: str) -> bytes:
    """As Envoy sees it. Bytes of a request that are no UTF-8 stand in a str as lone surrogates, and come back as they were."""
    return host.encode("utf-8", "surrogateescape")


def _canonical(host: bytes) -> bytes:
    colon = host.rfind(b":")
    if colon > host.rfind(b"]"):
        host = host[:colon]
    return host.removesuffix(b".").lower()
