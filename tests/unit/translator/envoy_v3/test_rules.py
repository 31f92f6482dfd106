"""Claims about the rules: what exists when, and what a change touches. Rows go straight into the tables in the middle."""

from __future__ import annotations

import pytest

from protos.v3 import Cluster as EnvoyCluster
from protos.v3 import ClusterLoadAssignment, Listener, RouteConfiguration, ScopedRouteConfiguration, data
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
from translator.envoy_v3.cluster import cluster
from translator.envoy_v3.sharding import SLOTS, shards, shards_of
from translator.envoy_v3.validation import violations
from translator.ir.cluster import Cluster, Endpoint, Endpoints, Use
from translator.ir.listener import Chain, Port
from translator.ir.output import Group
from translator.ir.route import Answer, Forward, Match, Mirror, PathChange, Place, Redirect, Rewrite, Share, TextMatch
from translator.ir.tables import (
    CERTIFICATE,
    CLUSTER_USE,
    ENDPOINTS,
    ENTRIES,
    GROUP,
    HOST,
    OUT_CLUSTER,
    OUT_ENDPOINTS,
    OUT_LISTENER,
    OUT_ROUTES,
    OUT_SCOPE,
    OUT_SECRET,
    SECRET_USE,
)  # fmt: skip

ONLY = f"{TABLE}/1/0"  # the one RouteConfiguration of a small table


def table(world: World, name: str = ONLY, view: str = "local") -> dict[str, list[str]]:
    """Virtual host → names of its routes."""
    message = RouteConfiguration.FromString(world.body(OUT_ROUTES, name, view))
    return {host.name: [route.name for route in host.routes] for host in message.virtual_hosts}


# Route tables


def test_small_world_has_one_of_each() -> None:
    world = World(*small())
    assert world.names(OUT_LISTENER) == {"local/8080"}
    assert world.names(OUT_ROUTES) == {ONLY}
    assert world.names(OUT_CLUSTER) == world.names(OUT_ENDPOINTS) == {NAME}
    assert table(world) == {"a.example": ["httproute/shop/cart/0/0"]}


def test_joined_bytes_are_what_protobuf_would_write() -> None:
    world = World(served(), *routed([entry(n, at("prefix", "/" + "a" * n)) for n in range(1, 200)], "*", "*.example", "a.example"))
    body = world.body(OUT_ROUTES, ONLY)
    assert data(RouteConfiguration.FromString(body)) == body


def test_table_ignores_ports_and_ends_the_shard_header() -> None:
    message = RouteConfiguration.FromString(World(*small()).body(OUT_ROUTES, ONLY))
    assert message.ignore_port_in_host_matching
    assert list(message.request_headers_to_remove) == ["x-shard"]


def test_every_slot_has_a_scope_and_every_scope_what_it_needs() -> None:
    world = World(*small())
    scopes = {name: row for (of, (_, name)), row in world.resources.items() if of is OUT_SCOPE}
    assert len(scopes) == SLOTS + 1
    for name, row in scopes.items():
        message = ScopedRouteConfiguration.FromString(row.body)
        assert (message.name, message.key.fragments[0].string_key) == (name, name)
        assert row.needs == (message.route_configuration_name,) == (ONLY,)
    assert {name for name in scopes if name.startswith("warm/")} == {f"warm/{ONLY}"}


def test_routes_of_a_virtual_host_stand_by_precedence_whoever_they_belong_to() -> None:
    late, early = entry(1, key="shop/b"), entry(0, key="shop/a")
    world = World(served(), *routed([late], key="b"), *routed([early], key="a"))
    assert table(world) == {"a.example": [early.name, late.name]}


def test_host_exists_without_a_route() -> None:
    world = World(served(), (HOST, Place(TABLE, "b.example"), "a listener"))
    assert table(world) == {"b.example": []}


def test_listener_without_hosts_has_an_empty_table() -> None:
    assert table(World(served())) == {}


def test_table_that_no_listener_asks_is_not_sent() -> None:
    assert World(*routed([entry()])).resources == {}


def test_hosts_that_differ_in_case_are_one_virtual_host() -> None:
    world = World(served(), (HOST, Place(TABLE, "A.example"), "x"), *routed([entry()], "a.example", "A.EXAMPLE"))
    assert table(world) == {"a.example": ["httproute/shop/cart/0/0"]}


def test_route_placed_twice_at_one_host_stands_there_once() -> None:
    world = World(served(), *routed([entry()], "a.example", "a.example"))
    assert table(world) == {"a.example": ["httproute/shop/cart/0/0"]}


def hosts(count: int, prefix: str = "h") -> list[str]:
    return [f"{prefix}{n}.example" for n in range(count)]


