"""What proxies refused becomes rows; what others accept, and what is gone, is taken back."""

from __future__ import annotations

import pytest
from msgspec import structs

from tests.unit.translator.envoy_v3.test_anatomy import table
from translator.ir.cluster import Use
from translator.ir.output import Packed, fingerprint
from translator.ir.quarantine import ROUTE as ROUTES_OF
from translator.ir.tables import OUT_CLUSTER, OUT_HELD, OUT_LISTENER, OUT_ROUTES
from xds import feedback as module
from xds.events import Acked, Connected, Disconnected, Proxy, Refused
from xds.feedback import Feedback
from xds.kinds import CLUSTER, LISTENER, ROUTE, Kind, Variant
from xds.snapshot import Snapshots

PROXY = Proxy("n", "local", "local", "envoy", 1, 0.0)
USE = Use("Service", "shop/cart", 80)
ROUTE_NAME = "httproute/shop/cart/0/1"
OWNED = (ROUTES_OF, "httproute/shop/cart")


class World:
    def __init__(self) -> None:
        self.snapshots = Snapshots()
        self.known = {"service/shop/cart/80": USE}
        self.feedback = Feedback(self.snapshots, self.uses)

    def uses(self, clusters: set[str]) -> tuple[Use, ...] | None:
        return tuple(self.known[name] for name in clusters) if clusters <= self.known.keys() else None

    def accept(self, kind: Kind, name: str, body: bytes) -> None:
        out = {CLUSTER: OUT_CLUSTER, ROUTE: OUT_ROUTES}[kind]
        self.snapshots.apply({(out, ("local", name)): Packed(body)})
        resources = self.snapshots.of("local", kind)
        resources.prove(resources.parts(Variant.DELTA, (name,), ())[0])


def refused(name: str = "c", body: bytes = b"bad", *, kind: Kind = CLUSTER, doubted: bool = False, **part: str) -> Refused:
    good = b"" if not part else part.pop("good", "").encode()
    return Refused(PROXY, kind.type_url, name, fingerprint(body), "no", good, doubted, **part)


def acked(name: str, kind: Kind = CLUSTER) -> Acked:
    return Acked(PROXY, kind.type_url, "1", (name,), (), 0.1)


def test_refused_resource_is_a_row_by_its_table_and_name() -> None:
    rows = World().feedback.event(refused())
    ((key, row),) = rows.items()
    assert key == (OUT_CLUSTER.name, "c")
    assert row is not None
    assert [(one.digest, one.message, one.doubted) for one in row.poisons] == [(fingerprint(b"bad"), "no", False)]


def test_refused_route_is_a_row_of_its_object_wherever_it_stands() -> None:
    assert list(World().feedback.event(refused("t", kind=ROUTE, part=ROUTE_NAME, digest="d"))) == [OWNED]


def test_refused_virtual_host_is_a_row_of_its_table() -> None:
    assert list(World().feedback.event(refused("t", kind=ROUTE, part="a.example", digest="d"))) == [(OUT_ROUTES.name, "t")]


@pytest.mark.parametrize(("cluster", "kept"), [("service/shop/cart/80", True), ("service/shop/gone/80", False)])
def test_older_route_is_kept_with_the_upstreams_that_it_needs(cluster: str, kept: bool) -> None:
    from protos.v3 import Route, data, framed

    world = World()
    good = framed(3, data(Route(name=ROUTE_NAME, route={"weighted_clusters": {"clusters": [{"name": cluster}]}})))
    event = Refused(PROXY, ROUTE.type_url, "t", "v", "no", good, doubted=False, part=ROUTE_NAME, digest="d")
    row = world.feedback.event(event)[OWNED]
    assert row is not None
    assert (row.poisons[0].good, row.poisons[0].uses) == ((good, (USE,)) if kept else (b"", ()))


def unbound(stream: int = 1) -> Refused:
    said = "cannot bind '0.0.0.0:80': Address already in use"
    return Refused(structs.replace(PROXY, stream=stream), LISTENER.type_url, "edge", fingerprint(b"bad"), said, b"", doubted=False)


def test_port_that_is_taken_on_one_machine_is_told_and_served_to_others() -> None:
    ((_, row),) = World().feedback.event(unbound()).items()
    assert row is not None
    assert [(one.doubted, one.here) for one in row.poisons] == [(True, True)]


