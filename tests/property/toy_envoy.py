"""A client that behaves as Envoy does where order matters, and protests where a real one would fail requests."""

from __future__ import annotations

from collections import deque

from protos.v3 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse, Node
from xds.events import Step
from xds.kinds import BY_URL, CLUSTER, ENDPOINT, LISTENER, ROUTE, SCOPE, Kind, Variant
from xds.snapshot import Snapshots
from xds.stream import MODULES, Stream

State = dict[str, str]  # name → body; of a route the clusters it names, of a scope the RouteConfiguration


def packed(name: str, body: str) -> bytes:
    """As Envoy's own resources do, ours say their name: a SotW response does not."""
    return f"{name}={body}".encode()


def body(value: bytes) -> str:
    return value.decode().partition("=")[2]


class ToyEnvoy:
    """Both directions are queues: the test says which side moves next.

    A cluster is warm, and its response ACKed, when its endpoints came after it. Scopes are asked for once there is a
    listener, RouteConfigurations while a scope names them, endpoints while there is the cluster.
    """

    variant = Variant.DELTA

    def __init__(self, snapshots: Snapshots) -> None:
        self.snapshots, self.now = snapshots, 0.0
        self.held: dict[Kind, State] = {kind: {} for kind in (CLUSTER, ENDPOINT, LISTENER, SCOPE, ROUTE)}
        self.versions: dict[Kind, State] = {kind: {} for kind in self.held}
        self.wanted: dict[Kind, set[str]] = {ENDPOINT: set(), ROUTE: set()}
        self.usable: set[str] = set()  # clusters that were warm once
        self.reached: set[str] = set()
        self.connect()

    def connect(self) -> None:
        """A new stream: what was under way is lost, and everything is asked for again with the versions held."""
        self.stream = Stream(self.snapshots, self.variant)
        self.inbox: deque[DeltaDiscoveryResponse] = deque()
        self.outbox: deque[DeltaDiscoveryRequest | DiscoveryRequest] = deque()
        self.warming: dict[str, set[str]] = {}  # nonce of a cluster response → endpoints it waits for
        self.flying: dict[str, str] = {}
        self.asked: set[Kind] = set()
        self.first = True
        for kind in (CLUSTER, ENDPOINT, LISTENER, SCOPE, ROUTE):
            if kind in (CLUSTER, LISTENER) or self.held[kind] or self.wanted.get(kind):
                self.ask(kind, self.wanted.get(kind, ()))

    def ask(self, kind: Kind, subscribe: object = (), unsubscribe: object = ()) -> None:
        versions = self.versions[kind] if kind not in self.asked else {}
        self.asked.add(kind)
        request = DeltaDiscoveryRequest(
            type_url=kind.type_url,
            resource_names_subscribe=sorted(subscribe),
            resource_names_unsubscribe=sorted(unsubscribe),
            initial_resource_versions=versions,
        )
        self.put(request)

    def put(self, request: DeltaDiscoveryRequest | DiscoveryRequest) -> None:
        if self.first:
            node = Node(id="toy", cluster="local")
            node.metadata.fields[MODULES].list_value.values.add(string_value="shard")
            request.node.CopyFrom(node)
            self.first = False
        self.outbox.append(request)

    # Moves -------------------------------------------------------------------------------------------------------------

    def changed(self) -> None:
        self.take(self.stream.changed(self.now))

    def tick(self) -> bool:
        due = self.stream.due()
        if due is not None:
            self.now = due
            self.take(self.stream.tick(due))
        return due is not None

    def server_reads(self) -> bool:
        if not self.outbox:
            return False
        self.take(self.stream.receive(self.outbox.popleft().SerializeToString(), self.now))
        return True

    def client_reads(self) -> bool:
        if not self.inbox:
            return False
        response = self.inbox.popleft()
        kind = BY_URL[response.type_url]
        before = dict(self.held[kind])
        for one in response.resources:
            self.held[kind][one.name] = body(one.resource.value)
            self.versions[kind][one.name] = one.version
        for name in response.removed_resources:
            self.held[kind].pop(name, None)
            self.versions[kind].pop(name, None)
        getattr(self, f"on_{kind.name.lower()}")(response, before)
        return True

    def take(self, step: Step) -> None:
        assert step.close is None
        for data in step.responses:
            response = self.read(data)
            assert response.type_url not in self.flying, "a second response before the ACK of the first"
            names = [one.name for one in response.resources]
            assert len(set(names)) == len(names), "a name twice in one response"
            self.flying[response.type_url] = response.nonce
            self.inbox.append(response)

    def read(self, data: bytes) -> DeltaDiscoveryResponse:
        return DeltaDiscoveryResponse.FromString(data)

    def ack(self, kind: Kind, nonce: str) -> None:
        self.outbox.append(DeltaDiscoveryRequest(type_url=kind.type_url, response_nonce=nonce))
        self.flying.pop(kind.type_url)

    # What Envoy does ---------------------------------------------------------------------------------------------------

    def on_cluster(self, response: DeltaDiscoveryResponse, before: State) -> None:
        named = self.named_clusters()
        assert not named & set(response.removed_resources), "a cluster was removed that a route names"
        self.usable -= set(response.removed_resources)
        new = {one.name for one in response.resources}
        self.want(ENDPOINT, new - self.wanted[ENDPOINT], set(response.removed_resources) & self.wanted[ENDPOINT])
        self.warming[response.nonce] = new
        self.reached |= {"update"} if new & before.keys() else set()
        self.warm(set())

    def on_endpoint(self, response: DeltaDiscoveryResponse, _: State) -> None:
        self.ack(ENDPOINT, response.nonce)
        self.warm({one.name for one in response.resources} | set(response.removed_resources))

    def warm(self, arrived: set[str]) -> None:
        self.usable |= arrived & self.held[CLUSTER].keys()
        for nonce, waiting in list(self.warming.items()):
            waiting.difference_update(arrived)
            if not waiting:
                del self.warming[nonce]
                self.ack(CLUSTER, nonce)

    def on_listener(self, response: DeltaDiscoveryResponse, _: State) -> None:
        self.ack(LISTENER, response.nonce)
        if self.held[LISTENER] and SCOPE not in self.asked:
            self.ask(SCOPE)

    def on_scope(self, response: DeltaDiscoveryResponse, before: State) -> None:
        for one in response.resources:
            if one.name in before and before[one.name] != self.held[SCOPE][one.name]:
                self.reached.add("point")
                assert self.held[SCOPE][one.name] in self.held[ROUTE], "a scope was pointed to what is not loaded"
        needed = set(self.held[SCOPE].values())
        unneeded = self.wanted[ROUTE] - needed
        self.want(ROUTE, needed - self.wanted[ROUTE], unneeded)
        for name in unneeded:
            self.held[ROUTE].pop(name, None)
            self.versions[ROUTE].pop(name, None)
        self.ack(SCOPE, response.nonce)

    def on_route(self, response: DeltaDiscoveryResponse, _: State) -> None:
        assert not set(response.removed_resources) & set(self.held[SCOPE].values()) & set(self.held[ROUTE]), "a used route was removed"
        for one in response.resources:
            if one.name not in self.wanted[ROUTE]:  # was on its way when it was given up
                self.held[ROUTE].pop(one.name)
                self.versions[ROUTE].pop(one.name)
        assert self.named_clusters() <= self.usable, "a route came before its cluster was usable"
        self.ack(ROUTE, response.nonce)

    def named_clusters(self) -> set[str]:
        return {name for body in self.held[ROUTE].values() for name in body.split(",") if name}

    def want(self, kind: Kind, more: set[str], less: set[str]) -> None:
        if more or less:
            self.ask(kind, more, less)
            self.wanted[kind] = (self.wanted[kind] | more) - less
        if kind is ENDPOINT:
            for name in less:
                self.held[ENDPOINT].pop(name, None)
                self.versions[ENDPOINT].pop(name, None)


