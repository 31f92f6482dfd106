"""Who may ask for what: certificate → identity → node ids and proxy group. Values and pure functions; knows no gRPC and no clock.

A proxy says who it is by the one URI in its certificate, `spiffe://<trust domain>/ns/<namespace>/sa/<account>/gw/<gateway>`, or
`…/gc/<class>` if it serves all Gateways of a class, or `…/svc/<service>` if it is a sidecar (SPIFFE X.509-SVID, section 2:
exactly one URI). The names in its requests never widen what that allows.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence

from msgspec import Struct

from translator.ir import inbound
from translator.ir.plane import CLASS
from xds.security import STREAMS, TRUST_DOMAIN

LOCAL = "local"  # the group of all Gateways together
LONGEST = 1000  # characters of a node id: it stands in logs, and in what people look at
_WORD = r"([A-Za-z0-9._-]+)"  # SPIFFE ID, section 2.2: what a path segment is made of
_ID = re.compile(rf"spiffe://([a-z0-9._-]+)/ns/{_WORD}/sa/{_WORD}/(gw|gc|svc)/{_WORD}", re.ASCII)


class Identity(Struct, frozen=True):
    """A kind of proxy: those of one Gateway, of one class, or beside the workload of one Service; run by one account."""

    trust: str
    namespace: str
    account: str
    gateway: str  # or the class, or the Service
    of_class: bool = False
    of_service: bool = False

    def __str__(self) -> str:
        what = "gc" if self.of_class else "svc" if self.of_service else "gw"
        return f"spiffe://{self.trust}/ns/{self.namespace}/sa/{self.account}/{what}/{self.gateway}"

    @property
    def key(self) -> str:
        """Its group: the Gateway, as its objects are keyed, the class, or the sidecars of the Service. Node ids of its proxies are
        this, or begin with this and a slash.
        """
        if self.of_class:
            return f"{CLASS}{self.gateway}"
        own = f"{self.namespace}/{self.gateway}"
        return inbound.group(own) if self.of_service else own


class Refusal(Struct, frozen=True):
    """`reason` is for metrics and logs, one of few; `message` is what the client is told; `code` a gRPC status, by name."""

    code: str
    reason: str
    message: str


class Limits(Struct, frozen=True):
    """How much one identity may use. Bytes, seconds, names of one type on one stream, requests a second."""

    streams: int = STREAMS
    first_within: float = 5.0
    first_bytes: int = 64 * 1024 * 1024  # a reconnect names everything that a proxy has
    bytes: int = 4 * 1024 * 1024
    names: int = 100_000
    requests: float = 50.0
    burst: float = 200.0


class Grant(Struct, frozen=True):
    """What one client may do. Without an identity, on a way that only this machine has, it is welcome under any name."""

    identity: Identity | None = None
    shared: bool = False
    limits: Limits | None = None

    def admits(self, node: str) -> bool:
        """Whether the client may call itself this, and be told of the proxy of this name."""
        if self.identity is None:
            return True
        return node == self.identity.key or node.startswith(f"{self.identity.key}/")

    @property
    def only(self) -> str:
        """The one group whose proxies it speaks for; empty where it may be any."""
        return "" if self.identity is None or (self.shared and not self.identity.of_service) else self.identity.key

    def group(self, cluster: str, groups: Container[str]) -> str:
        """The proxy group of a client that says this in `node.cluster`. What is not there and what it may not have are alike."""
        return self.only or (cluster if cluster in groups or cluster.startswith(inbound.PREFIX) else LOCAL)


ANYBODY = Grant()


class Speaker:
    """The node in whose name a call speaks: one that its grant admits, and from then on no other."""

    def __init__(self, grant: Grant = ANYBODY) -> None:
        self._grant, self.node = grant, ""

    def says(self, node: str) -> Refusal | None:
        """What is wrong with a message that names this node, or None. Only the first message of a call must name one."""
        if node in ("", self.node):
            return None
        if self.node:
            return Refusal("INVALID_ARGUMENT", "node-changed", f"this stream belongs to node {self.node!r}")
        if not node.isprintable() or len(node) > LONGEST:
            return Refusal("INVALID_ARGUMENT", "node-name", f"node.id must be printable, and not longer than {LONGEST} characters")
        if not self._grant.admits(node):
            return Refusal("PERMISSION_DENIED", "node", f"the certificate of this client is not for node {node!r}")
        self.node = node
        return None


class Policy(Struct, frozen=True):
    """`shared`: one group of proxies serves all Gateways, so each identity of the trust domain is shown all of them."""

    trust: str = TRUST_DOMAIN
    shared: bool = False
    limits: Limits = Limits()

    def grant(self, uris: Sequence[str]) -> Grant | Refusal:
        """For a client whose certificate, checked already, has these URIs."""
        found = identity(uris)
        if found is None:
            return unauthenticated("no-identity", "the certificate does not name a Gateway: one URI spiffe://…/ns/…/sa/…/gw/… is needed")
        if found.trust != self.trust:
            return unauthenticated("trust-domain", "the certificate is of another trust domain")
        return Grant(found, self.shared, self.limits)


def identity(uris: Sequence[str]) -> Identity | None:
    match = _ID.fullmatch(uris[0]) if len(uris) == 1 else None
    if match is None or {".", ".."} & {*match.groups()[1:]}:
        return None
    trust, namespace, account, kind, name = match.groups()
    return Identity(trust, namespace, account, name, kind == "gc", kind == "svc")


def unauthenticated(reason: str, message: str) -> Refusal:
    return Refusal("UNAUTHENTICATED", reason, message)