def test_large_table_is_cut_and_each_host_stands_where_its_slot_leads() -> None:
    wanted = [*hosts(900), "*", "*.wild.example"]
    world = World(served(), *routed([entry()], *wanted))
    count = shards(len(wanted))
    assert count > 1
    names = [f"{TABLE}/{count}/{shard}" for shard in range(count)]
    assert world.names(OUT_ROUTES) == set(names)
    for shard, name in enumerate(names):
        assert set(table(world, name)) == {host for host in wanted if shard in shards_of(host, count)}
    for slot in range(SLOTS):
        scope = ScopedRouteConfiguration.FromString(world.body(OUT_SCOPE, f"{TABLE}/{slot}"))
        assert scope.route_configuration_name == names[slot % count]


def test_shard_that_holds_no_host_exists() -> None:
    world = World(served(), *routed([entry()], *(f"{'x' * (n + 1)}.example" for n in range(500))))
    assert world.names(OUT_ROUTES) == {f"{TABLE}/4/{shard}" for shard in range(4)}
    one_shard = [host for host in hosts(9000) if 0 in shards_of(host, 4)][:540]
    world = World(served(), *routed([entry()], *one_shard))
    assert {len(table(world, f"{TABLE}/4/{shard}")) for shard in range(1, 4)} == {0}


def test_table_that_shrinks_is_as_if_it_had_never_grown() -> None:
    world = World(served(), *routed([entry()], *hosts(700)))
    world.change(*routed([entry()], *hosts(3)))
    assert world.resources == World(served(), *routed([entry()], *hosts(3))).resources


def test_edit_of_one_route_touches_one_route_configuration() -> None:
    world = World(served(), *routed([entry()], *hosts(900)), *routed([entry(key="shop/b")], "one.example", key="b"))
    runs = world.engine.runs
    changed = world.change((ENTRIES, "b", (entry(key="shop/b", match=at("exact", "/new")),)))
    assert [name[0] for name in changed] == [OUT_ROUTES]
    assert world.engine.runs - runs == 4  # pack the route, place it, join its virtual host, join the RouteConfiguration


def test_new_host_in_a_large_table_touches_one_route_configuration() -> None:
    world = World(served(), *routed([entry()], *hosts(900)))
    changed = world.change(*routed([entry(key="shop/b")], "one.example", key="b"))
    assert [name[0] for name in changed] == [OUT_ROUTES]


def test_deleting_all_inputs_leaves_nothing() -> None:
    tls = served(Chain(name="tls", table="local/443", secrets=("secret/shop/tls",)), port=Port("local", "", 443))
    world = World(*small(flat=True), tls, (SECRET_USE, ("local", "shop/tls"), "l"), (CERTIFICATE, "shop/tls", (b"c", b"k")))
    assert world.names(OUT_SECRET)
    given = [(table, key) for table in world.engine._stores for key in list(world.engine.rows(table))]
    inputs = {table.name for table in world.engine._stores} - {made.name for one in world.engine._rules for made in one.into}
    world.change(*((table, key, None) for table, key in given if table.name in inputs))
    assert world.resources == {}
    assert not any(world.engine._stores.values())


# The flat view


def test_flat_view_has_one_plain_table() -> None:
    world = World(*small(flat=True))
    assert world.names(OUT_LISTENER, "local~flat") == {"local/8080"}
    assert world.names(OUT_ROUTES, "local~flat") == {TABLE}
    assert {key[0] for of, key in world.resources if of not in (OUT_LISTENER, OUT_ROUTES)} == {"local"}
    assert table(world, TABLE, "local~flat") == table(world)


def test_flat_view_of_a_large_table_holds_each_host_once() -> None:
    wanted = [*hosts(700), "*"]
    world = World((GROUP, "local", Group(flat=True)), served(), *routed([entry()], *wanted))
    assert sorted(table(world, TABLE, "local~flat")) == sorted(wanted)
    body = world.body(OUT_ROUTES, TABLE, "local~flat")
    assert data(RouteConfiguration.FromString(body)) == body


def test_flat_view_comes_and_goes_with_its_group() -> None:
    world = World(*small())
    assert world.change((GROUP, "local", Group(flat=True))).keys() == {
        (OUT_LISTENER, ("local~flat", "local/8080")), (OUT_ROUTES, ("local~flat", TABLE)),
    }  # fmt: skip
    world.change((GROUP, "local", Group()))
    assert world.resources == World(*small()).resources


# Listeners


def test_listener_binds_where_its_group_says() -> None:
    world = World((GROUP, "local", Group(bind="0.0.0.0", port_offset=1000)), served())
    address = Listener.FromString(world.body(OUT_LISTENER, "local/8080")).address.socket_address
    assert (address.address, address.port_value) == ("0.0.0.0", 9080)


