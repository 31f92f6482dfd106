"""One resource as the log keeps it, sets of them, and a response that is made of some. Values: knows no table and no stream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from msgspec import Struct

from translator.ir.output import Packed, fingerprint
from xds import entries
from xds.kinds import Kind, Variant
from xds.names import collections


class Resource(Struct, frozen=True, gc=False):
    """One resource as it goes over the wire, and when it came to be so.

    `body` is the message, the very bytes that the engine has; before it in an element of DeltaDiscoveryResponse.resources stands
    `head`, of which the last `tail` bytes are what stands before it in DiscoveryResponse.resources: both are field 2. `seq` is the
    epoch of the last change, `previous` that of the one before (0: none), `born` that in which the name came up. `digest` is of name
    and version; a set has their sum.
    `also` are other names by which it is asked for: aliases, and the collection that it belongs to. A delta client drops it
    `ttl` seconds after it was last told of it, 0: never; to others it is given for ever.
    """

    name: str
    version: str
    head: bytes
    tail: int
    body: bytes
    needs: tuple[str, ...]
    seq: int
    previous: int
    born: int
    digest: int
    also: tuple[str, ...] = ()
    ttl: int = 0

    def said(self, variant: Variant) -> tuple[bytes, bytes]:
        """An element of the resources of a response, to be joined."""
        return (self.head if variant is Variant.DELTA else self.head[-self.tail :]), self.body

    @property
    def size(self) -> int:
        """Bytes of a delta response."""
        return len(self.head) + len(self.body)


class Whole(Struct, frozen=True, weakref=True, eq=False):
    """All that one SotW client has of a type. May hold states older than those that are live, and what is dead by now."""

    total: int  # of the digests of its members
    members: Mapping[str, Resource]

    @property
    def version(self) -> str:
        return spelled(self.total)


class Part(Struct, frozen=True, gc=False):
    """One response, complete with its nonce. `made` and `gone` are what is new in it, `names` those of `made`, `needs` what
    these name; `whole` is what the client has when it accepts, where the response says that; `ack` is a DeltaDiscoveryRequest that
    accepts it and says nothing else, as canonical protobuf: nearly every answer is that, to the byte (empty: SotW).
    """

    nonce: str
    version: str
    data: bytes
    names: tuple[str, ...]
    gone: tuple[str, ...]
    needs: frozenset[str]
    made: tuple[Resource, ...]
    whole: Whole | None = None
    ack: bytes = b""


def resource(kind: Kind, name: str, packed: Packed, seq: int, before: Resource | None) -> Resource:
    body, extras = packed.body, entries.extras(packed.aliases, packed.ttl)
    version, tail = fingerprint(body + extras if extras else body), entries.tail(kind.type_url, len(body))
    head = entries.head(name, version, extras, tail, len(body))
    previous, born = (before.seq, before.born) if before else (0, seq)
    digest = int.from_bytes(blake2b(f"{name}\0{version}".encode(), digest_size=16).digest())
    also = packed.aliases + collections(name)
    return Resource(name, version, head, len(tail), body, packed.needs, seq, previous, born, digest, also, packed.ttl)


MODULUS = 1 << 128


def spelled(total: int) -> str:
    """The version of a set whose digests have this sum: the same for the same resources, whatever their history."""
    return f"{total:032x}"


def needs(resources: Iterable[Resource]) -> frozenset[str]:
    return frozenset(need for one in resources for need in one.needs)
