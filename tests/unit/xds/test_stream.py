"""What a stream costs and shares: one response for all in the same state, one at a time, and nothing that grows unread.

What it says, and when, stands in tests/streams.
"""

from __future__ import annotations

import pytest

from protos.v3 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse, Node
from translator.ir.output import Packed
from translator.ir.tables import SERVED
from xds.events import Sent
from xds.kinds import CLUSTER, ENDPOINT, SECRET, Kind, Variant
from xds.snapshot import Snapshots
from xds.stream import Stream

TABLES = {table.name: table for table in SERVED}
VARIANTS = pytest.mark.parametrize("variant", Variant)
SORTS = pytest.mark.parametrize("kind", [CLUSTER, ENDPOINT, SECRET], ids=repr)
NAMES = [f"n{number}" for number in range(50)]
Message = DeltaDiscoveryResponse | DiscoveryResponse


class Rig:
    """Streams of one type, and what each was last given."""

    def __init__(self, variant: Variant, kind: Kind) -> None:
        self.variant, self.kind, self.snapshots = variant, kind, Snapshots()
        self.snapshots.synced = True
        self.put(**dict.fromkeys(NAMES, b"0"))

    def put(self, **bodies: bytes | None) -> None:
        rows = {name: body and Packed(name.encode() + b"=" + body) for name, body in bodies.items()}
        self.snapshots.apply({(TABLES[self.kind.table], ("local", name)): packed for name, packed in rows.items()})

    def stream(self) -> tuple[Stream, bytes]:
        """One that has asked, and what it was answered."""
        stream = Stream(self.snapshots, self.variant)
        return stream, self.request(stream, node=Node(id="n"))[0]

    def request(self, stream: Stream, data: bytes = b"", node: Node | None = None) -> tuple[bytes, ...]:
        """The first request, or the ACK of `data`."""
        names = [] if self.kind.legacy_wildcard else NAMES
        nonce = self.read(data).nonce
        if self.variant is Variant.DELTA:
            subscribe = names if node else []
            fields = {"resource_names_subscribe": subscribe, "response_nonce": nonce}
            request = DeltaDiscoveryRequest(type_url=self.kind.type_url, node=node, **fields)
        else:
            request = DiscoveryRequest(type_url=self.kind.type_url, node=node, resource_names=names, response_nonce=nonce)
        return stream.receive(request.SerializeToString(), 0.0).responses

    def read(self, data: bytes) -> Message:
        return (DeltaDiscoveryResponse if self.variant is Variant.DELTA else DiscoveryResponse).FromString(data)

    def bodies(self, data: bytes) -> set[bytes]:
        message = self.read(data)
        return {one.resource.value if isinstance(message, DeltaDiscoveryResponse) else one.value for one in message.resources}


def held(stream: Stream) -> tuple[int, int, int]:
    """What is kept for one stream: responses, their bytes, and names that are listed one by one."""
    parts = [part for watch in stream.watches.values() if watch.flight for part in watch.flight.parts]
    listed = sum(len(getattr(watch, name)) for watch in stream.watches.values() for name in ("owed", "lost", "absent", "points", "refused"))
    return len(parts), sum(len(part.data) for part in parts), listed


@VARIANTS
@SORTS
def test_streams_in_the_same_state_are_given_one_object_of_bytes(variant: Variant, kind: Kind) -> None:
    rig = Rig(variant, kind)
    streams = [rig.stream() for _ in range(5)]
    assert len({id(data) for _, data in streams}) == 1
    for stream, data in streams:
        assert rig.request(stream, data) == ()
    rig.put(n3=b"1")
    given = [stream.changed(0.0).responses for stream, _ in streams]
    assert [len(responses) for responses in given] == [1] * 5
    assert len({id(responses[0]) for responses in given}) == 1


@VARIANTS
@SORTS
def test_thousand_changes_while_one_response_is_under_way_are_one_response_more(variant: Variant, kind: Kind) -> None:
    rig = Rig(variant, kind)
    stream, first = rig.stream()
    for number in range(1000):
        rig.put(**{NAMES[number % 7]: str(number).encode()})
        assert stream.changed(0.0).responses == ()
    (last,) = rig.request(stream, first)
    newest = {NAMES[number % 7]: number for number in range(1000)}
    expected = {f"{name}={number}".encode() for name, number in newest.items()}
    assert expected <= rig.bodies(last)
    assert len(rig.bodies(last)) == (len(NAMES) if variant is Variant.SOTW and kind.whole else 7)
    assert rig.request(stream, last) == ()


@VARIANTS
@SORTS
def test_stream_that_is_not_read_holds_as_much_after_a_thousand_changes_as_after_one(variant: Variant, kind: Kind) -> None:
    """Names come, change and go under it. What it was given is shared; what it misses stands in the log, once for all."""
    rig = Rig(variant, kind)
    stuck, _ = rig.stream()
    reader, last = rig.stream()
    assert rig.request(reader, last) == ()
    kept = []
    for number in range(1000):
        rig.put(n1=str(number).encode(), **{f"new {number}": b"1", f"new {number - 1}": None})
        assert stuck.changed(0.0).responses == ()
        responses = reader.changed(0.0).responses
        while responses:
            (last,) = responses
            responses = rig.request(reader, last)
        kept.append(held(stuck))
        assert held(reader)[0] == 0
    assert kept[0] == kept[-1]
    assert kept[-1][0] == 1
    assert kept[-1][2] == 0


@VARIANTS
def test_response_that_nobody_waits_for_any_more_is_let_go(variant: Variant) -> None:
    rig = Rig(variant, CLUSTER)
    stream, first = rig.stream()
    assert rig.request(stream, first) == ()
    assert held(stream) == (0, 0, 0)


@VARIANTS
def test_one_change_is_one_response_of_one_type(variant: Variant) -> None:
    rig = Rig(variant, CLUSTER)
    stream, first = rig.stream()
    rig.request(stream, first)
    rig.put(n1=b"1")
    sent = [event for event in stream.changed(0.0).events if isinstance(event, Sent)]
    assert [(event.type_url, event.names) for event in sent] == [(CLUSTER.type_url, ("n1",))]
