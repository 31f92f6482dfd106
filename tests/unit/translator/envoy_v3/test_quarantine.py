"""What a proxy refused is replaced by what it accepted before, or left out; its object is told, and nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest

from protos.v3 import ClusterLoadAssignment, Listener, RouteConfiguration, framed, unframed
from tests.unit.translator.envoy_v3.world import (
    CART,
    NAME,
    TABLE,
    USE,
    World,
    at,
    entry,
    routed,
    served,
    small,
    upstream,
)  # fmt: skip
from translator.envoy_v3.anatomy import CHAINS, ENDPOINTS, ROUTES, Form, cut
from translator.ir import names
from translator.ir.cluster import Endpoint
from translator.ir.listener import Chain
from translator.ir.output import fingerprint
from translator.ir.quarantine import ROUTE, Poison, Quarantined
from translator.ir.route import Answer, PathChange, Redirect
from translator.ir.tables import (
    CERTIFICATE,
    FAULTY,
    HELD,
    OUT_CLUSTER,
    OUT_ENDPOINTS,
    OUT_LISTENER,
    OUT_ROUTES,
    OUT_SECRET,
    QUARANTINE,
    SECRET_USE,
)

RC, LISTENER = f"{TABLE}/1/0", "local/8080"
OWNER = "httproute/shop/cart"


def refused(what: str, name: str, *poisons: Poison) -> tuple[Any, Any, Any]:
    return (QUARANTINE, (what, name), Quarantined(poisons))


def poison(body: bytes, part: str = "", good: bytes = b"", **more: Any) -> Poison:
    return Poison(digest=fingerprint(body), message="no such thing", part=part, good=good, **more)


def routes(world: World) -> list[str]:
    made = RouteConfiguration.FromString(world.body(OUT_ROUTES, RC))
    return [route.name for host in made.virtual_hosts for route in host.routes]


def part(form: Form, body: bytes, name: str) -> bytes:
    return next(one.body for one in cut(form, body).parts() if one.name == name)


def two_routes() -> World:
    return World(*small(), *routed([entry(0), entry(1, at("exact", "/b"))]))


def test_refused_route_is_left_out_and_its_match_is_told() -> None:
    world = two_routes()
    bad = part(ROUTES, world.body(OUT_ROUTES, RC), f"{OWNER}/1/0")
    changed = world.change(refused(ROUTE, OWNER, poison(bad, f"{OWNER}/1/0")))
    assert {name for table, (_, name) in ((table, key[-2:]) for table, key in changed)} == {RC}
    assert routes(world) == [f"{OWNER}/0/0"]
    (finding,) = world.refused()
    assert (finding.code, finding.path) == ("PM0605", ("spec", "rules", 1, "matches", 0))
    assert finding.message == "PM0605: Envoy refuses this route, it is left out: no such thing"


def test_refused_route_is_as_it_was_where_it_was_accepted() -> None:
    world = two_routes()
    name = f"{OWNER}/0/0"
    before = part(ROUTES, world.body(OUT_ROUTES, RC), name)
    world.change(*routed([entry(0, action=Answer(201)), entry(1, at("exact", "/b"))]))
    bad = part(ROUTES, world.body(OUT_ROUTES, RC), name)
    world.change(refused(ROUTE, OWNER, poison(bad, name, framed(ROUTES.part, before), uses=(USE,))))
    assert part(ROUTES, world.body(OUT_ROUTES, RC), name) == before
    assert [one.code for one in world.refused()] == ["PM0606"]


def test_older_route_is_not_served_without_the_upstreams_that_it_names() -> None:
    world = two_routes()
    bad = part(ROUTES, world.body(OUT_ROUTES, RC), f"{OWNER}/0/0")
    good = framed(ROUTES.part, bad.replace(b"shop/cart/80", b"shop/gone/80"))
    gone = (names.Use("Service", "shop/gone", 80),)
    world.change(refused(ROUTE, OWNER, poison(bad, f"{OWNER}/0/0", good, uses=gone)))
    assert routes(world) == [f"{OWNER}/1/0"]
    assert [one.code for one in world.refused()] == ["PM0605"]


def test_other_bytes_are_not_refused() -> None:
    """So it heals with any change of the object, and comes back with none."""
    world = two_routes()
    bad = part(ROUTES, world.body(OUT_ROUTES, RC), f"{OWNER}/1/0")
    world.change(refused(ROUTE, OWNER, poison(bad)))
    world.change(*routed([entry(0), entry(1, at("exact", "/b"), Answer(202))]))
    assert routes(world) == [f"{OWNER}/0/0", f"{OWNER}/1/0"]
    assert world.refused() == []
    assert not world.engine.rows(HELD)
    world.change(*routed([entry(0), entry(1, at("exact", "/b"))]))
    assert routes(world) == [f"{OWNER}/0/0"]


def test_doubted_refusal_is_told_and_the_route_served() -> None:
    world = two_routes()
    before = world.body(OUT_ROUTES, RC)
    world.change(refused(ROUTE, OWNER, poison(part(ROUTES, before, f"{OWNER}/1/0"), doubted=True)))
    assert world.body(OUT_ROUTES, RC) == before
    assert [(one.code, one.severity) for one in world.refused()] == [("PM0607", "warning")]


def test_refused_redirect_is_left_out_where_it_was_refused_only() -> None:
    """Its bytes differ from host to host."""
    away = entry(0, filters=(Redirect(path=PathChange("full", "/x")),))
    world = World(*small(), *routed([away, entry(1)], "a.example", "b.example"))
    made = RouteConfiguration.FromString(world.body(OUT_ROUTES, RC))
    bad = made.virtual_hosts[0].routes[0].SerializeToString(deterministic=True)
    world.change(refused(ROUTE, OWNER, poison(bad)))
    after = RouteConfiguration.FromString(world.body(OUT_ROUTES, RC))
    same = made.virtual_hosts[0].routes[0] == made.virtual_hosts[1].routes[0]
    assert [len(host.routes) for host in after.virtual_hosts] == ([1, 1] if same else [1, 2])
    assert [one.code for one in world.refused()] == ["PM0605"]


def test_refused_virtual_host_and_refused_table_are_nobodys_fault() -> None:
    world = World(*small(), *routed([entry()], "a.example", "b.example"))
    body = world.body(OUT_ROUTES, RC)
    head = next(group.head for group in cut(ROUTES, body).groups() if group.head.name == "a.example")
    world.change(refused(OUT_ROUTES.name, RC, poison(head.body, "a.example")))
    assert [host.name for host in RouteConfiguration.FromString(world.body(OUT_ROUTES, RC)).virtual_hosts] == ["b.example"]
    world.change(refused(OUT_ROUTES.name, RC, poison(body)))
    made = RouteConfiguration.FromString(world.body(OUT_ROUTES, RC))
    assert (made.name, len(made.virtual_hosts)) == (RC, 0)
    assert world.refused() == []
    assert [one.code for one in world.refused("RouteConfiguration", RC)] == ["PM0605"]


def test_refused_endpoint_is_left_out_and_the_others_stay() -> None:
    world = World(*small(), *upstream(USE, CART, Endpoint("127.0.0.1", 1), Endpoint("127.0.0.1", 2)))
    body = world.body(OUT_ENDPOINTS, NAME)
    world.change(refused(OUT_ENDPOINTS.name, NAME, poison(part(ENDPOINTS, body, "127.0.0.1:1"), "127.0.0.1:1")))
    made = ClusterLoadAssignment.FromString(world.body(OUT_ENDPOINTS, NAME))
    assert [one.endpoint.address.socket_address.port_value for one in made.endpoints[0].lb_endpoints] == [2]
    ((endpoint, finding),) = world.engine.rows(FAULTY)[USE]
    assert (endpoint, finding.code) == ("127.0.0.1:1", "PM0605")


def test_where_all_endpoints_are_refused_the_cluster_has_none() -> None:
    world = World(*small())
    world.change(refused(OUT_ENDPOINTS.name, NAME, poison(world.body(OUT_ENDPOINTS, NAME))))
    assert not ClusterLoadAssignment.FromString(world.body(OUT_ENDPOINTS, NAME)).endpoints
    assert world.names(OUT_CLUSTER) == {NAME}


@pytest.mark.parametrize("good", [b"", b"\x0a\x01x"])
def test_refused_cluster_goes_with_its_endpoints_or_is_as_it_was(good: bytes) -> None:
    world = World(*small())
    world.change(refused(OUT_CLUSTER.name, NAME, poison(world.body(OUT_CLUSTER, NAME), good=good)))
    assert (world.names(OUT_CLUSTER), world.names(OUT_ENDPOINTS)) == (({NAME}, {NAME}) if good else (set(), set()))
    assert not good or world.body(OUT_CLUSTER, NAME) == good
    assert [one.code for one in world.refused("Service")] == ["PM0606" if good else "PM0605"]


def gateway(name: str, index: int = 0) -> tuple[tuple[str, str, tuple[str | int, ...]], ...]:
    return (("Gateway", name, ("spec", "listeners", index)),)


def test_refused_chain_is_left_out_and_only_its_gateway_is_told() -> None:
    chains = [
        Chain(name="https/a", table="ta", server_names=("a.example",), secrets=("s",), origins=gateway("infra/a")),
        Chain(name="https/b", table="tb", server_names=("b.example",), secrets=("s",), origins=gateway("infra/b", 1)),
    ]
    world = World(*small(), served(*chains))
    body = world.body(OUT_LISTENER, LISTENER)
    world.change(refused(OUT_LISTENER.name, LISTENER, poison(part(CHAINS, body, "https/a"), "https/a")))
    assert [chain.name for chain in Listener.FromString(world.body(OUT_LISTENER, LISTENER)).filter_chains] == ["https/b"]
    assert [one.path for one in world.refused("Gateway", "infra/a")] == [("spec", "listeners", 0)]
    assert world.refused("Gateway", "infra/b") == []


def test_refused_listener_is_left_out_and_all_who_asked_for_the_port_are_told() -> None:
    chain = Chain(name="http", table=TABLE, origins=(*gateway("infra/a"), *gateway("infra/b")))
    world = World(*small(), served(chain))
    world.change(refused(OUT_LISTENER.name, LISTENER, poison(world.body(OUT_LISTENER, LISTENER))))
    assert world.names(OUT_LISTENER) == set()
    assert [len(world.refused("Gateway", key)) for key in ("infra/a", "infra/b")] == [1, 1]


def test_listener_without_any_chain_left_is_left_out() -> None:
    world = World(*small())
    body = world.body(OUT_LISTENER, LISTENER)
    world.change(refused(OUT_LISTENER.name, LISTENER, poison(part(CHAINS, body, "http"), "http")))
    assert world.names(OUT_LISTENER) == set()


def test_refused_certificate_is_told_to_its_secret_in_every_group() -> None:
    world = World(
        (SECRET_USE, ("local", "shop/cert"), "l"), (SECRET_USE, ("edge", "shop/cert"), "l"), (CERTIFICATE, "shop/cert", (b"c", b"k"))
    )
    assert world.names(OUT_SECRET) == world.names(OUT_SECRET, "edge") == {"secret/shop/cert"}
    body = world.body(OUT_SECRET, "secret/shop/cert")
    world.change(refused(OUT_SECRET.name, "secret/shop/cert", poison(body)))
    assert (world.names(OUT_SECRET), world.names(OUT_SECRET, "edge")) == (set(), set())
    assert {one.code for one in world.refused("Secret", "shop/cert")} == {"PM0605"}
    assert len(world.engine.rows(HELD)) == 1


def test_routes_of_one_entry_stand_and_fall_together() -> None:
    """A prefix that is taken away is two routes."""
    world = World(*small(), *routed([entry(0, at("prefix", "/foo"), filters=(Redirect(path=PathChange("prefix", "/")),)), entry(1)]))
    bodies = [body for host in cut(ROUTES, world.body(OUT_ROUTES, RC)).groups() for body in (one.body for one in host.parts)]
    assert len(bodies) == 3
    world.change(refused(ROUTE, OWNER, poison(bodies[1])))
    assert routes(world) == [f"{OWNER}/1/0"]


def test_good_bytes_of_a_part_are_framed() -> None:
    ((number, whole, inner),) = unframed(framed(ROUTES.part, b"\x0a\x00"))
    assert (number, framed(number, inner)) == (ROUTES.part, whole)
