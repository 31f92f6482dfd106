"""The tables between the rules of this package. What leaves it is declared in ir.tables."""

from __future__ import annotations

from translator.engine import Table
from translator.gatewayapi.allotment import Wish
from translator.gatewayapi.conditions import Problem
from translator.gatewayapi.references import Referent
from translator.ir.cluster import BackendTLS, RetryBudget, Use
from translator.ir.finding import Finding, Path, field_path
from translator.ir.keys import Reading
from translator.ir.listener import Clients, Port
from translator.ir.output import Condition, ParentRef, RouteGroupKind
from translator.ir.plane import Plane, Run
from translator.ir.route import Share
from translator.ir.value import Row
from translator.resources.core import EndpointSlice
from translator.resources.envoyproxy import EnvoyProxySpec
from translator.resources.gateway import Listener as ListenerSpec
from translator.resources.gateway import ReferenceGrant, RouteNamespaces
from translator.resources.persistence import SessionPersistence


class Claim(Row, frozen=True, gc=False, order=True):
    """A listener that asks for a port. Ordered as ports are given away: oldest Gateway first, then by name; a Gateway's own
    listeners go before those of its ListenerSets, and of these the oldest first (GEP-1713).
    """

    created: str
    gateway: str
    added: int  # 1: by a ListenerSet
    added_when: str
    parent: str  # its id
    index: int
    name: str
    protocol: str
    hostname: str


class ClassState(Row, frozen=True, gc=False):
    """A class of ours: what its parameters say, or why they say nothing. `group` is that of all its Gateways, if they share one."""

    spec: EnvoyProxySpec
    problem: str
    group: str
    ways: bool = False  # whether each of its Gateways has a Service of its own


class Parameters(Row, frozen=True, gc=False):
    """Which proxies serve a Gateway, and how they are run. With a problem they stay as they are.

    `serves`: whether its listeners are looked at all the same. `reached`: whether shared proxies have the addresses it asks for.
    """

    group: str
    run: Run
    problem: str
    serves: bool
    reached: bool
    ways: bool = False


class ClientCheck(Row, frozen=True, gc=False):
    """What a Gateway wants clients of a port to show. `name` is that of the bundle, `path` where the Gateway says so."""

    gateway: str
    name: str
    refs: tuple[Referent, ...]
    required: bool
    path: Path


class Presents(Row, frozen=True, gc=False):
    """The certificate that a Gateway shows to backends, or none."""

    gateway: str
    secret: Referent | None


class Declared(Row, frozen=True, gc=False):
    """One listener of a Gateway of ours, as written there or in a ListenerSet."""

    parent: str  # id of the Gateway or ListenerSet
    index: int
    spec: ListenerSpec
    ports: tuple[Port, ...]
    clients: ClientCheck | None = None


class Verdict(Row, frozen=True, gc=False):
    """Whether a listener got its ports: no problem, or which. `overlaps` names listeners with overlapping TLS hosts."""

    condition: str = ""
    reason: str = ""
    message: str = ""
    overlaps: tuple[str, ...] = ()


class ListenerState(Row, frozen=True, gc=False):
    """What a listener's status says, but for the count of its routes."""

    index: int
    name: str
    accepted: bool
    programmed: bool
    kinds: tuple[RouteGroupKind, ...]
    conditions: tuple[Condition, ...]
    waits: Condition | None = None  # what its Gateway says while nothing but proxies is missing
    secrets: tuple[str, ...] = ()  # keys of those that it presents


class Joined(Row, frozen=True, gc=False, order=True):
    """A RouteGroup at a listener, oldest first."""

    created: str
    group: str  # its key

    @property
    def namespace(self) -> str:
        return self.group.partition("/")[0]


