"""What a client holds in the end is what it asked for and what there is, whatever it asked, when, and however often it came back.

The reference is a set of names and the protocol page's rules, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protos.v3 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse, Node
from translator.ir.output import Packed
from translator.ir.tables import SERVED
from xds.kinds import BY_URL, CLUSTER, ENDPOINT, EXTENSION, LISTENER, SECRET, VIRTUAL_HOST, Kind, Variant
from xds.snapshot import Snapshots
from xds.stream import Stream

TABLES = {table.name: table for table in SERVED}
ALIASES = {"a": ("also-a",)}
DIRECTORY = "xdstp://x/T/dir/*"
NAMES = ["a", "b", "xdstp://x/T/dir/c"]
ASKED = [*NAMES, "also-a", DIRECTORY, "*", "nowhere"]
ALSO = {"also-a": "a", DIRECTORY: NAMES[2]}


class Client:
    """One type on one stream. It keeps what it is given, and forgets what it no longer asks for."""

    def __init__(self, snapshots: Snapshots, kind: Kind) -> None:
        self.snapshots, self.kind = snapshots, kind
        self.held: dict[str, tuple[str, bytes]] = {}
        self.wanted: set[str] = set()
        self.now = 0.0
        self.start(())

    def covers(self, name: str) -> bool:
        return "*" in self.wanted or name in self.wanted or any(ALSO.get(wanted) == name for wanted in self.wanted)

    def forget(self) -> None:
        self.held = {name: one for name, one in self.held.items() if self.covers(name)}

    def drain(self) -> None:
        while self.inbox:
            self.answer(self.inbox.pop(0))

    def finish(self) -> None:
        """All is answered, and nothing more is due."""
        self.take(self.stream.changed(self.now).responses)
        self.drain()
        while (due := self.stream.due()) is not None:
            self.now = due
            self.take(self.stream.tick(due).responses)
            self.drain()

    def take(self, responses: Iterable[bytes]) -> None:
        self.inbox += responses
        assert len(self.inbox) <= 1, "two responses of one type without an ACK between them"

    def start(self, names: Iterable[str]) -> None:
        self.inbox: list[bytes] = []
        self.wanted = set(names)

    def answer(self, data: bytes) -> None:
        raise NotImplementedError


class Delta(Client):
    def start(self, names: Iterable[str]) -> None:
        super().start(names)
        self.stream = Stream(self.snapshots, Variant.DELTA, self.kind.type_url)
        legacy = self.kind.legacy_wildcard and not self.wanted
        versions = {name: version for name, (version, _) in self.held.items()}
        self.send(resource_names_subscribe=sorted(self.wanted), initial_resource_versions=versions, node=Node(id="n"))
        self.wanted |= {"*"} if legacy else set()
        self.forget()

    def send(self, **fields: object) -> None:
        self.take(self.stream.receive(DeltaDiscoveryRequest(**fields).SerializeToString(), self.now).responses)

    def ask(self, more: frozenset[str], less: frozenset[str]) -> None:
        self.drain()
        less -= more
        self.wanted = (self.wanted - less) | more
        self.forget()
        self.send(resource_names_subscribe=sorted(more), resource_names_unsubscribe=sorted(less))

    def answer(self, data: bytes) -> None:
        response = DeltaDiscoveryResponse.FromString(data)
        for one in response.resources:
            if one.HasField("resource"):
                self.held[one.name] = one.version, one.resource.value
        for name in response.removed_resources:
            self.held.pop(name, None)
        self.send(response_nonce=response.nonce)

    def come_back(self) -> None:
        self.start(self.wanted - ({"*"} if self.kind.legacy_wildcard and self.wanted == {"*"} else set()))


class Sotw(Client):
    def start(self, names: Iterable[str]) -> None:
        super().start(names)
        self.stream, self.nonce, self.named = Stream(self.snapshots, Variant.SOTW, self.kind.type_url), "", bool(self.wanted)
        self.version = getattr(self, "version", "")
        self.send(node=Node(id="n"))
        self.wanted |= {"*"} if self.kind.legacy_wildcard and not self.named else set()

    def send(self, node: Node | None = None) -> None:
        names = self.wanted if self.named else ()
        request = DiscoveryRequest(node=node, resource_names=sorted(names), response_nonce=self.nonce, version_info=self.version)
        self.take(self.stream.receive(request.SerializeToString(), self.now).responses)

    def ask(self, more: frozenset[str], less: frozenset[str]) -> None:
        self.drain()
        if self.named or more:
            self.wanted = ((self.wanted if self.named else set()) - (less - more)) | more
            self.named = True
        self.forget()
        self.send()

    def answer(self, data: bytes) -> None:
        response = DiscoveryResponse.FromString(data)
        if self.kind.whole:
            self.held = {}
        for one in response.resources:
            name, _, body = one.value.partition(b"=")
            self.held[name.decode()] = "", body
        self.nonce, self.version = response.nonce, response.version_info
        self.send()

    def come_back(self) -> None:
        """Who wants nothing has no version of anything to speak of."""
        self.version = self.version if self.wanted else ""
        self.start(self.wanted if self.named else ())


CHANGES = st.dictionaries(st.sampled_from(NAMES), st.one_of(st.none(), st.binary(min_size=1, max_size=1)), min_size=1)
SOME = st.frozensets(st.sampled_from(ASKED), max_size=3)
MOVES = st.lists(st.one_of(CHANGES, st.tuples(SOME, SOME), st.sampled_from(["answer", "answer", "come back"])), min_size=1, max_size=14)


def apply(snapshots: Snapshots, kind: Kind, now: dict[str, bytes], changes: dict[str, bytes | None]) -> None:
    rows = {}
    for name, body in changes.items():
        rows[TABLES[kind.table], ("local", name)] = body and Packed(name.encode() + b"=" + body, aliases=ALIASES.get(name, ()))
        rows[TABLES[kind.table], ("local~flat", name)] = rows[TABLES[kind.table], ("local", name)]
    snapshots.apply(rows)
    now.update(changes)


@pytest.mark.parametrize("kind", [CLUSTER, LISTENER, ENDPOINT, SECRET, VIRTUAL_HOST], ids=repr)
@pytest.mark.parametrize("client", [Delta, Sotw])
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(moves=MOVES)
def test_client_holds_what_it_asked_for_and_what_there_is(client: type[Client], kind: Kind, moves: list[object]) -> None:
    snapshots, now = Snapshots(), dict[str, bytes | None]()
    snapshots.synced = True
    apply(snapshots, kind, now, {"a": b"1", NAMES[2]: b"1"})
    one = client(snapshots, kind)
    for move in moves:
        if isinstance(move, dict):
            apply(snapshots, kind, now, move)
            one.take(one.stream.changed(one.now).responses)
        elif isinstance(move, tuple):
            one.ask(*move)
        elif move == "answer":
            one.drain()
        else:
            one.come_back()
    one.finish()
    expected = {name: body for name, body in now.items() if body and one.covers(name)}
    held = {name: body.partition(b"=")[2] or body for name, (_, body) in one.held.items()}
    if client is Sotw and not kind.whole:  # there are no words for a removal: what went is left with the client
        held = {name: body for name, body in held.items() if name in expected}
    assert held == expected


def test_kinds_of_the_test_are_all_there_are_of_each_sort() -> None:
    """Named, wildcard and whole, swapping or not: what is left out is like one that is in."""
    tried = {(kind.legacy_wildcard, kind.whole, kind.swaps) for kind in (CLUSTER, LISTENER, ENDPOINT, SECRET, VIRTUAL_HOST)}
    assert {(kind.legacy_wildcard, kind.whole, kind.swaps) for kind in BY_URL.values() if kind is not EXTENSION} == tried