def test_words_of_a_taken_port_mean_nothing_of_another_type() -> None:
    world = World()
    event = structs.replace(unbound(), type_url=CLUSTER.type_url)
    ((_, row),) = world.feedback.event(event).items()
    assert row is not None
    assert [(one.doubted, one.here) for one in row.poisons] == [(False, False)]


def test_taken_port_is_forgotten_with_the_last_stream_that_told_it() -> None:
    feedback = World().feedback
    first, second = unbound(1), unbound(2)
    feedback.event(first)
    feedback.event(second)
    assert feedback.event(Disconnected(first.proxy)) == {}
    assert feedback.event(Disconnected(second.proxy)) == {(OUT_LISTENER.name, "edge"): None}
    assert feedback.rows == {}


def test_what_another_proxy_accepts_is_doubted() -> None:
    world = World()
    world.accept(CLUSTER, "c", b"bad")
    row = world.feedback.event(refused())[OUT_CLUSTER.name, "c"]
    assert row is not None
    assert row.poisons[0].doubted


def test_what_another_proxy_accepts_later_is_doubted_then() -> None:
    world = World()
    world.feedback.event(refused())
    assert world.feedback.event(acked("c")) == {}
    world.accept(CLUSTER, "c", b"bad")
    row = world.feedback.event(acked("c"))[OUT_CLUSTER.name, "c"]
    assert row is not None
    assert row.poisons[0].doubted
    assert world.feedback.event(acked("c")) == {}


def test_route_that_another_proxy_accepts_within_its_table_is_doubted() -> None:
    world = World()
    body = table({"a": {ROUTE_NAME: "/1"}})
    from translator.envoy_v3.anatomy import ROUTES, cut

    digest = next(one.digest for one in cut(ROUTES, body).parts() if one.name == ROUTE_NAME)
    world.feedback.event(refused("t", kind=ROUTE, part=ROUTE_NAME, digest=digest))
    world.accept(ROUTE, "t", body)
    row = world.feedback.event(acked("t", ROUTE))[OWNED]
    assert row is not None
    assert row.poisons[0].doubted


def test_client_that_accepts_nothing_is_doubted() -> None:
    row = World().feedback.event(refused(doubted=True))[OUT_CLUSTER.name, "c"]
    assert row is not None
    assert row.poisons[0].doubted


def test_state_that_is_no_more_in_the_way_is_forgotten() -> None:
    world = World()
    world.feedback.event(refused(body=b"one"))
    world.feedback.event(refused(body=b"two"))
    gone = {(OUT_HELD, (OUT_CLUSTER.name, "c", fingerprint(b"one"))): None}
    row = world.feedback.settled(gone)[OUT_CLUSTER.name, "c"]
    assert row is not None
    assert [one.digest for one in row.poisons] == [fingerprint(b"two")]
    assert world.feedback.settled(gone) == {(OUT_CLUSTER.name, "c"): row}
    last = {(OUT_HELD, (OUT_CLUSTER.name, "c", fingerprint(b"two"))): None}
    assert world.feedback.settled(last) == {(OUT_CLUSTER.name, "c"): None}
    assert world.feedback.settled(last) == {}
    assert not world.feedback.rows


def test_state_that_comes_into_force_changes_no_row() -> None:
    world = World()
    world.feedback.event(refused())
    assert world.feedback.settled({(OUT_HELD, (OUT_CLUSTER.name, "c", fingerprint(b"bad"))): True}) == {}


def test_other_events_change_nothing() -> None:
    world = World()
    world.feedback.event(refused())
    assert world.feedback.event(Connected(PROXY)) == {}
    assert world.feedback.event(acked("other")) == {}


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEYS", 3)
    world = World()
    for number in range(5):
        rows = world.feedback.event(refused(f"c{number}"))
    assert rows.keys() == {(OUT_CLUSTER.name, "c4"), (OUT_CLUSTER.name, "c1")}
    assert rows[OUT_CLUSTER.name, "c1"] is None
    assert len(world.feedback.rows) == 3
    for number in range(50):
        world.feedback.event(refused("c4", str(number).encode()))
    assert len(world.feedback.rows[OUT_CLUSTER.name, "c4"].poisons) == module.MOST_EACH
