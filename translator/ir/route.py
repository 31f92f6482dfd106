"""HTTP routing: what a route asks for, wherever it is attached. One Entry is one match of one rule, and what then happens."""

from __future__ import annotations

from typing import Literal

from translator.ir.finding import Finding, Path
from translator.ir.value import Row

Text = Literal["exact", "regex"]


class PathMatch(Row, frozen=True, gc=False):
    """`prefix` matches whole segments: /a matches /a and /a/b, not /ab."""

    kind: Literal["exact", "prefix", "regex"]
    value: str


class TextMatch(Row, frozen=True, gc=False):
    """A header (name in lower case) or a query parameter."""

    kind: Text
    name: str
    value: str


class Match(Row, frozen=True, gc=False, kw_only=True):
    """All parts must hold."""

    path: PathMatch = PathMatch("prefix", "/")
    method: str = ""
    headers: tuple[TextMatch, ...] = ()
    query: tuple[TextMatch, ...] = ()


LAST = "~"  # what the age of an entry begins with that is asked after all others of its match, however old: behind every time


class Precedence(Row, frozen=True, gc=False, order=True):
    """A sort key within one virtual host: the smallest is asked first. Flat, since there is one for each match of each route."""

    path: int  # kind of match
    length: int  # minus that of the path
    method: bool  # True: no method is named
    headers: int  # minus their number
    query: int  # minus their number
    created: str
    key: str
    rule: int
    match: int  # of the rule


class Share(Row, frozen=True, gc=False, kw_only=True):
    """A backend's part of the traffic. `cluster` is empty where the backend cannot be had: its share answers `Forward.missing`."""

    cluster: str
    weight: int = 1
    filters: tuple[Filter, ...] = ()


class Retry(Row, frozen=True, gc=False, kw_only=True):
    """Another try after an answer with one of these statuses, after a failed connection, or when a try took too long.

    `backoff` in milliseconds; 0 leaves it to Envoy (25).
    """

    codes: tuple[int, ...] = ()
    attempts: int = 1
    backoff: int = 0


class Forward(Row, frozen=True, gc=False, kw_only=True):
    """Sent on, by weight. Timeouts in milliseconds: None is Envoy's own default for us (none), 0 switches it off.

    `missing` is the status of shares whose backend cannot be had: 500, or 503, which gRPC knows as UNAVAILABLE.
    """

    shares: tuple[Share, ...]
    timeout: int | None = None
    backend_timeout: int | None = None
    missing: Literal[500, 503] = 500
    retry: Retry | None = None


class Answer(Row, frozen=True, gc=False):
    """Answered by Envoy itself."""

    status: int


class Headers(Row, frozen=True, gc=False, kw_only=True, tag="headers"):
    """Changes of headers: set replaces, add appends, remove takes away. Pairs of name and value."""

    on: Literal["request", "response"]
    set: tuple[tuple[str, str], ...] = ()
    add: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()


class PathChange(Row, frozen=True, gc=False):
    """`full` replaces the path, `prefix` only what the match's prefix covered."""

    kind: Literal["full", "prefix"]
    value: str


class Redirect(Row, frozen=True, gc=False, kw_only=True, tag="redirect"):
    """Empty parts are those of the request; `port` 0 means: that of the scheme given, else the listener's."""

    scheme: str = ""
    hostname: str = ""
    port: int = 0
    path: PathChange | None = None
    status: int = 302


class Rewrite(Row, frozen=True, gc=False, kw_only=True, tag="rewrite"):
    hostname: str = ""
    path: PathChange | None = None


class Mirror(Row, frozen=True, gc=False, kw_only=True, tag="mirror"):
    """A copy of `numerator` out of `denominator` requests, whose answers nobody waits for."""

    cluster: str
    numerator: int = 100
    denominator: int = 100


class CORS(Row, frozen=True, gc=False, kw_only=True, tag="cors"):
    """Which origins may read answers. `*` in an origin stands for any characters; `max_age` in seconds."""

    origins: tuple[str, ...]
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    credentials: bool = False
    max_age: int = 5


class ExternalAuth(Row, frozen=True, gc=False, kw_only=True, tag="external_auth"):
    """A request goes on only if a service says so. `headers` in lower case are what it is told of the request: by gRPC all where
    none are named; by HTTP these beside those that are always told. `returned` are headers of its answer that go on with the
    request: all where none are named. `path` stands before that of the request. `body` is in bytes; 0: none of it.
    """

    cluster: str
    protocol: Literal["grpc", "http"]
    headers: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    path: str = ""
    body: int = 0


class Session(Row, frozen=True, gc=False, kw_only=True, tag="session"):
    """A client that gives back what it was given, in a cookie or header of this name, reaches the same endpoint again.

    `lifetime` in seconds; 0: as long as the client keeps it. A cookie that is `scoped` is for the paths of its route alone.
    """

    name: str
    place: Literal["cookie", "header"] = "cookie"
    lifetime: int = 0
    scoped: bool = True


Filter = Headers | Redirect | Rewrite | Mirror | CORS | ExternalAuth | Session


class Entry(Row, frozen=True, gc=False, kw_only=True):
    """One match of one rule. `name` is that of the Envoy route, and says which object, rule and match it comes from."""

    name: str
    match: Match
    precedence: Precedence
    action: Forward | Answer
    filters: tuple[Filter, ...] = ()
    origin: tuple[str, str] = ("", "")  # kind and key of the object, for findings

    @property
    def rule(self) -> int:
        """Which of its rules, or of the endpoints of a RouteGroup, for findings."""
        return self.precedence.rule

    @property
    def path(self) -> Path:
        """Where its object says it."""
        return ("spec", "endpoints" if self.origin[0] == "RouteGroup" else "rules", self.rule)


class Place(Row, frozen=True, gc=False, order=True, cache_hash=True):
    """A key: a virtual host of a route table. `host` is lower-case: exact, `*.suffix` or `*`."""

    table: str
    host: str


class Keyed(Row, frozen=True, gc=False):
    """A place where a route stands whose upstreams may have forks: those clusters, and what the names of their forks begin with."""

    place: Place
    forks: tuple[tuple[str, str], ...]


class Yielding(Row, frozen=True, gc=False):
    """An entry that is asked last of all at a virtual host, and what is told of it where another takes every request."""

    precedence: Precedence
    finding: Finding


class Site(Row, frozen=True, gc=False, kw_only=True):
    """What an action may depend on beside its entry: the path matched, and the door through which requests come.

    `host` is that of the virtual host, `port` the one that clients reach. `host_names_port` is true for the requests whose Host
    header carries a port, where these are told apart.
    """

    path: PathMatch
    host: str = "*"
    scheme: Literal["http", "https"] = "http"
    port: int = 80
    host_names_port: bool = False
