"""Whatever a client refuses of what it is sent: the causes are named and nothing else is, and everything else ends up held."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil, log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protos.v3 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse, Node, RouteConfiguration, data
from translator.ir.output import Packed, fingerprint
from translator.ir.tables import RESOURCES
from xds.events import Refused, Step
from xds.kinds import CLUSTER, ENDPOINT, ROUTE, Kind, Variant
from xds.snapshot import Snapshots
from xds.stream import MODULES, Stream

TABLES = {table.name: table for table in RESOURCES}
Bodies = dict[str, bytes]
Says = Callable[[list[str], list[str]], str]  # names of what it refuses and of all that came → its words
SAYINGS: dict[str, Says] = {
    "nothing": lambda _bad, _all: "no",
    "the first cause": lambda bad, _all: f"error in {bad[0]}: no",
    "all of them": lambda bad, _all: ", ".join(bad),
    "another": lambda _bad, all_: f"something about {all_[0]}",
}


class Refuser:
    """A client of one type that refuses every response with something bad in it, and applies of it what `partly` says."""

    def __init__(self, kind: Kind, variant: Variant, *, bad: Callable[[bytes], bool], partly: str, says: Says) -> None:
        self.kind, self.variant, self.bad, self.partly, self.says = kind, variant, bad, partly, says
        self.snapshots = Snapshots()
        self.snapshots.synced = True
        self.stream = Stream(self.snapshots, variant)
        self.held: Bodies = {}
        self.refused: list[Refused] = []
        self.now, self.nonce, self.rounds = 0.0, "", 0
        self.names: list[str] = []
        self.sent: list[bytes] = []

    def apply(self, bodies: Mapping[str, bytes | None]) -> None:
        table = TABLES[self.kind.table]
        self.snapshots.apply({(table, ("local", name)): None if body is None else Packed(body) for name, body in bodies.items()})
        self.take(self.stream.changed(self.now))

    def ask(self, names: list[str], error: str = "", *, first: bool = False) -> None:
        self.names = names
        request: DeltaDiscoveryRequest | DiscoveryRequest
        if self.variant is Variant.DELTA:
            request = DeltaDiscoveryRequest(type_url=self.kind.type_url, response_nonce=self.nonce)
            request.resource_names_subscribe.extend(names if first and not self.kind.whole else ())
        else:
            request = DiscoveryRequest(type_url=self.kind.type_url, response_nonce=self.nonce)
            request.resource_names.extend(() if self.kind.whole else names)
        if first:
            request.node.CopyFrom(Node(id="toy", cluster="local"))
            request.node.metadata.fields[MODULES].list_value.values.add(string_value="shard")
        if error:
            request.error_detail.message = error
        self.take(self.stream.receive(request.SerializeToString(), self.now))

    def take(self, step: Step) -> None:
        assert step.close is None
        self.sent += step.responses
        self.refused += (event for event in step.events if isinstance(event, Refused))

    def play(self, most: int = 10_000) -> None:
        """Answer until nothing is on its way, and wait out every pause."""
        while most:
            if self.sent:
                self.answer(self.sent.pop(0))
                most -= 1
            elif (due := self.stream.due()) is not None:
                self.now = due
                self.take(self.stream.tick(due))
            else:
                break
        assert most, "it does not come to an end"

    def answer(self, message: bytes) -> None:
        came, gone = self.read(message)
        wrong = [name for name, body in came.items() if self.bad(body)]
        if not wrong:
            for name in gone:
                self.held.pop(name, None)
            self.held.update(came)
            self.ask(self.names)
            return
        self.rounds += 1
        if self.partly == "all but the bad":
            self.held.update((name, body) for name, body in came.items() if name not in wrong)
        elif self.partly == "up to the bad":
            before = list(came)[: list(came).index(wrong[0])]
            self.held.update((name, came[name]) for name in before)
        self.ask(self.names, self.says(wrong, list(came)))

    def read(self, message: bytes) -> tuple[Bodies, set[str]]:
        if self.variant is Variant.DELTA:
            delta = DeltaDiscoveryResponse.FromString(message)
            self.nonce = delta.nonce
            return {one.name: one.resource.value for one in delta.resources}, set(delta.removed_resources)
        sotw = DiscoveryResponse.FromString(message)
        self.nonce = sotw.nonce
        came = {named(one.value): one.value for one in sotw.resources}
        return came, self.held.keys() - came.keys() if self.kind.whole else set()


def named(body: bytes) -> str:
    """What a body says of its own name: the text before `=`, or the name of a RouteConfiguration."""
    head, equals, _ = body.partition(b"=")
    return head.decode() if equals else RouteConfiguration.FromString(body).name


def plain(name: str, word: str) -> bytes:
    return f"{name}={word}".encode()


def bad_word(body: bytes) -> bool:
    return body.endswith(b"=bad")


CLIENTS = pytest.mark.parametrize("variant", list(Variant), ids=lambda one: one.value)
KINDS = pytest.mark.parametrize("kind", [CLUSTER, ENDPOINT], ids=repr)
FLAWS = st.sampled_from(["nothing", "all but the bad", "up to the bad"])


@st.composite
def sets(draw: st.DrawFn) -> tuple[int, set[int]]:
    many = draw(st.integers(1, 24))
    return many, draw(st.sets(st.integers(0, many - 1), max_size=4))


@CLIENTS
@KINDS
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(sets(), FLAWS, st.sampled_from(sorted(SAYINGS)), st.booleans())
def test_causes_are_named_and_all_else_is_held(
    variant: Variant, kind: Kind, case: tuple[int, set[int]], partly: str, says: str, updates: bool
) -> None:
    many, bad = case
    names = [f"n{number}" for number in range(many)]
    client = Refuser(kind, variant, bad=bad_word, partly=partly, says=SAYINGS[says])
    first = {name: plain(name, "1") for name in names}
    client.apply(first if updates else {})
    client.ask(names, first=True)
    client.play()
    news = {name: plain(name, "bad" if number in bad else "2") for number, name in enumerate(names)}
    client.apply(news)
    client.play()
    assert sorted(one.name for one in client.refused) == sorted(names[number] for number in bad)
    assert {one.version for one in client.refused} == {fingerprint(news[one.name]) for one in client.refused}
    assert client.rounds <= len(bad) * (ceil(log2(many)) + 3), "the first refusal, halves, a wrong guess, and the cause by itself"
    held = {name: first.get(name) if number in bad else news[name] for number, name in enumerate(names)}
    assert client.held == {name: body for name, body in held.items() if body and (updates or not bad_word(news[name]))}
    client.apply({name: plain(name, "3") for name in names})
    client.play()
    assert client.held == {name: plain(name, "3") for name in names}


@CLIENTS
@pytest.mark.parametrize("many", [1, 2, 3, 7, 8, 9, 64, 100])
def test_one_cause_among_many_is_named_in_few_rounds(variant: Variant, many: int) -> None:
    """All refused responses are counted but the first, and all that were accepted on the way to the cause."""
    names = [f"n{number}" for number in range(many)]
    for cause in {0, many // 3, many // 2, many - 1}:
        client = Refuser(ENDPOINT, variant, bad=bad_word, partly="nothing", says=SAYINGS["nothing"])
        client.apply({name: plain(name, "bad" if number == cause else "1") for number, name in enumerate(names)})
        client.ask(names, first=True)
        answered = 0
        while client.sent and not client.refused:
            client.answer(client.sent.pop(0))
            answered += 1
        assert [one.name for one in client.refused] == [names[cause]]
        assert answered - 1 <= ceil(log2(many)) + 1
        client.play(2)


def table(name: str, hosts: dict[str, list[tuple[str, str]]]) -> bytes:
    """A RouteConfiguration: each host with its routes, by name and body of what they answer."""
    made = RouteConfiguration(name=name)
    for host, routes in hosts.items():
        one = made.virtual_hosts.add(name=host, domains=[host])
        for route, answer in routes:
            one.routes.add(name=route, match={"prefix": "/"}, direct_response={"status": 200, "body": {"inline_string": answer}})
    return data(made)


def bad_table(body: bytes) -> bool:
    made = RouteConfiguration.FromString(body)
    return any(
        host.domains[0].startswith("bad") or any(route.direct_response.body.inline_string == "bad" for route in host.routes)
        for host in made.virtual_hosts
    )


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[tuple[str, str]]]:
    hosts = draw(st.lists(st.sampled_from(["a", "b", "c", "bad-d"]), unique=True, max_size=4))
    routes = st.lists(st.sampled_from(["r", "s", "t"]), unique=True, max_size=3)
    words = st.sampled_from(["1", "2", "bad"])
    return {host: [(f"{host}/{route}", draw(words)) for route in draw(routes)] for host in hosts}


def cleaned(hosts: dict[str, list[tuple[str, str]]], before: dict[str, list[tuple[str, str]]]) -> dict[str, list[tuple[str, str]]]:
    """What a client should hold in the end: of what is bad the state before, or nothing."""
    old = {name: word for routes in before.values() for name, word in routes}
    found = {}
    for host, routes in hosts.items():
        if not host.startswith("bad"):
            kept = [(name, word if word != "bad" else old.get(name, "")) for name, word in routes]
            found[host] = [(name, word) for name, word in kept if word]
    return found


@CLIENTS
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(tables(), tables(), st.sampled_from(["nothing", "a host", "a route"]))
def test_bad_routes_and_hosts_of_a_table_are_named_and_the_rest_of_it_is_served(
    variant: Variant, old: dict[str, list[tuple[str, str]]], new: dict[str, list[tuple[str, str]]], says: str
) -> None:
    before = {host: [(name, word) for name, word in routes if word != "bad"] for host, routes in old.items() if not host.startswith("bad")}
    words = {"nothing": "no", "a host": "virtual host 'a': no", "a route": "route 'b/r': no"}[says]
    client = Refuser(ROUTE, variant, bad=bad_table, partly="nothing", says=lambda _bad, _all: words)
    client.apply({"t": table("t", before), "u": table("u", {"x": [("x/r", "1")]})})
    client.ask(["t", "u"], first=True)
    client.play()
    assert not client.refused
    client.apply({"t": table("t", new), "u": table("u", {"x": [("x/r", "2")]})})
    client.play()
    bad = {name for host, routes in new.items() for name, word in routes if word == "bad" and not host.startswith("bad")}
    assert {one.part for one in client.refused if not one.part.startswith("bad")} == bad
    assert {one.part for one in client.refused if one.part.startswith("bad")} == {host for host in new if host.startswith("bad")}
    assert client.held == {"t": table("t", cleaned(new, before)), "u": table("u", {"x": [("x/r", "2")]})}


@CLIENTS
def test_client_that_refuses_everything_is_sent_little(variant: Variant) -> None:
    """Ten minutes, a thousand resources, each of them refused; and one that is always refused as it is changed every second."""
    client = Refuser(ENDPOINT, variant, bad=lambda _: True, partly="nothing", says=SAYINGS["nothing"])
    names = [f"n{number}" for number in range(1000)]
    client.apply({name: plain(name, "1") for name in names})
    client.ask(names, first=True)
    answered = 0
    for second in range(600):
        while (due := client.stream.due()) is not None and due <= second:
            client.now = due
            client.take(client.stream.tick(due))
        client.now = max(client.now, float(second))
        client.apply({"n0": plain("n0", str(second))})
        while client.sent:
            client.answer(client.sent.pop(0))
            answered += 1
    assert answered <= 12 * (3 + 12 + 600 / 30), "about 10 tries for each pause, and pauses grow to half a minute"
    assert [one.doubted for one in client.refused[:4]] == [False, False, False, True]
    assert all(one.doubted for one in client.refused[3:])
