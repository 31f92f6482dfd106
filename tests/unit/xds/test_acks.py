"""A mere ACK is known by its bytes and never parsed: it must do just what the parsed one does, and nothing at the wrong time."""

from __future__ import annotations

import pytest

from protos.v3 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node
from translator.ir.output import Packed
from translator.ir.tables import OUT_CLUSTER
from xds.events import Acked, Step
from xds.kinds import CLUSTER, Variant
from xds.snapshot import Snapshots
from xds.stream import Stream


class World:
    def __init__(self) -> None:
        self.snapshots = Snapshots()
        self.snapshots.synced = True
        self.put("a", b"1")
        self.stream = Stream(self.snapshots)

    def put(self, name: str, body: bytes) -> None:
        self.snapshots.apply({(OUT_CLUSTER, ("local", name)): Packed(body)})

    def ask(self, **fields: object) -> Step:
        return self.stream.receive(DeltaDiscoveryRequest(type_url=CLUSTER.type_url, **fields).SerializeToString(), 0.0)

    def change(self, body: bytes) -> Step:
        self.put("a", body)
        return self.stream.changed(0.0)


def nonce(step: Step) -> str:
    (data,) = step.responses
    return DeltaDiscoveryResponse.FromString(data).nonce


def acked(step: Step) -> list[str]:
    return [event.nonce for event in step.events if isinstance(event, Acked)]


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("more", [{}, {"node": Node(id="n")}], ids=["as bytes", "parsed"])
def test_an_ack_is_taken_and_not_answered(world: World, more: dict[str, Node]) -> None:
    first = nonce(world.ask(node=Node(id="n")))
    step = world.ask(response_nonce=first, **more)
    assert (acked(step), step.responses, world.stream.watches[CLUSTER].flight) == ([first], (), None)


def test_bytes_of_the_ack_are_what_a_client_sends(world: World) -> None:
    world = World()
    first = nonce(world.ask(node=Node(id="n")))
    (part,) = world.snapshots.of("local", CLUSTER).parts(Variant.DELTA, ("a",), ())
    assert part.ack == DeltaDiscoveryRequest(type_url=CLUSTER.type_url, response_nonce=first).SerializeToString()


def test_an_ack_that_is_said_twice_counts_once(world: World) -> None:
    first = nonce(world.ask(node=Node(id="n")))
    world.ask(response_nonce=first)
    second = nonce(world.change(b"2"))
    step = world.ask(response_nonce=first)
    assert (acked(step), step.responses) == ([], ())
    assert world.stream.watches[CLUSTER].flight is not None
    assert acked(world.ask(response_nonce=second)) == [second]


def test_what_changed_meanwhile_follows_the_ack(world: World) -> None:
    first = nonce(world.ask(node=Node(id="n")))
    assert world.change(b"2").responses == ()
    assert len(world.ask(response_nonce=first).responses) == 1


def test_state_of_the_world_has_no_such_bytes(world: World) -> None:
    (part,) = world.snapshots.of("local", CLUSTER).parts(Variant.SOTW, ("a",), ())
    assert part.ack == b""