def test_listener_with_an_address_of_its_own_keeps_it() -> None:
    world = World(served(port=Port("local", "127.0.0.9", 8080)))
    assert Listener.FromString(world.body(OUT_LISTENER, "local/127.0.0.9/8080")).address.socket_address.address == "127.0.0.9"


@pytest.mark.parametrize("offset", [-8080, -9000, 60000])
def test_port_moved_out_of_range_is_left_out_and_the_others_serve(offset: int) -> None:
    other = Port("local", "", 8080 - offset if offset < 0 else 80)
    world = World((GROUP, "local", Group(port_offset=offset)), served(), served(Chain(name="b", table="b"), port=other))
    assert len(world.names(OUT_LISTENER)) == 1


def test_listener_that_envoy_would_refuse_is_left_out_and_all_who_asked_for_it_are_told() -> None:
    origins = tuple(("Gateway", f"infra/{name}", ("spec", "listeners", 0)) for name in "ab")
    world = World((GROUP, "local", Group(bind="")), served(Chain(name="http", table=TABLE, origins=origins)))
    assert not world.names(OUT_LISTENER)
    for name in "ab":
        (finding,) = world.refused("Gateway", f"infra/{name}")
        assert (finding.code, finding.path) == ("PM0601", ("spec", "listeners", 0))
        assert "string.min_len" in finding.message
    world.change((GROUP, "local", Group(bind="127.0.0.1")))
    assert (world.names(OUT_LISTENER), world.refused("Gateway", "infra/a")) == ({"local/8080"}, [])


@pytest.mark.parametrize("discovery", ["eds", "dns"])
def test_upstream_that_envoy_would_refuse_is_left_out_and_its_object_is_told(discovery: str) -> None:
    row = Cluster(name="", discovery=discovery)  # type: ignore[arg-type]
    world = World(*upstream(USE, row, Endpoint("127.0.0.1", 80)))
    assert not world.names(OUT_CLUSTER)
    assert not world.names(OUT_ENDPOINTS)
    assert {finding.code for finding in world.refused("Service")} == {"PM0601"}


@pytest.mark.parametrize("discovery", ["eds", "dns"])
@pytest.mark.parametrize("protocol", ["http1", "h2c"])
def test_what_all_clusters_have_breaks_no_rule(discovery: str, protocol: str) -> None:
    row = Cluster(name=NAME, discovery=discovery, protocol=protocol)  # type: ignore[arg-type]
    assert violations(EnvoyCluster.FromString(cluster(row))) == ()


def test_redirect_names_the_port_of_the_listener_it_is_asked_at() -> None:
    other = Port("local", "", 80)
    one = entry(filters=(Redirect(hostname="b.example"),))
    world = World(served(), served(Chain(name="http", table="local/80/http"), port=other), *routed([one]))
    world.change(*routed([one], "a.example", key="second", table="local/80/http"))
    ports = [
        RouteConfiguration.FromString(world.body(OUT_ROUTES, name)).virtual_hosts[0].routes[0].redirect.port_redirect
        for name in (ONLY, "local/80/http/1/0")
    ]
    assert ports == [8080, 0]


def test_redirect_names_the_port_that_clients_reach() -> None:
    one = entry(filters=(Redirect(hostname="b.example"),))
    world = World((GROUP, "local", Group(port_offset=1000)), served(), *routed([one]))
    host = RouteConfiguration.FromString(world.body(OUT_ROUTES, f"{TABLE}/1/0")).virtual_hosts[0]
    assert host.routes[0].redirect.port_redirect == 9080


def test_prefix_that_is_taken_away_makes_two_routes() -> None:
    one = entry(match=at("prefix", "/old/"), filters=(Rewrite(path=PathChange("prefix", "/")),))
    world = World(served(), *routed([one]))
    first, second = RouteConfiguration.FromString(world.body(OUT_ROUTES, f"{TABLE}/1/0")).virtual_hosts[0].routes
    assert (first.match.prefix, second.match.path) == ("/old/", "/old")
    assert first.route == second.route
    assert first.route.prefix_rewrite == "/"


def test_redirect_that_waits_for_its_listener_is_there_once_it_comes() -> None:
    one = entry(filters=(Redirect(hostname="b.example"),))
    world = World(*routed([one]))
    world.change(served())
    assert table(world) == {"a.example": [one.name]}


# Clusters


def test_endpoint_change_touches_its_assignment_only() -> None:
    world = World(*small())
    changed = world.change((ENDPOINTS, USE, Endpoints(endpoints=(Endpoint("10.0.0.2", 80),))))
    assert changed.keys() == {(OUT_ENDPOINTS, ("local", NAME))}


