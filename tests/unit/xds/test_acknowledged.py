"""A Gateway counts as acknowledged when every connected proxy of its group has answered for it; and how long objects took."""

from __future__ import annotations

from typing import Any

import pytest

from protos.v3 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node
from translator.ir.output import Awaited, Packed
from translator.ir.tables import OUT_AWAITED, OUT_CLUSTER, OUT_LISTENER, OUT_STATUS
from xds.acknowledged import Acknowledged, Rows, Took
from xds.events import Step
from xds.kinds import CLUSTER, LISTENER, Kind
from xds.snapshot import Snapshots
from xds.store import Change
from xds.stream import MODULES, Stream

EDGE = ("Gateway", "infra/edge")


class Client:
    """A proxy that answers when it is told to."""

    def __init__(self, world: World, node: str, *kinds: Kind) -> None:
        self.world, self.stream, self.flying = world, Stream(world.snapshots), list[bytes]()
        world.clients.append(self)
        first = Node(id=node, cluster="local")
        first.metadata.fields[MODULES].list_value.values.add(string_value="shard")
        for kind in kinds:
            self.take(self.stream.receive(DeltaDiscoveryRequest(type_url=kind.type_url, node=first).SerializeToString(), 0.0))

    def take(self, step: Step) -> None:
        self.flying += step.responses
        for event in step.events:
            self.world.acknowledged.event(event)

    def answers(self, error: str = "") -> Rows:
        """All that is on its way, until there is nothing more."""
        while self.flying:
            response = DeltaDiscoveryResponse.FromString(self.flying.pop(0))
            request = DeltaDiscoveryRequest(type_url=response.type_url, response_nonce=response.nonce)
            if error:
                request.error_detail.message = error
            self.take(self.stream.receive(request.SerializeToString(), 0.0))
        return self.world.acknowledged.gateways()

    def goes(self) -> Rows:
        self.world.clients.remove(self)
        self.take(self.stream.ended())
        return self.world.acknowledged.gateways()


class World:
    def __init__(self) -> None:
        self.snapshots, self.clients = Snapshots(["local"]), list[Client]()
        self.snapshots.synced = True
        self.acknowledged = Acknowledged(lambda: (one.stream for one in self.clients))

    def gateway(self, revision: str, listener: str = "") -> Rows:
        """The Gateway at this revision, and what its listener is now, if that is different. Rows that this leads to."""
        row = Awaited(group="local", revision=revision, listeners=("local/80",))
        changes: dict[Any, Any] = {(OUT_AWAITED, EDGE): row, (OUT_STATUS, EDGE): None}
        if listener:
            changes[OUT_LISTENER, ("local", "local/80")] = Packed(listener.encode())
        return self.settle(changes)

    def settle(self, changes: dict[Any, Any]) -> Rows:
        touched = self.snapshots.apply(changes)
        rows = self.acknowledged.settled(changes, self.snapshots.epoch)
        for client in self.clients if touched else ():
            client.take(client.stream.changed(0.0))
        self.acknowledged.look()
        return rows | self.acknowledged.gateways()

    def change(self, key: str, now: float, body: str = "") -> None:
        """A route is read, and a cluster comes of it."""
        self.acknowledged.read([Change("HTTPRoute", key, None)], now)
        self.settle({(OUT_CLUSTER, ("local", "c")): Packed(body.encode())} if body else {})
        self.acknowledged.taken([("HTTPRoute", key), ("Gateway", "never/read")], self.snapshots.epoch)


@pytest.fixture
def world() -> World:
    return World()


def test_without_a_proxy_there_is_nobody_to_wait_for(world: World) -> None:
    assert world.gateway("1", "a") == {EDGE: "1"}


def test_every_proxy_must_have_answered(world: World) -> None:
    one, two = (Client(world, node, CLUSTER, LISTENER) for node in ("one", "two"))
    assert world.gateway("1", "a") == {}
    assert one.answers() == {}
    assert two.answers() == {EDGE: "1"}
    assert two.answers() == {}, "once"


def test_proxy_that_never_answers_is_waited_for_until_it_goes(world: World) -> None:
    one, stuck = (Client(world, node, CLUSTER, LISTENER) for node in ("one", "stuck"))
    world.gateway("1", "a")
    assert one.answers() == {}
    world.gateway("2", "b")
    assert one.answers() == {}
    assert stuck.goes() == {EDGE: "2"}


