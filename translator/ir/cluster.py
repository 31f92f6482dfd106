"""Upstreams: what a cluster is, and the endpoints it has."""

from __future__ import annotations

from typing import Literal

from translator.ir.keys import KeyRule
from translator.ir.value import Row

Protocol = Literal["http1", "h2c", "same"]  # the last: what the request came in
Speaks = Literal["", "h2", "same"]
SPOKEN: tuple[Speaks, ...] = ("", "h2")


class Use(Row, frozen=True, gc=False, order=True, cache_hash=True):
    """A key: the upstream that somebody routes to. What differs here differs in the name of its cluster.

    `kind` and `key` name the object (`Service`, `shop/cart`; `Backend`, `shop/legacy`), `port` is 0 where it has none.
    `speaks` is what those who use it speak whatever the port says of itself: gRPC needs HTTP/2, a sidecar goes on as it was asked.
    `fork` is the name of one that stands in for another for the sake of a `Sandbox`, and says all of it.
    """

    kind: str
    key: str
    port: int = 0
    speaks: Speaks = ""
    fork: str = ""


class BackendTLS(Row, frozen=True, gc=False, kw_only=True):
    """Spoken to the backend: one of `names` (`dns` or `uri`, and the name) must be in its certificate, signed by an
    authority of the bundle of that name; without one, of those that the proxy's system trusts.
    """

    sni: str
    names: tuple[tuple[str, str], ...]
    authority: str = ""


class Fork(Row, frozen=True, gc=False, kw_only=True):
    """An upstream by another name, for requests of one key. `prefix` is what the names of all forks of its baseline begin with.

    `sets` are headers that each request gets on its way there. `rule` is None where it takes all requests of its key, else it
    is the one at this `place`.
    """

    to: Use
    prefix: str
    key: str
    sets: tuple[tuple[str, str], ...] = ()
    place: int = 0
    rule: KeyRule | None = None


class Authority(Row, frozen=True, gc=False):
    """Whom to trust: certificates in PEM, checked, and the kind and key of the object that names them."""

    certificates: bytes
    origin: tuple[str, str]


class RetryBudget(Row, frozen=True, gc=False):
    """How many of a hundred requests under way may be retries, and how many retries are always allowed at a time."""

    percent: int
    least: int


class Cluster(Row, frozen=True, gc=False, kw_only=True):
    """`eds` takes its endpoints from an Endpoints row of the same name; `dns` resolves `host` on its own. One that is sealed
    is sent nothing, whatever its endpoints are.
    """

    name: str
    discovery: Literal["eds", "dns"] = "eds"
    protocol: Protocol = "http1"
    endpoints: tuple[Endpoint, ...] = ()  # of `dns` only: (host, port)
    tls: BackendTLS | None = None
    sealed: bool = False
    sets: tuple[tuple[str, str], ...] = ()  # headers of each request, whatever value they had
    budget: RetryBudget | None = None


class Endpoint(Row, frozen=True, gc=False, order=True):
    """An address and a port, or the path of a unix socket with port 0."""

    address: str
    port: int
    health: Literal["healthy", "draining"] = "healthy"
    weight: int = 1


class Split(Row, frozen=True, gc=False, kw_only=True):
    """Upstreams as one, for those who can name but one: a weight and its endpoints each. What falls to a part without
    endpoints is lost.
    """

    name: str
    parts: tuple[tuple[int, tuple[Endpoint, ...]], ...]


class Endpoints(Row, frozen=True, gc=False, kw_only=True):
    """Sorted, without duplicates."""

    endpoints: tuple[Endpoint, ...]