class SotwEnvoy(ToyEnvoy):
    """The same client by state of the world: it says all its names each time, and forgets what a whole response lacks."""

    variant = Variant.SOTW

    def connect(self) -> None:
        self.nonces: dict[Kind, str] = {}
        self.said: dict[Kind, str] = getattr(self, "said", {})
        super().connect()

    def ask(self, kind: Kind, subscribe: object = (), unsubscribe: object = ()) -> None:
        self.asked.add(kind)
        names = self.wanted.get(kind, set()) | set(subscribe) - set(unsubscribe)
        self.put(
            DiscoveryRequest(
                type_url=kind.type_url,
                resource_names=sorted(names - set(unsubscribe)),
                response_nonce=self.nonces.get(kind, ""),
                version_info=self.said.get(kind, ""),
            )
        )

    def ack(self, kind: Kind, nonce: str) -> None:
        self.nonces[kind] = nonce
        self.flying.pop(kind.type_url)
        self.ask(kind)

    def read(self, data: bytes) -> DeltaDiscoveryResponse:
        """With names from the bodies."""
        said = DiscoveryResponse.FromString(data)
        response = DeltaDiscoveryResponse(type_url=said.type_url, nonce=said.nonce, system_version_info=said.version_info)
        for one in said.resources:
            name, _, value = one.value.decode().partition("=")
            response.resources.add(name=name, version=value).resource.value = one.value
        return response

    def client_reads(self) -> bool:
        """Turned into what a delta server would have said, to who has what this client has."""
        if self.inbox:
            response, held = self.inbox[0], self.held[BY_URL[self.inbox[0].type_url]]
            self.said[BY_URL[response.type_url]] = response.system_version_info
            if BY_URL[response.type_url].whole:
                gone = held.keys() - {one.name for one in response.resources}
                new = [one for one in response.resources if held.get(one.name) != one.version]
                del response.resources[:]
                response.resources.extend(new)
                response.removed_resources.extend(gone)
        return super().client_reads()