class Target(Row, frozen=True, gc=False):
    """A listener as routes see it. Certificates are left out on purpose, so that rotating one re-attaches no route."""

    id: str
    section: str
    port: int
    accepted: bool
    hostname: str
    namespaces: RouteNamespaces
    kinds: tuple[RouteGroupKind, ...]
    tables: tuple[tuple[Port, str], ...]  # where its routes stand: ports, and the route table of each
    groups: tuple[tuple[str, str], ...] = ()  # namespaces whose Services have forks here, and their RouteGroup


class Served(Row, frozen=True, gc=False):
    """A listener that can serve a port: what its filter chain presents."""

    protocol: str
    hostname: str
    secrets: tuple[str, ...]
    table: str
    parent: str  # id of the Gateway or ListenerSet
    index: int  # of the listener within it
    listener: str  # its id
    keys: Reading | None = None
    clients: Clients | None = None

    @property
    def place(self) -> tuple[str, str, str, int]:
        """By which those of a port are sorted. How keys are read is no part: there is no order of that."""
        return (self.protocol, self.hostname, self.parent, self.index)


class Stream(Row, frozen=True, gc=False, order=True):
    """A route that wants the connections or datagrams of a listener. Ordered by who gets them: the oldest route, then by name."""

    created: str
    route: str
    listener: str  # id
    host: str  # what the handshake names; empty for all
    shares: tuple[Share, ...]


class Part(Row, frozen=True, gc=False):
    """A backend of a UDPRoute and its weight; without one the share is lost."""

    weight: int
    backend: Use | None


class Compiled(Row, frozen=True, gc=False):
    """What a route needs and what is wrong with it, wherever it will be attached. `route` is the key of its row, and `origin` its kind
    and key: every row about the route has these very values, of which one each is kept.

    `dropped` are the rules that are not served as written, with the reason for each; a route whose rules are all
    dropped is not accepted.
    """

    route: str
    origin: tuple[str, str]
    uses: tuple[Use, ...]
    unresolved: tuple[Problem, ...]
    dropped: tuple[Problem, ...]
    accepted: bool


class TargetClaim(Row, frozen=True, gc=False, order=True):
    """A BackendTLSPolicy that is about a backend; with a section about one port of it. The oldest first."""

    created: str
    policy: str
    section: str


class TrafficClaim(Row, frozen=True, gc=False):
    """An XBackendTrafficPolicy that is about a backend, and how many retries it allows, if it says so."""

    created: str
    policy: str
    budget: RetryBudget | None


class Kept(Row, frozen=True, gc=False):
    """The sessions that a policy has kept at a backend."""

    policy: str
    persistence: SessionPersistence


class AuthorityState(Row, frozen=True, gc=False):
    """The certificates of a ConfigMap that is trusted, or what is wrong with it."""

    problem: str = ""
    certificates: bytes = b""


class PolicyState(Row, frozen=True, gc=False):
    """What a BackendTLSPolicy demands, and whether it can be obeyed. What obeys one that cannot gets no traffic."""

    tls: BackendTLS
    usable: bool
    problems: tuple[Problem, ...]


class SetState(Row, frozen=True, gc=False):
    """Which Gateway a ListenerSet belongs to, and why it may not, if so."""

    gateway: str
    refused: str


class ParentVerdict(Row, frozen=True, gc=False):
    """What came of one parentRef: the listeners it reached, or why none; and the group of proxies that serves it there."""

    index: int
    ref: ParentRef
    problem: Problem | None
    reached: tuple[str, ...] = ()
    group: str = ""


def _finding_order(finding: Finding) -> tuple[str, str, str]:
    return (field_path(finding.path), finding.code, finding.message)


