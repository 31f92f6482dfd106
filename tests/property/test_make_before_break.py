"""Random snapshots against a toy Envoy, with every interleaving of the two directions, reconnects included."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.toy_envoy import ToyEnvoy
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
                changes[table, ("local", name)] = None if body is None else Packed(body.encode(), needs)
    snapshots.apply(changes)


def drained(envoy: ToyEnvoy) -> None:
    """Let both sides read until nothing is on its way."""
    while envoy.server_reads() or envoy.client_reads():
        pass


MOVES = st.lists(
    st.one_of(worlds(), st.sampled_from(["server", "client"]), st.sampled_from(["server", "client", "all"]), st.just("reconnect")),
    max_size=30,
)
reached: set[str] = set()


@settings(max_examples=600, deadline=None, derandomize=True, database=None)
@given(worlds(), MOVES)
def test_no_order_of_events_breaks_a_request_and_all_ends_in_step(world: World, moves: list[World | str]) -> None:
    snapshots = Snapshots()
    snapshots.synced = True
    moved(snapshots, {}, world)
    envoy = ToyEnvoy(snapshots)
    for move in moves:
        if isinstance(move, dict):
            moved(snapshots, world, move)
            world = move
            envoy.changed()
        elif move == "reconnect":
            envoy.connect()
            reached.add("reconnect")
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
    reached.update(envoy.reached)


def test_random_histories_reach_what_they_are_for() -> None:
    test_no_order_of_events_breaks_a_request_and_all_ends_in_step()
    assert reached == {"reconnect", "update", "point"}
