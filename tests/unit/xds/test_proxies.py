"""What is said of a connected proxy: whether it has all that it asked for, and what it lacks for having refused it."""

from __future__ import annotations

from protos.v3 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node
from translator.ir.output import Packed
from translator.ir.tables import OUT_CLUSTER
from xds.kinds import CLUSTER
from xds.proxies import TypeState, proxy_state
from xds.snapshot import Snapshots
from xds.stream import Stream


class World:
    def __init__(self) -> None:
        self.snapshots = Snapshots()
        self.snapshots.synced = True
        self.stream = Stream(self.snapshots)
        self.flying: list[bytes] = []

    def put(self, **bodies: str | None) -> None:
        self.snapshots.apply({(OUT_CLUSTER, ("local", name)): body and Packed(body.encode()) for name, body in bodies.items()})
        self.flying += self.stream.changed(0.0).responses

    def ask(self, error: str = "", node: Node | None = None) -> None:
        """The first request, or the answer to what is on its way."""
        nonce = DeltaDiscoveryResponse.FromString(self.flying.pop()).nonce if self.flying else ""
        request = DeltaDiscoveryRequest(type_url=CLUSTER.type_url, response_nonce=nonce, node=node)
        if error:
            request.error_detail.message = error
        self.flying += self.stream.receive(request.SerializeToString(), 0.0).responses

    @property
    def state(self) -> TypeState:
        found = proxy_state(self.stream)
        assert found is not None
        return found.types[0]


def test_stream_that_did_not_say_who_it_is_is_nobody() -> None:
    assert proxy_state(Stream(Snapshots())) is None


def test_state_from_the_first_request_to_a_refusal_and_back() -> None:
    world = World()
    world.put(a="1", b="1")
    world.ask(node=Node(id="n"))
    assert (world.state.state, world.state.held) == ("STALE", 2)
    world.ask()
    assert (world.state.state, world.state.acked) == ("SYNCED", world.state.sent)
    world.put(a="2")
    world.ask("no")
    assert (world.state.state, world.state.error, world.state.refused, world.state.held) == ("NACK", "no", ("a",), 1)
    world.put(a="3")
    world.ask()
    assert (world.state.state, world.state.error, world.state.refused, world.state.held) == ("SYNCED", "", (), 2)


def test_what_was_refused_is_lacked_by_nobody_once_it_is_left_out() -> None:
    world = World()
    world.put(a="1", b="1")
    world.ask(node=Node(id="n"))
    world.ask()
    world.put(a="2")
    world.ask("no")
    world.put(a=None)
    world.ask()
    assert (world.state.state, world.state.error, world.state.refused, world.state.held) == ("SYNCED", "", (), 1)
