"""Claims about tables in which keys count: what stands in them for Envoys with the native module, and for those without."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from protos.v3 import Cluster as EnvoyCluster
from protos.v3 import (
    ClusterLoadAssignment,
    DynamicModuleEarlyHeaderMutation,
    HeaderMutation,
    HttpConnectionManager,
    Listener,
    RouteConfiguration,
    StringValue,
    UpstreamHttpProtocolOptions,
    VirtualHost,
)
from tests.unit.translator.envoy_v3.world import CART, MANY_PLACES, NAME, PLAIN, TABLE, USE, World, at, entry, served, upstream
from translator.envoy_v3.hcm import http_connection
from translator.ir.cluster import Cluster, Endpoint, Endpoints, Fork, Use
from translator.ir.keys import KeyRule, KeyWay, Reading, Spelling
from translator.ir.output import Group, fingerprint
from translator.ir.quarantine import ROUTE, Poison, Quarantined
from translator.ir.route import Keyed, Place, Redirect
from translator.ir.tables import (
    CLUSTER,
    CLUSTER_USE,
    ENDPOINTS,
    ENTRIES,
    FORK,
    FORK_KEY,
    GROUP,
    KEYED,
    OUT_CLUSTER,
    OUT_ENDPOINTS,
    OUT_LISTENER,
    OUT_ROUTES,
    QUARANTINE,
)

WEB = "HTTPRoute/shop/cart"
FORKS = f"fork/shop/g/{NAME}/"
READING = Reading(spellings=(Spelling("x-route-key"),), admit="all")
ALICE = Use("Sandbox", "shop/alice", fork=f"{FORKS}alice")
WAY = KeyWay("alice", 0, f"{FORKS}alice", KeyRule())
TARGET = Use("Service", "shop/cart-alice", 80)


def keyed(*entries: Any, flat: bool = False, host: str = "a.example") -> list[Any]:
    place = Keyed(Place(TABLE, host), ((NAME, FORKS),))
    listened = served(structs.replace(PLAIN, keys=READING))
    return [(GROUP, "local", Group(flat=flat)), listened, *upstream(), (ENTRIES, WEB, entries or (entry(),)), (KEYED, WEB, place)]


def host(world: World, view: str = "local") -> VirtualHost:
    name = TABLE if view.endswith("~flat") else f"{TABLE}/1/0"
    (found,) = RouteConfiguration.FromString(world.body(OUT_ROUTES, name, view)).virtual_hosts
    return found


def mutations(world: World, view: str = "local") -> list[str]:
    chain = Listener.FromString(world.body(OUT_LISTENER, "local/8080", view)).filter_chains[0]
    manager = HttpConnectionManager.FromString(chain.filters[1].typed_config.value)
    return [one.name for one in manager.early_header_mutation_extensions]


def test_request_without_a_right_key_is_refused_before_any_route_is_asked() -> None:
    first, second = host(World(*keyed())).routes
    assert (first.match.headers[0].name, first.direct_response.status) == ("x-route-key-error", 400)
    assert second.route.HasField("inline_cluster_specifier_plugin")


def test_attempts_are_counted_where_keys_count_and_nowhere_else() -> None:
    assert host(World(*keyed())).include_request_attempt_count
    bare = [one for one in keyed() if one[0] is not KEYED]
    assert not host(World(*bare, (MANY_PLACES, WEB, (Place(TABLE, "a.example"),)))).include_request_attempt_count


def test_key_is_read_before_the_table_is_chosen() -> None:
    assert mutations(World(*keyed())) == ["key", "shard"]


def test_reading_is_written_as_the_module_reads_it() -> None:
    (key, _) = http_connection("m", "t", sharded=True, keys=READING).early_header_mutation_extensions
    early = DynamicModuleEarlyHeaderMutation.FromString(key.typed_config.value)
    assert early.early_header_mutation_name == "key"
    assert StringValue.FromString(early.early_header_mutation_config.value).value == "spelling=x-route-key\nwrong=reject\nadmit=all\n"


def test_key_that_can_be_answered_changes_no_route_with_the_module() -> None:
    world = World(*keyed())
    assert world.change((FORK_KEY, FORKS, WAY)) == {}


def test_without_the_module_each_key_that_can_be_answered_has_a_route() -> None:
    world = World(*keyed(flat=True))
    assert [one.route.cluster for one in host(world, "local~flat").routes] == [NAME]
    before = world.body(OUT_ROUTES, f"{TABLE}/1/0")
    world.change((FORK_KEY, FORKS, WAY))
    assert [one.route.cluster for one in host(world, "local~flat").routes] == [f"{FORKS}alice", NAME]
    assert world.body(OUT_ROUTES, f"{TABLE}/1/0") == before
    assert mutations(world, "local~flat") == []


def test_redirect_stands_beside_forks_as_it_is() -> None:
    world = World(*keyed(entry(), entry(1, at("prefix", "/old"), filters=(Redirect(hostname="new.example"),))))
    assert [one.redirect.host_redirect for one in host(world).routes if one.HasField("redirect")] == ["new.example"]


def test_route_that_a_proxy_refused_is_left_out_and_told() -> None:
    world = World(*keyed())
    body = host(world).routes[1].SerializeToString(deterministic=True)
    poison = Poison(digest=fingerprint(body), message="no")
    world.change((QUARANTINE, (ROUTE, "httproute/shop/cart"), Quarantined((poison,))))
    assert [one.name for one in host(world).routes] == ["route-key-error"]
    assert [finding.code for finding in world.refused()] == ["PM0605"]


def test_place_is_the_same_in_any_case() -> None:
    assert [*host(World(*keyed(host="A.Example"))).domains] == ["a.example"]


def test_fork_is_the_cluster_of_its_target_under_its_own_name() -> None:
    there = (Endpoint("10.0.0.9", 8080),)
    made = Cluster(name="service/shop/cart-alice/80", protocol="h2c")
    known = [(CLUSTER, TARGET, made), (ENDPOINTS, TARGET, Endpoints(endpoints=there))]
    world = World(
        *keyed(), *known, (FORK, ALICE, Fork(to=TARGET, prefix=FORKS, key="alice")), (CLUSTER_USE, ("local", ALICE), "Sandbox/shop/alice")
    )
    assert world.names(OUT_CLUSTER) == {NAME, ALICE.fork}
    cluster = EnvoyCluster.FromString(world.body(OUT_CLUSTER, ALICE.fork))
    assert (cluster.name, cluster.eds_cluster_config.service_name) == (ALICE.fork, ALICE.fork)
    assert cluster.typed_extension_protocol_options
    (members,) = ClusterLoadAssignment.FromString(world.body(OUT_ENDPOINTS, ALICE.fork)).endpoints
    assert members.lb_endpoints[0].endpoint.address.socket_address.address == "10.0.0.9"


def test_fork_of_a_target_that_is_not_there_is_no_cluster() -> None:
    world = World(
        *keyed(), (FORK, ALICE, Fork(to=TARGET, prefix=FORKS, key="alice")), (CLUSTER_USE, ("local", ALICE), "Sandbox/shop/alice")
    )
    assert world.names(OUT_CLUSTER) == {NAME}


def test_endpoint_of_a_fork_that_envoy_would_refuse_is_told_to_its_sandbox() -> None:
    known = [(CLUSTER, USE, CART), (ENDPOINTS, USE, Endpoints(endpoints=(Endpoint("no address", 80),)))]
    world = World(
        *keyed(), *known, (FORK, ALICE, Fork(to=USE, prefix=FORKS, key="alice")), (CLUSTER_USE, ("local", ALICE), "Sandbox/shop/alice")
    )
    assert [finding.code for finding in world.refused("Sandbox", "shop/alice")] == ["PM0603"]


def test_headers_of_a_fork_are_set_by_its_cluster_whatever_it_speaks() -> None:
    for protocol, spoken in (("http1", "http_protocol_options"), ("h2c", "http2_protocol_options")):
        made = Cluster(name="t", protocol=protocol)  # type: ignore[arg-type]
        fork = Fork(to=TARGET, prefix=FORKS, key="alice", sets=(("x-env", "alice"),))
        world = World(*keyed(), (CLUSTER, TARGET, made), (FORK, ALICE, fork), (CLUSTER_USE, ("local", ALICE), "Sandbox/shop/alice"))
        cluster = EnvoyCluster.FromString(world.body(OUT_CLUSTER, ALICE.fork))
        (options,) = (UpstreamHttpProtocolOptions.FromString(one.value) for one in cluster.typed_extension_protocol_options.values())
        assert options.explicit_http_config.HasField(spoken)  # type: ignore[arg-type]
        changes = HeaderMutation.FromString(options.http_filters[0].typed_config.value).mutations.request_mutations
        assert [(one.append.header.key, one.append.header.value) for one in changes] == [("x-env", "alice")]
        assert [one.name for one in options.http_filters] == ["envoy.filters.http.header_mutation", "envoy.filters.http.upstream_codec"]