CLASS_STATE = Table[str, ClassState]("ClassState")  # name of a class of ours
PARAMETERS = Table[str, Parameters]("Parameters")  # key of a Gateway of ours
WISH = Table[str, Wish]("Wish", order=lambda wish: wish)  # proxy group → ports of its Gateways that need a place
PLANE_PART = Table[str, Plane]("PlanePart")  # proxy group → what each of its Gateways wants of it
DEFAULTS = Table[str, str]("Defaults")  # default scope → Gateways of ours that have it
OURS = Table[str, str]("Ours")  # gateway → the proxy group that serves it
SERVING = Table[str, str]("Serving")  # id of a Gateway or ListenerSet that routes may name → its proxy group
SET_STATE = Table[str, SetState]("SetState")  # key of a ListenerSet
SET_ON = Table[str, str]("SetOn")  # gateway → keys of its ListenerSets
CLAIM = Table[Port, Claim]("Claim", order=lambda claim: claim)
DECLARED = Table[str, Declared]("Declared")  # listener id
VERDICT = Table[str, Verdict]("Verdict")  # listener id; one for each port it asked for
OWNER = Table[tuple[Port, str], str]("Owner")  # (port, hostname) → id of the listener that has it
NARROW = Table[Port, bool]("Narrow")  # port on which some listener has a hostname
CERTIFICATE_REF = Table[str, str]("CertificateRef")  # key of a Secret → listeners that name it
CERTIFICATE_STATE = Table[str, str]("CertificateState")  # key of a Secret → "" or what is wrong
LISTENER_STATE = Table[str, ListenerState]("ListenerState", order=lambda state: state.index)  # id of the parent
JOINED = Table[str, Joined]("Joined", order=lambda joined: joined)  # listener id
JOINS = Table[str, tuple[str, str]]("Joins")  # RouteGroup → (proxy group, id of a listener that it reaches)
GROUP_STATE = Table[str, tuple[Condition, ...]]("GroupState")  # RouteGroup → what is said of it, but for its endpoints
TARGET = Table[tuple[str, str], Target]("Target")  # (id of the parent, section or "")
SERVED = Table[Port, Served]("Served", order=lambda served: served.place)
STREAM = Table[Port, Stream]("Stream", order=lambda stream: (stream.created, stream.route, stream.host))
PARTS = Table[Use, tuple[Part, ...]]("Parts")  # upstream of a UDPRoute
TARGETED = Table[tuple[str, str], TargetClaim]("Targeted", order=lambda claim: claim)  # (kind, key) of a backend
TRAFFIC = Table[tuple[str, str], TrafficClaim]("Traffic", order=lambda claim: (claim.created, claim.policy))  # (kind, key) of a backend
GOVERNED = Table[tuple[str, str], str]("Governed")  # (kind, key) of a backend → policies of any kind about it
KEEPS = Table[tuple[str, str], Kept]("Keeps")  # (kind, key) of a backend
AUTHORITY_REF = Table[str, str]("AuthorityRef")  # key of a ConfigMap → who trusts it
AUTHORITY_STATE = Table[str, AuthorityState]("AuthorityState")  # key of a ConfigMap
PRESENTING = Table[str, Presents]("Presenting")  # proxy group → what each of its Gateways shows to backends
PRESENT_STATE = Table[str, Problem | None]("PresentState")  # gateway that shows one to backends → what is wrong with it
POLICY = Table[str, PolicyState]("Policy")  # key of a BackendTLSPolicy
OBEYS = Table[tuple[str, str], Use]("Obeys")  # (kind, key) of a policy → upstreams it is about
GRANTS_IN = Table[str, ReferenceGrant]("GrantsIn")  # namespace that grants
COMPILED = Table[str, Compiled]("Compiled")  # route (`HTTPRoute/shop/cart`)
PARENT = Table[str, ParentVerdict]("Parent", order=lambda verdict: verdict.index)  # route
ROUTE_ON = Table[str, str]("RouteOn")  # listener id → accepted routes attached to it
USE = Table[Use, str]("Use")  # upstream → routes that use it, in any group
SLICES_OF = Table[str, EndpointSlice]("SlicesOf")  # key of a Service
FOUND = Table[tuple[str, str], Finding]("Found", order=_finding_order)  # (kind, key)