def test_proxy_that_comes_later_takes_nothing_back(world: World) -> None:
    one = Client(world, "one", CLUSTER, LISTENER)
    world.gateway("1", "a")
    assert one.answers() == {EDGE: "1"}
    late = Client(world, "late", CLUSTER, LISTENER)
    assert late.flying
    assert late.answers() == {}


def test_next_revision_takes_back_what_was_acknowledged_even_if_it_is_one_from_before(world: World) -> None:
    one = Client(world, "one", CLUSTER, LISTENER)
    world.gateway("1", "a")
    one.answers()
    assert world.gateway("2", "b") == {EDGE: None}
    assert world.gateway("1", "a") == {}
    assert one.answers() == {EDGE: "1"}


def test_revision_that_changes_no_resource_is_acknowledged_at_once(world: World) -> None:
    one = Client(world, "one", CLUSTER, LISTENER)
    world.gateway("1", "a")
    one.answers()
    assert world.gateway("2") == {EDGE: "2"}


def test_client_that_asks_for_no_listeners_holds_nothing_up(world: World) -> None:
    other = Client(world, "other", CLUSTER)
    world.settle({(OUT_CLUSTER, ("local", "c")): Packed(b"1")})
    assert other.flying
    assert world.gateway("1", "a") == {EDGE: "1"}


def test_listener_that_one_proxy_refuses_is_not_acknowledged_before_it_changes_or_that_proxy_goes(world: World) -> None:
    one, odd = (Client(world, node, CLUSTER, LISTENER) for node in ("one", "odd"))
    world.gateway("1", "a")
    one.answers()
    assert odd.answers("cannot bind") == {}
    world.gateway("2", "b")
    assert one.answers() == {}
    assert odd.answers() == {EDGE: "2"}
    world.gateway("3", "c")
    one.answers()
    assert odd.answers("cannot bind") == {}
    assert odd.goes() == {EDGE: "3"}


def test_gateway_that_goes_is_waited_for_no_more(world: World) -> None:
    one = Client(world, "one", CLUSTER, LISTENER)
    world.gateway("1", "a")
    world.settle({(OUT_AWAITED, EDGE): None, (OUT_LISTENER, ("local", "local/80")): None})
    assert one.answers() == {}
    assert world.gateway("1", "a") == {}
    assert one.answers() == {EDGE: "1"}


def test_time_of_an_object_is_from_its_reading_to_the_last_ack(world: World) -> None:
    one, two = (Client(world, node, CLUSTER) for node in ("one", "two"))
    world.change("shop/cart", 10.0, "1")
    one.answers()
    assert world.acknowledged.took(10.5) == []
    two.answers()
    assert world.acknowledged.took(11.0) == [Took("HTTPRoute", 1.0)]


def test_object_that_changes_again_before_its_ack_has_a_time_for_each(world: World) -> None:
    one = Client(world, "one", CLUSTER)
    world.change("shop/cart", 10.0, "1")
    world.change("shop/cart", 11.0, "2")
    one.answers()
    assert world.acknowledged.took(12.0) == [Took("HTTPRoute", 2.0), Took("HTTPRoute", 1.0)]


def test_what_changes_nothing_for_proxies_has_no_time(world: World) -> None:
    Client(world, "one", CLUSTER)
    world.change("shop/cart", 10.0)
    assert world.acknowledged.took(11.0) == []
    assert not world.acknowledged.objects


def test_what_was_refused_has_no_time(world: World) -> None:
    one = Client(world, "one", CLUSTER)
    world.change("shop/cart", 10.0, "1")
    one.answers("no")
    assert world.acknowledged.took(11.0) == []
    world.change("shop/cart", 12.0, "2")
    one.answers()
    assert world.acknowledged.took(13.0) == [Took("HTTPRoute", 1.0)]


def test_proxy_that_never_answers_has_changes_unacknowledged(world: World) -> None:
    one, stuck = (Client(world, node, CLUSTER) for node in ("one", "stuck"))
    world.change("shop/cart", 10.0, "1")
    one.answers()
    assert len(world.acknowledged.objects) == 1
    stuck.goes()
    assert world.acknowledged.took(11.0) == [Took("HTTPRoute", 1.0)]
