"""What leaves the translation: serialized resources for Envoy, statuses and findings for people."""

from __future__ import annotations

from hashlib import blake2b

from translator.ir.value import Row


def fingerprint(body: bytes) -> str:
    """The version of a resource, and what a part of one is known by: the same for the same bytes, and for no others."""
    return blake2b(body, digest_size=8).hexdigest()


class Packed(Row, frozen=True, gc=False):
    """One serialized Envoy resource. `needs` are names of the next type that it refers to: a scope's RouteConfiguration,
    a cluster's ClusterLoadAssignment. The stream sends nothing before what it needs. `aliases` are other names by which it
    may be asked for (a virtual host: its route table's name and one host). A client drops it `ttl` seconds after it was last
    told of it; 0: never.
    """

    body: bytes
    needs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    ttl: int = 0


class Group(Row, frozen=True, gc=False, kw_only=True):
    """What one kind of Envoy is told apart from objects: set by the process, one row a proxy group.

    `flat` adds a second view for Envoys that do not announce our native module: one route table, not sharded. `pods`: each
    Gateway, or class, has proxies of its own, in Pods that are made for it; then addresses are those of their Service. `home` is
    where Pods for a class are. `awaits`: a Gateway is programmed when a row of ACKED says so; else when it is translated.
    `counted`: requests are counted by route, which is for proxies whose bootstrap has them send what they count.
    """

    bind: str = "127.0.0.1"
    port_offset: int = 0
    flat: bool = False
    pods: bool = False
    home: str = ""
    awaits: bool = False
    counted: bool = False


class Awaited(Row, frozen=True, gc=False, kw_only=True):
    """What must be acknowledged before an object counts as programmed: this revision of it, by the proxies of this group, and
    the listeners that it is served by.
    """

    group: str
    revision: str
    listeners: tuple[str, ...]


class Condition(Row, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A condition without its time: when it changed is for whoever writes it to say."""

    type: str
    status: bool
    reason: str
    message: str = ""


class RouteGroupKind(Row, frozen=True, gc=False, rename="camel"):
    group: str
    kind: str


class ListenerStatus(Row, frozen=True, gc=False, kw_only=True, rename="camel"):
    name: str
    supported_kinds: tuple[RouteGroupKind, ...]
    attached_routes: int
    conditions: tuple[Condition, ...]


class Address(Row, frozen=True, gc=False, kw_only=True, rename="camel"):
    type: str
    value: str


class ParentRef(Row, frozen=True, gc=False, kw_only=True, rename="camel", omit_defaults=True):
    """A parentRef as the user wrote it, so that the status entry can be found by it."""

    group: str | None = None
    kind: str | None = None
    namespace: str | None = None
    name: str = ""
    section_name: str | None = None
    port: int | None = None


class ParentStatus(Row, frozen=True, gc=False, kw_only=True, rename="camel"):
    """What is said of a route at one parent. `group`, which is no part of what is written, is that of the proxies which serve it
    there; empty where none does.
    """

    parent_ref: ParentRef
    controller_name: str
    conditions: tuple[Condition, ...]
    group: str = ""


class AncestorStatus(Row, frozen=True, gc=False, kw_only=True, rename="camel"):
    """What is said of a policy at one Gateway."""

    ancestor_ref: ParentRef
    controller_name: str
    conditions: tuple[Condition, ...]


class ServiceStatus(Row, frozen=True, gc=False, kw_only=True, rename="camel", omit_defaults=True):
    """What answers for one service of a Sandbox: `endpoint` while it is Running, else the baseline, and why."""

    name: str
    status: str  # Running | Pending
    endpoint: str = ""
    message: str = ""


class LinkStatus(Row, frozen=True, gc=False, kw_only=True, rename="camel", omit_defaults=True):
    """A link of a RouteGroup: where it is served, or why it is not."""

    name: str
    url: str = ""
    message: str = ""


class Connection(Row, frozen=True, gc=False, kw_only=True, rename="camel"):
    """How a laptop is connected: times are as it says them."""

    tunnel_id: str
    connected_at: str
    last_heartbeat: str


class Status(Row, frozen=True, gc=False, kw_only=True, rename="camel"):
    """The `.status` of one object at one generation. Fields that a kind does not have are empty and left out. `observed`: the kind says
    its generation in the status itself too.
    """

    generation: int
    observed: bool = False
    phase: str = ""
    conditions: tuple[Condition, ...] = ()
    addresses: tuple[Address, ...] = ()
    listeners: tuple[ListenerStatus, ...] = ()
    parents: tuple[ParentStatus, ...] = ()
    ancestors: tuple[AncestorStatus, ...] = ()
    supported_features: tuple[str, ...] = ()
    attached_listener_sets: int | None = None
    services: tuple[ServiceStatus, ...] = ()
    routing_key: str = ""
    connection: Connection | None = None
    endpoints: tuple[LinkStatus, ...] = ()
