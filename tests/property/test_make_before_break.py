"""Random snapshots against a toy Envoy, with every interleaving of the two directions, reconnects included."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.property.toy_envoy import SotwEnvoy, ToyEnvoy, packed
from translator.ir.output import Packed
from translator.ir.tables import OUT_CLUSTER, OUT_ENDPOINTS, OUT_LISTENER, OUT_ROUTES, OUT_SCOPE
from xds.kinds import CLUSTER, ENDPOINT, LISTENER, ROUTE, SCOPE, Kind
from xds.snapshot import Snapshots

TABLES = {CLUSTER: OUT_CLUSTER, ENDPOINT: OUT_ENDPOINTS, LISTENER: OUT_LISTENER, SCOPE: OUT_SCOPE, ROUTE: OUT_ROUTES}
World = dict[Kind, dict[str, str]]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A consistent snapshot: scopes name routes that are there, routes name clusters that are there."""
    clusters = draw(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from("12"), min_size=1))
    bodies = st.lists(st.sampled_from(sorted(clusters)), min_size=1, max_size=2, unique=True).map(lambda names: ",".join(sorted(names)))
    routes = draw(st.dictionaries(st.sampled_from(["r", "s", "t"]), bodies, min_size=1))
    scopes = draw(st.dictionaries(st.sampled_from(["0", "1"]), st.sampled_from(sorted(routes))))
    warm = {f"warm/{name}": name for name in routes}
    endpoints = {name: draw(st.sampled_from("12")) for name in clusters}
    return {CLUSTER: clusters, ENDPOINT: endpoints, LISTENER: {"l": draw(st.sampled_from("12"))}, SCOPE: {**scopes, **warm}, ROUTE: routes}


def moved(snapshots: Snapshots, before: World, after: World) -> None:
    changes = {}
    for kind, table in TABLES.items():
        old, new = before.get(kind, {}), after[kind]
        for name in old.keys() | new.keys():
            if old.get(name) != new.get(name):
                body = new.get(name)
                needs = () if kind not in (SCOPE, CLUSTER) else ((body,) if kind is SCOPE else (name,))
                changes[table, ("local", name)] = None if body is None else Packed(packed(name, body), needs)
    snapshots.apply(changes)


def drained(envoy: ToyEnvoy) -> None:
    """Let both sides read until nothing is on its way."""
    while envoy.server_reads() or envoy.client_reads():
        pass


MOVES = st.lists(
    st.one_of(worlds(), st.sampled_from(["server", "client"]), st.sampled_from(["server", "client", "all"]), st.just("reconnect")),
    max_size=30,
)


def world(clusters: str, scopes: dict[str, str], routes: dict[str, str]) -> World:
    """Clusters are spelled `a1 b2`: name and body."""
    spelled = {word[0]: word[1] for word in clusters.split()}
    return {CLUSTER: spelled, ENDPOINT: dict.fromkeys(spelled, "1"), LISTENER: {"l": "1"}, SCOPE: scopes, ROUTE: routes}


PLAIN = world("a1", {"warm/r": "r"}, {"r": "a"})
SCOPE_COMES_BACK_POINTING_ELSEWHERE = [
    world("a1 b1", {"0": "r", "warm/r": "r"}, {"r": "a"}),
    "all",
    world("a1", {"warm/r": "r", "warm/s": "s"}, {"r": "a", "s": "a"}),
    world("a1 b1", {"0": "s", "warm/r": "r", "warm/s": "s"}, {"r": "a", "s": "a"}),
]
ENDPOINTS_GO_BEFORE_THEIR_CLUSTER_IS_WARM = [
    world("a1 b1 c1", {"0": "s", "warm/s": "s"}, {"s": "a"}),
    "all",
    "reconnect",
    "server",
    world("a1 b1 c2", {"warm/r": "r"}, {"r": "a"}),
    world("a1", {"0": "r", "warm/r": "r"}, {"r": "a"}),
]
ROUTE_GOES_BEFORE_ITS_LAST_CHANGE_WAS_SENT = [
    world("a2 b1", {"warm/r": "r", "warm/s": "s"}, {"r": "a", "s": "a,b"}),
    "all",
    world("a1", {"warm/s": "s"}, {"s": "a"}),
    PLAIN,
]

ROUTE_COMES_BACK_BEFORE_IT_WAS_LOADED = [
    world("a1", {"0": "r", "warm/r": "r"}, {"r": "a"}),
    "all",
    world("a1 b1 c1", {"warm/r": "r", "warm/s": "s"}, {"r": "a", "s": "a"}),
    PLAIN,
    world("a1 b1", {"0": "s", "warm/r": "r", "warm/s": "s"}, {"r": "a", "s": "a"}),
]


@pytest.mark.parametrize("client", [ToyEnvoy, SotwEnvoy])
@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(worlds(), MOVES)
@example(PLAIN, SCOPE_COMES_BACK_POINTING_ELSEWHERE)
@example(PLAIN, ENDPOINTS_GO_BEFORE_THEIR_CLUSTER_IS_WARM)
@example(PLAIN, ROUTE_COMES_BACK_BEFORE_IT_WAS_LOADED)
@example(PLAIN, ROUTE_GOES_BEFORE_ITS_LAST_CHANGE_WAS_SENT)
def test_no_order_of_events_breaks_a_request_and_all_ends_in_step(client: type[ToyEnvoy], world: World, moves: list[World | str]) -> None:
    """Delta and SotW alike: both end with exactly what there is."""
    played(client, world, moves)


def played(client: type[ToyEnvoy], world: World, moves: list[World | str]) -> ToyEnvoy:
    snapshots = Snapshots()
    snapshots.synced = True
    moved(snapshots, {}, world)
    envoy = client(snapshots)
    for move in moves:
        if isinstance(move, dict):
            moved(snapshots, world, move)
            world = move
            envoy.changed()
        elif move == "reconnect":
            envoy.connect()
        elif move == "all":
            drained(envoy)
        else:
            envoy.server_reads() if move == "server" else envoy.client_reads()
    until = envoy.now + 5
    drained(envoy)
    while envoy.now < until and envoy.tick():
        drained(envoy)
    assert envoy.stream.due() is None
    assert {kind: envoy.held[kind] for kind in (CLUSTER, ENDPOINT, LISTENER, SCOPE)} == {
        kind: world[kind] for kind in (CLUSTER, ENDPOINT, LISTENER, SCOPE)
    }
    assert envoy.held[ROUTE] == {name: body for name, body in world[ROUTE].items() if name in world[SCOPE].values()}
    return envoy


MOVING = [
    world("a2", {"0": "r", "warm/r": "r"}, {"r": "a"}),
    "all",
    world("a2", {"0": "s", "warm/s": "s"}, {"s": "a"}),
    "all",
]


@pytest.mark.parametrize("client", [ToyEnvoy, SotwEnvoy])
def test_histories_reach_what_they_are_for(client: type[ToyEnvoy]) -> None:
    """Else the test above would hold for want of cases: clusters that are updated, scopes that are pointed elsewhere."""
    envoy = played(client, PLAIN, ["all", *MOVING, "reconnect", PLAIN])
    assert envoy.reached == {"update", "point"}
