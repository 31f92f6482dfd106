"""One stream as a state machine: requests, changes and time in, one Step with all effects out. No I/O, no clock.

xDS as the protocol page has it, with what Envoy 1.40 needs on top: ACK-gated order (ordering.py), endpoints again with
every cluster, at most one response of a type that is not ACKed. Types gate each other only here. Delta and state of the
world differ in how a request is read (requests.py) and how a response is put (watch.py); all that is decided is the same.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain, count

from google.protobuf.message import DecodeError

from protos.v3 import DeltaDiscoveryRequest, Node
from xds.events import Acked, Close, Connected, Disconnected, Event, GateExpired, Nacked, NeedsView, Proxy, Refused, Sent, Step, Withheld
from xds.kinds import BY_URL, CLUSTER, ENDPOINT, FLAT, ROUTE, SCOPE, Kind, Variant
from xds.ordering import GATE_SECONDS, ORDER, RESUME_SECONDS, Move, Phase
from xds.requests import MESSAGES, Request, wish
from xds.resource import Part
from xds.security.access import ANYBODY, Grant, Speaker
from xds.snapshot import Snapshots
from xds.trial import Verdict
from xds.watch import FRUITLESS, Flight, Watch
from xds.words import shown

MODULES = "pointsman.io/modules"  # key of node metadata: a list of what our native module can do there
AGENT = 100  # characters of what a client says its program is, and of its version
HELD = 1000  # requests of one stream kept until there is an answer
UNKNOWN = 64  # types remembered that we do not serve

NOBODY = Proxy(node="", group="", view="", agent="", stream=0, since=0.0)
ACCEPTS = DeltaDiscoveryRequest()  # what an ACK says when it is looked at for its error
_streams = count(1)


class Stream:
    """`only` is the type URL of a stream that is for one type (the per-type services), empty where types share it."""

    def __init__(self, snapshots: Snapshots, variant: Variant = Variant.DELTA, only: str = "", grant: Grant = ANYBODY) -> None:
        self.variant, self.only, self.grant = variant, only, grant
        self._speaker = Speaker(grant)
        self.proxy = NOBODY  # until the first request names its node
        self.metadata = b""  # of that node: a google.protobuf.Struct
        self.watches: dict[Kind, Watch] = {}
        self.unknown: set[str] = set()
        self._snapshots = snapshots
        self._complete = False
        self._phases: list[tuple[Phase, Watch]] = []  # those of ORDER that this stream has
        self._acks: dict[bytes, Watch] = {}  # what each type on its way is ACKed with, if with nothing else
        self._held: list[Request] = []
        self._blocked: dict[Phase, float] = {}
        self._awaited: set[str] = set()  # RouteConfigurations that new scopes name and that are not loaded yet
        self._pushed: list[frozenset[str]] = []  # endpoints of clusters sent before the client subscribed to endpoints
        self._resumes_until = self._now = 0.0
        self._responses: list[bytes] = []
        self._events: list[Event] = []
        self._ends: Close | None = None  # more was asked for than may be

    # Inputs ------------------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> Step:
        """One DeltaDiscoveryRequest, or DiscoveryRequest."""
        watch = self._acks.get(data)
        if watch and watch.flight and watch.flight.part.ack == data:
            self._answered(watch, watch.flight, ACCEPTS, now)
            return self._go_on(now)
        message = MESSAGES[self.variant]
        try:
            request = message.FromString(data)
        except DecodeError:
            return self._close("INVALID_ARGUMENT", f"the request is not a {message.DESCRIPTOR.name}")
        refusal = self._identify(request, now)
        if refusal:
            return self._step(refusal)
        if not self._ready():
            self._held.append(request)
            return (
                self._step() if len(self._held) <= HELD else self._close("RESOURCE_EXHAUSTED", "too many requests before the first answer")
            )
        self._take(request, now)
        return self._go_on(now)

    def changed(self, now: float) -> Step:
        """There are other snapshots, or they are synced now."""
        if self.proxy is NOBODY or not self._ready():
            return Step()
        held, self._held = self._held, []
        for request in held:
            self._take(request, now)
        return self._go_on(now)

    tick = changed  # time has passed, to `due()` or beyond

    def ended(self) -> Step:
        return Step(events=(Disconnected(self.proxy),) if self.proxy is not NOBODY else ())

    @property
    def quiet(self) -> bool:
        """Nothing that was sent waits for its answer."""
        return all(watch.flight is None for watch in self.watches.values())

    def due(self) -> float | None:
        """When to call `tick` at the latest, if nothing else happens; None if only an input can change anything."""
        times = [one.quiet_until for one in self.watches.values() if one.quiet_until > self._now and any(map(one.wants, Move))]
        times += [one.beats_at for one in self.watches.values() if one.mortal and not one.flight]
        if self._blocked:
            times += [since + GATE_SECONDS for since in self._blocked.values()]
            times += [watch.flight.since + GATE_SECONDS for watch in self.watches.values() if watch.flight]
            times.append(self._resumes_until)
        return min((time for time in times if time > self._now), default=None)

    # Asking it ---------------------------------------------------------------------------------------------------------

    def through(self, epoch: int, kinds: Collection[Kind] = ()) -> bool:
        """Whether the client has answered for all that it asked for of the changes up to this epoch; of these types, or of all."""
        now = self._snapshots.epoch
        watches = (watch for kind, watch in self.watches.items() if not kinds or kind in kinds)
        return self._complete and all(one.made_through(now) >= epoch and one.gone_through(now) >= epoch for one in watches)

    def refuses(self, kind: Kind, names: Collection[str]) -> bool:
        """Whether it refuses one of these as it is now."""
        watch = self.watches.get(kind)
        return watch is not None and any(name in watch.refused and name in watch.table.live for name in names)

    # The first request -------------------------------------------------------------------------------------------------

    def _identify(self, request: Request, now: float) -> Close | None:
        """Take the node from the first request, hold later ones to it. What is wrong, or None."""
        if refusal := self._speaker.says(request.node.id):
            return Close(refusal.code, refusal.message, refusal.reason)
        if not self._speaker.node:
            return Close("INVALID_ARGUMENT", "the first request of a stream must say who asks: node.id is empty")
        if self.proxy is NOBODY:
            self._connect(request.node, now)
        request.type_url = request.type_url or self.only
        if self.only and request.type_url != self.only:
            return Close("INVALID_ARGUMENT", f"this service is for {self.only} only")
        return None if request.type_url else Close("INVALID_ARGUMENT", "type_url is empty")

    def _connect(self, node: Node, now: float) -> None:
        group = self.grant.group(node.cluster, self._snapshots.groups)
        view = group if "shard" in modules(node) else group + FLAT
        self.metadata = node.metadata.SerializeToString()
        self.proxy = Proxy(node.id, group, view, agent(node), next(_streams), now)
        self._events.append(Connected(self.proxy))
        if view != group:
            self._events.append(NeedsView(self.proxy, view))

    def _ready(self) -> bool:
        """A view that was complete once stays so: what it lacks later is gone."""
        self._complete = self._complete or (self.proxy is not NOBODY and self._snapshots.complete(self.proxy.view))
        return self._complete

    # Requests ----------------------------------------------------------------------------------------------------------

    def _take(self, request: Request, now: float) -> None:
        kind = BY_URL.get(request.type_url)
        if kind is None:
            if len(self.unknown) < UNKNOWN:
                self.unknown.add(request.type_url)
            return
        watch = self.watches.get(kind) or self._watch(kind)
        flight = watch.flight
        if flight and request.response_nonce == flight.part.nonce:
            self._answered(watch, flight, request, now)
        self._subscribe(watch, request, now)

    def _watch(self, kind: Kind) -> Watch:
        watch = Watch(kind, self._snapshots.of(self.proxy.view, kind), self._snapshots.epoch, self.variant)
        self.watches[kind] = watch
        self._phases = [(phase, self.watches[phase.kind]) for phase in ORDER if phase.kind in self.watches]
        return watch

    def _answered(self, watch: Watch, flight: Flight, request: Request, now: float) -> None:
        part, url = flight.part, watch.kind.type_url
        self._acks.pop(part.ack, None)
        if request.HasField("error_detail"):
            message = shown(watch.kind, request.error_detail.message)
            watch.rejected(flight, message, now)
            self._events.append(Nacked(self.proxy, url, part.nonce, part.names, message))
        else:
            watch.accepted(flight)
            self._events.append(Acked(self.proxy, url, part.nonce, part.names, part.gone, now - flight.since))
            if watch.kind is ROUTE and self._awaited:
                self._awaited.difference_update(part.names, part.gone)
        self._events += (refused(self.proxy, watch, one) for one in watch.verdicts())
        follows = watch.land(flight, now)
        if follows:
            self._send(watch, follows)

    def _subscribe(self, watch: Watch, request: Request, now: float) -> None:
        wanted = wish(watch, request)
        if wanted is None:
            return
        if wanted.returns and not self.only:
            self._resumes_until = now + RESUME_SECONDS
        if self.grant.limits and len(wanted.asked.now.names) > self.grant.limits.names:
            self._ends = Close("RESOURCE_EXHAUSTED", f"more than {self.grant.limits.names} names of one type are asked for", "names")
            return
        if self.grant.identity and (strange := self._snapshots.elsewhere(self.proxy.view, watch.kind, wanted.asked.names)):
            self._events.append(Withheld(self.proxy, watch.kind.type_url, strange))
        if watch.kind is ROUTE and watch.subscription and self._awaited:
            self._awaited -= watch.subscription.names - wanted.asked.now.names
        watch.ask(wanted.asked, wanted.held, chain.from_iterable(self._pushed) if watch.kind is ENDPOINT else ())
        if watch.kind is ENDPOINT:
            self._pushed.clear()

    # Phases ------------------------------------------------------------------------------------------------------------

    def _go_on(self, now: float) -> Step:
        """Send all that may be sent."""
        self._now, epoch = now, self._snapshots.epoch
        for phase, watch in self._phases:
            if not watch.wants(phase.move):
                if self._blocked:
                    self._blocked.pop(phase, None)
            elif watch.forgotten:
                return self._close("ABORTED", "this stream is too far behind; reconnect with the versions that you have")
            elif watch.flight is None and now >= watch.quiet_until:
                self._move(phase, watch, epoch, now)
        for watch in self.watches.values():
            if watch.mortal and watch.flight is None and now >= watch.beats_at and (part := watch.beat(now)):
                self._send(watch, part)
        return self._step()

    def _move(self, phase: Phase, watch: Watch, epoch: int, now: float) -> None:
        limit, waited = self._limit(phase, watch, epoch, now)
        expired = bool(waited) and now >= self._blocked.get(phase, now) + GATE_SECONDS
        pick = watch.pick(phase.move, epoch if expired else limit, epoch)
        sends = pick.sends
        if sends:
            self._send(watch, watch.fly(pick, phase.move, now))
        if sends or not waited:
            self._blocked.pop(phase, None)
        if waited and not expired and watch.wants(phase.move):
            self._blocked.setdefault(phase, now)
        elif expired and sends:
            self._awaited.clear()
            self._events.append(GateExpired(self.proxy, phase.kind.type_url, tuple(kind.type_url for kind in waited)))

    def _limit(self, phase: Phase, watch: Watch, epoch: int, now: float) -> tuple[int, list[Kind]]:
        """The epoch up to which this phase may send, and the types that it waits for beyond that."""
        limit, waited = epoch, []
        for kind in phase.after:
            through = self._through(kind, phase, watch, epoch, now)
            if through < epoch:
                waited.append(kind)
                limit = min(limit, through)
        return limit, waited

    def _through(self, kind: Kind, phase: Phase, follower: Watch, epoch: int, now: float) -> int:
        watch = self.watches.get(kind)
        if watch is None:
            resumes = now < self._resumes_until and self._snapshots.of(self.proxy.view, kind).live
            return 0 if resumes else epoch
        if now < watch.quiet_until or (watch.flight and now >= watch.flight.since + GATE_SECONDS):
            return epoch
        if phase.move is Move.REMOVE:
            made = watch.made_through(epoch)
            return made if kind is phase.kind else min(made, watch.gone_through(epoch))
        if kind is CLUSTER and self._cold():
            return 0
        if kind is ROUTE and (self._awaits(watch) or (phase.move is Move.POINT and self._refused(follower, watch))):
            return 0
        return watch.made_through(epoch)

    def _cold(self) -> bool:
        """Envoy names a cluster as held when it reconnects, though the endpoints that it waits for were lost on the way."""
        endpoints = self.watches.get(ENDPOINT)
        return endpoints is not None and endpoints.cold

    def _awaits(self, routes: Watch) -> bool:
        return not self._awaited.isdisjoint(routes.table.live)  # one that is gone may come back, and is awaited then as before

    @staticmethod
    def _refused(scopes: Watch, routes: Watch) -> bool:
        live = scopes.table.live
        return bool(routes.refused) and any(need in routes.refused for name in scopes.points if name in live for need in live[name].needs)

    # Outputs -----------------------------------------------------------------------------------------------------------

    def _send(self, watch: Watch, part: Part) -> None:
        watch.nonce = part.nonce
        if part.ack:
            self._acks[part.ack] = watch
        self._responses.append(part.data)
        self._events.append(Sent(self.proxy, watch.kind.type_url, part.nonce, part.names, part.gone, len(part.data)))
        if watch.kind is CLUSTER and part.needs:
            self._push_endpoints(part.needs)
        elif watch.kind is SCOPE and part.needs:
            routes = self.watches.get(ROUTE)
            self._awaited.update(need for need in part.needs if routes is None or not routes.holds(need))

    def _push_endpoints(self, needs: frozenset[str]) -> None:
        """Envoy 1.40 waits for the endpoints of a cluster that it is sent, and does not ask for them again on an update."""
        endpoints = self.watches.get(ENDPOINT)
        if endpoints:
            endpoints.push(needs)
        else:
            self._pushed.append(needs)

    def _step(self, close: Close | None = None) -> Step:
        responses, self._responses = tuple(self._responses), []
        events, self._events = tuple(self._events), []
        return Step(responses, events, close or self._ends)

    def _close(self, code: str, message: str) -> Step:
        return self._step(Close(code, message))


def refused(proxy: Proxy, watch: Watch, one: Verdict) -> Refused:
    """After three in a row with nothing accepted between, it may as well be the client that is at fault."""
    message, part, good = one.fault
    doubted = watch.fruitless > FRUITLESS
    name, digest = (part.name, part.digest) if part else ("", "")
    return Refused(proxy, watch.kind.type_url, one.name, one.version, message, good, doubted, name, digest)


def modules(node: Node) -> tuple[str, ...]:
    """What the node's metadata says our native module can do there."""
    fields = node.metadata.fields
    return tuple(value.string_value for value in fields[MODULES].list_value.values) if MODULES in fields else ()


def agent(node: Node) -> str:
    number = node.user_agent_version
    if node.HasField("user_agent_build_version"):
        version = node.user_agent_build_version.version
        number = f"{version.major_number}.{version.minor_number}.{version.patch}"
    return "".join(one for one in f"{node.user_agent_name[:AGENT]} {number[:AGENT]}" if one.isprintable()).strip()