def test_cluster_needs_its_assignment_and_has_one_even_if_empty() -> None:
    world = World((CLUSTER_USE, ("local", USE), "r"), *upstream()[1:2])
    assert world.resources[OUT_CLUSTER, ("local", NAME)].needs == (NAME,)
    assert not ClusterLoadAssignment.FromString(world.body(OUT_ENDPOINTS, NAME)).endpoints


def test_cluster_that_resolves_names_needs_nothing() -> None:
    world = World(*upstream(USE, Cluster(name=NAME, discovery="dns", endpoints=(Endpoint("a.example", 80),))))
    assert world.names(OUT_ENDPOINTS) == set()
    assert world.resources[OUT_CLUSTER, ("local", NAME)].needs == ()


def test_cluster_exists_while_a_group_uses_it_and_groups_share_its_bytes() -> None:
    world = World(*upstream(), (CLUSTER_USE, ("other", USE), "r"))
    assert world.resources[OUT_CLUSTER, ("local", NAME)] is world.resources[OUT_CLUSTER, ("other", NAME)]
    world.change((CLUSTER_USE, ("other", USE), None))
    assert world.names(OUT_CLUSTER, "other") == set()


# Refusals

FIRST = ("spec", "rules", 1, "matches", 0)


@pytest.mark.parametrize(
    ("bad", "code", "path"),
    [
        (entry(1, at("regex", "/a(")), "PM0602", (*FIRST, "path", "value")),
        (entry(1, Match(headers=(TextMatch("regex", "x", "(?=a)"),))), "PM0602", (*FIRST, "headers", 0, "value")),
        (
            entry(1, Match(query=(TextMatch("regex", "x", "a{200}"),))),
            "PM0602",
            ("spec", "rules", 1, "matches", 0, "queryParams", 0, "value"),
        ),
        (entry(1, at("exact", "/a\x00")), "PM0601", (*FIRST, "path", "value")),
        (entry(1, at("prefix", "/a?b")), "PM0601", ("spec", "rules", 1)),
        (entry(1, action=Answer(700)), "PM0601", ("spec", "rules", 1)),
    ],
)
def test_bad_route_is_left_out_alone_and_its_object_is_told(bad: object, code: str, path: tuple[object, ...]) -> None:
    good = entry(0)
    world = World(served(), *routed([good, bad]), *routed([entry(key="shop/b")], key="b"))  # type: ignore[list-item]
    assert table(world) == {"a.example": [entry(key="shop/b").name, good.name]}
    assert [(one.code, one.path) for one in world.refused()] == [(code, path)]
    world.change(*routed([good]))
    assert world.refused() == []


def test_filter_that_cannot_act_on_a_share_is_told_and_the_route_stays() -> None:
    world = World(
        served(), *routed([entry(action=Forward(shares=(Share(cluster="a"), Share(cluster="b", filters=(Mirror(cluster="m"),)))))])
    )
    assert [(one.code, one.path) for one in world.refused()] == [("PM0604", ("spec", "rules", 0, "backendRefs", 1, "filters", 0))]
    assert table(world) == {"a.example": ["httproute/shop/cart/0/0"]}


def test_bad_endpoint_is_left_out_alone_and_its_object_is_told() -> None:
    world = World(*upstream(USE, CART, Endpoint("10.0.0.300", 80), Endpoint("10.0.0.1", 80)))
    message = ClusterLoadAssignment.FromString(world.body(OUT_ENDPOINTS, NAME))
    assert [one.endpoint.address.socket_address.address for one in message.endpoints[0].lb_endpoints] == ["10.0.0.1"]
    assert [one.code for one in world.refused("Service", "shop/cart")] == ["PM0603"]


def test_bad_name_of_a_resolved_cluster_is_left_out_alone() -> None:
    use = Use("Backend", "shop/legacy")
    row = Cluster(name="backend/shop/legacy", discovery="dns", endpoints=(Endpoint("a.example", 0), Endpoint("b.example", 80)))
    world = World(*upstream(use, row))
    assert [one.code for one in world.refused("Backend", "shop/legacy")] == ["PM0603"]
    assert b"b.example" in world.body(OUT_CLUSTER, row.name)
    assert b"a.example" not in world.body(OUT_CLUSTER, row.name)


def test_rules_order_of_arrival_cannot_be_seen() -> None:
    changes = [*small(flat=True), *routed([entry(key="shop/b")], "b.example", "a.example", key="b")]
    world = World()
    for change in reversed(changes):
        world.change(change)
    assert world.resources == World(*changes).resources
