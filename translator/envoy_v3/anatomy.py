"""Resources taken apart into what each stands for by itself: routes and virtual hosts, endpoints, filter chains; and joined again.

So that one refused route can be told from its neighbours. Works on bytes as they are: what Envoy refuses need not be sound.
Knows which fields hold the parts; knows no tables, and nothing of who refuses what.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from google.protobuf.message import DecodeError

from protos.v3 import (
    ClusterLoadAssignment,
    FilterChain,
    LbEndpoint,
    Listener,
    Message,
    Route,
    RouteConfiguration,
    VirtualHost,
    framed,
    unframed,
)
from translator.ir.output import fingerprint


class Form(NamedTuple):
    """`group` is the field of the resource whose elements hold the parts, None where the resource holds them itself;
    `part` is the field of a part in it.
    """

    group: int | None
    part: int
    group_kind: type[Message] | None
    part_kind: type[Message]


ROUTES = Form(2, 3, VirtualHost, Route)
ENDPOINTS = Form(2, 2, None, LbEndpoint)
CHAINS = Form(None, 3, None, FilterChain)
FORMS = {RouteConfiguration: ROUTES, ClusterLoadAssignment: ENDPOINTS, Listener: CHAINS}


class Part(NamedTuple):
    """`name` is what it says of itself, the same for an older state of it; `digest` is of its bytes."""

    name: str
    digest: str
    body: bytes


class Group(NamedTuple):
    """`head` is all of it but its parts: the name and domains of a virtual host."""

    head: Part
    parts: tuple[Part, ...]


class Anatomy(NamedTuple):
    """Groups in their order, and the fields around them as bytes."""

    form: Form
    members: tuple[bytes | Group, ...]

    def groups(self) -> Iterator[Group]:
        return (one for one in self.members if isinstance(one, Group))

    def parts(self) -> Iterator[Part]:
        """All that can be refused by itself, heads before what stands below them. Where parts have no group, there is no head."""
        for group in self.groups():
            if self.form.group_kind:
                yield group.head
            yield from group.parts

    def digests(self) -> set[str]:
        return {one.digest for one in self.parts()}


def cut(form: Form, body: bytes) -> Anatomy:
    """ValueError where the bytes are no message."""
    if form.group is None:
        return Anatomy(form, (_group(form, body),))
    members = (_group(form, inner) if number == form.group else whole for number, whole, inner in unframed(body))
    return Anatomy(form, tuple(members))


def _group(form: Form, body: bytes) -> Group:
    head, parts = [], []
    for number, whole, inner in unframed(body):
        if number == form.part:
            parts.append(Part(_name(form.part_kind, inner), fingerprint(inner), inner))
        else:
            head.append(whole)
    joined = b"".join(head)
    return Group(Part(_name(form.group_kind, joined), fingerprint(joined), joined), tuple(parts))


def _name(kind: type[Message] | None, body: bytes) -> str:
    if kind is None:
        return ""
    try:
        message = kind.FromString(body)
    except DecodeError:
        return fingerprint(body)
    if isinstance(message, LbEndpoint):
        address = message.endpoint.address
        return f"{address.socket_address.address}:{address.socket_address.port_value}" if not address.pipe.path else address.pipe.path
    return str(getattr(message, "name", ""))


def joined(new: Anatomy, allowed: Collection[str], base: Anatomy | None) -> bytes:
    """The new state, but only with parts that are allowed, by digest. In the place of others stands what `base` has under
    their name, and nothing where it has nothing.
    """
    before = {group.head.name: group for group in base.groups()} if base else {}
    return b"".join(one if isinstance(one, bytes) else _joined(new.form, one, allowed, before.get(one.head.name)) for one in new.members)


def _joined(form: Form, group: Group, allowed: Collection[str], before: Group | None) -> bytes:
    head = group.head.body
    if form.group_kind and group.head.digest not in allowed:
        if before is None:
            return b""
        head = before.head.body
    body = head + b"".join(framed(form.part, part) for part in _parts(group, allowed, before))
    return body if form.group is None else framed(form.group, body)


def _parts(group: Group, allowed: Collection[str], before: Group | None) -> Iterator[bytes]:
    replaced: set[str] = set()
    for part in group.parts:
        if part.digest in allowed:
            yield part.body
        elif part.name not in replaced:
            replaced.add(part.name)
            yield from older(before, part.name)


def older(before: Group | None, name: str) -> Iterator[bytes]:
    """The parts that a group had under this name."""
    return (part.body for part in (before.parts if before else ()) if part.name == name)
