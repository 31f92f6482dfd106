"""Claims about listeners, connection managers, clusters and endpoints, by decoding their bytes."""

from __future__ import annotations

import pytest
from msgspec import structs

from protos.v3 import (
    Cluster,
    ConnectionLimit,
    DownstreamTlsContext,
    DynamicModuleEarlyHeaderMutation,
    FilterChain,
    HttpConnectionManager,
    HttpProtocolOptions,
    Listener,
    Router,
    Secret,
    StringValue,
    TlsParameters,
    UpstreamHttpProtocolOptions,
    data,
)  # fmt: skip
from translator.envoy_v3.cluster import assignment, cluster
from translator.envoy_v3.hcm import http_connection
from translator.envoy_v3.listener import distinct, listener
from translator.envoy_v3.secret import respelled, secret
from translator.ir import cluster as ir
from translator.ir.cluster import Endpoint
from translator.ir.listener import Chain

PLAIN = Chain(name="http", table="t")
TLS = Chain(name="tls", table="s", server_names=("a.example",), secrets=("secret/one", "secret/two"))


def built(*chains: Chain, sharded: bool = True, address: str = "127.0.0.1", port: int = 8080) -> Listener:
    return Listener.FromString(listener("l", address, port, chains, sharded))


def hcm(chain: FilterChain) -> HttpConnectionManager:
    return HttpConnectionManager.FromString(chain.filters[-1].typed_config.value)


# Edge defaults: Envoy's page "Configuring Envoy as an edge proxy", one claim a line


EDGE = http_connection("m", "t", sharded=True)


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (EDGE.use_remote_address.value, True),
        (EDGE.normalize_path.value, True),
        (EDGE.merge_slashes, True),
        (EDGE.path_with_escaped_slashes_action, HttpConnectionManager.REJECT_REQUEST),
        (EDGE.common_http_protocol_options.headers_with_underscores_action, HttpProtocolOptions.REJECT_REQUEST),
        (EDGE.common_http_protocol_options.idle_timeout.seconds, 900),
        (EDGE.http2_protocol_options.max_concurrent_streams.value, 100),
        (EDGE.http2_protocol_options.initial_stream_window_size.value, 65536),
        (EDGE.http2_protocol_options.initial_connection_window_size.value, 1048576),
        (EDGE.stream_idle_timeout.seconds, 300),
        (EDGE.request_timeout.seconds, 300),
        (EDGE.server_header_transformation, HttpConnectionManager.PASS_THROUGH),
        (EDGE.strip_trailing_host_dot, True),
        (EDGE.HasField("strip_any_host_port"), False),
        ([one.upgrade_type for one in EDGE.upgrade_configs], ["websocket"]),
        (built(PLAIN).per_connection_buffer_limit_bytes.value, 32768),
        (Cluster.FromString(cluster(ir.Cluster(name="c"))).per_connection_buffer_limit_bytes.value, 32768),
    ],
)
def test_edge_default_is_on(held: object, wanted: object) -> None:
    assert held == wanted


def test_each_chain_has_a_limit_of_connections() -> None:
    limit = ConnectionLimit.FromString(built(PLAIN).filter_chains[0].filters[0].typed_config.value)
    assert limit.max_connections.value == 50_000


def test_answers_carry_no_header_of_envoys_own() -> None:
    assert EDGE.http_filters[-1].name == "envoy.filters.http.router"
    assert Router.FromString(EDGE.http_filters[-1].typed_config.value).suppress_envoy_headers


# Where routes come from


def test_sharded_manager_asks_for_scopes_by_the_header_of_the_module() -> None:
    (fragment,) = EDGE.scoped_routes.scope_key_builder.fragments
    assert (fragment.header_value_extractor.name, fragment.header_value_extractor.index) == ("x-shard", 0)
    assert fragment.header_value_extractor.element_separator == ""
    assert EDGE.scoped_routes.scoped_rds.scoped_rds_config_source.HasField("ads")
    assert EDGE.scoped_routes.rds_config_source.HasField("ads")


def test_sharded_manager_tells_the_module_its_slots_and_prefix() -> None:
    (extension,) = EDGE.early_header_mutation_extensions
    early = DynamicModuleEarlyHeaderMutation.FromString(extension.typed_config.value)
    assert (early.dynamic_module_config.name, early.early_header_mutation_name) == ("pointsman", "shard")
    assert early.dynamic_module_config.do_not_close
    assert StringValue.FromString(early.early_header_mutation_config.value).value == "buckets=128\nprefix=t/\n"


def test_prefix_of_a_table_that_ends_in_a_zero_is_whole() -> None:
    (extension,) = http_connection("m", "local/80", sharded=True).early_header_mutation_extensions
    assert b"prefix=local/80/\n" in extension.typed_config.value


def test_flat_manager_asks_for_one_table_and_needs_no_module() -> None:
    flat = http_connection("m", "t", sharded=False)
    assert flat.rds.route_config_name == "t"
    assert not flat.early_header_mutation_extensions
    assert not flat.HasField("scoped_routes")


# Listeners


def test_plain_port_inspects_nothing() -> None:
    message = built(PLAIN)
    assert not message.listener_filters
    assert not message.filter_chains[0].HasField("transport_socket")


def test_tls_chain_is_chosen_by_its_server_names() -> None:
    message = built(TLS)
    assert [one.name for one in message.listener_filters] == ["envoy.filters.listener.tls_inspector"]
    match = message.filter_chains[0].filter_chain_match
    assert (list(match.server_names), match.transport_protocol) == (["a.example"], "tls")


def test_tls_offers_its_certificates_in_order_from_ads() -> None:
    context = DownstreamTlsContext.FromString(built(TLS).filter_chains[0].transport_socket.typed_config.value).common_tls_context
    assert [one.name for one in context.tls_certificate_sds_secret_configs] == ["secret/one", "secret/two"]
    assert all(one.sds_config.HasField("ads") for one in context.tls_certificate_sds_secret_configs)
    assert list(context.alpn_protocols) == ["h2", "http/1.1"]
    assert context.tls_params.tls_minimum_protocol_version == TlsParameters.TLSv1_2


def test_plain_text_beside_tls_is_told_apart_by_its_bytes() -> None:
    assert [one.filter_chain_match.transport_protocol for one in built(PLAIN, TLS).filter_chains] == ["raw_buffer", "tls"]


def test_each_chain_asks_its_own_table() -> None:
    assert [hcm(one).scoped_routes.name for one in built(PLAIN, TLS).filter_chains] == ["t", "s"]


def chain(name: str, *server_names: str, tls: bool = True) -> Chain:
    return Chain(name=name, table=name, server_names=server_names, secrets=("s",) if tls else ())


@pytest.mark.parametrize(
    ("chains", "left"),
    [
        ((chain("a", "x"), chain("b", "x")), [("a", ("x",))]),
        ((chain("a", "x"), chain("b", "x", "y")), [("a", ("x",)), ("b", ("y",))]),
        ((chain("a"), chain("b")), [("a", ())]),
        ((chain("a", "*"), chain("b", "x")), [("a", ()), ("b", ("x",))]),
        ((chain("a", "X.example"), chain("b", "x.example")), [("a", ("x.example",))]),
        ((chain("a"), chain("b", tls=False)), [("a", ()), ("b", ())]),
    ],
)
def test_server_name_belongs_to_the_first_chain_that_wants_it(chains: tuple[Chain, ...], left: list[object]) -> None:
    assert [(one.name, one.server_names) for one in distinct(chains)] == left


def of(name: str = "l", address: str = "127.0.0.1", port: int = 80, *, sharded: bool = True, **chain: object) -> bytes:
    return listener(name, address, port, [structs.replace(TLS, **chain)], sharded)


VARIED = {
    "base": of(),
    "name": of(name="m"),
    "address": of(address="127.0.0.2"),
    "port": of(port=81),
    "sharded": of(sharded=False),
    "chains": listener("l", "127.0.0.1", 80, [TLS, PLAIN], True),
    "chain.name": listener("l", "127.0.0.1", 80, [structs.replace(TLS, name="x")], True),
    "chain.table": of(table="x"),
    "chain.server_names": of(server_names=("b.example",)),
    "chain.secrets": of(secrets=("x",)),
}


def test_every_field_of_a_listener_shows_in_its_bytes() -> None:
    assert len(set(VARIED.values())) == len(VARIED)


# Clusters


def decoded(**row: object) -> Cluster:
    return Cluster.FromString(cluster(ir.Cluster(name="c", **row)))  # type: ignore[arg-type]


def test_cluster_takes_its_endpoints_from_ads_under_its_own_name() -> None:
    message = decoded()
    assert (message.type, message.eds_cluster_config.service_name) == (Cluster.EDS, "c")
    assert message.eds_cluster_config.eds_config.HasField("ads")
    assert message.connect_timeout.seconds == 5
    assert message.lb_policy == Cluster.LEAST_REQUEST


def test_load_alone_opens_no_circuit_breaker() -> None:
    (limits,) = decoded().circuit_breakers.thresholds
    assert {limits.max_connections.value, limits.max_pending_requests.value, limits.max_requests.value, limits.max_retries.value} == {
        2**32 - 1
    }


def test_h2c_is_spoken_without_being_asked() -> None:
    (options,) = decoded(protocol="h2c").typed_extension_protocol_options.values()
    message = UpstreamHttpProtocolOptions.FromString(options.value)
    assert message.explicit_http_config.http2_protocol_options.initial_stream_window_size.value == 65536
    assert not decoded().typed_extension_protocol_options


def test_names_are_resolved_and_all_their_addresses_used() -> None:
    message = decoded(discovery="dns", endpoints=(Endpoint("a.example", 80), Endpoint("b.example", 81)))
    assert message.type == Cluster.STRICT_DNS
    assert message.respect_dns_ttl
    sockets = [one.endpoint.address.socket_address for one in message.load_assignment.endpoints[0].lb_endpoints]
    assert [(one.address, one.port_value) for one in sockets] == [("a.example", 80), ("b.example", 81)]


def addresses(*endpoints: Endpoint) -> list[str]:
    return [one.endpoint.address.socket_address.address for part in assignment("c", endpoints).endpoints for one in part.lb_endpoints]


def test_draining_endpoint_gets_nothing_while_another_is_healthy() -> None:
    assert addresses(Endpoint("10.0.0.1", 80, "draining"), Endpoint("10.0.0.2", 80), Endpoint("10.0.0.3", 80, "draining")) == ["10.0.0.2"]


def test_draining_endpoints_serve_when_nothing_else_does() -> None:
    assert addresses(Endpoint("10.0.0.1", 80, "draining"), Endpoint("10.0.0.3", 80, "draining")) == ["10.0.0.1", "10.0.0.3"]


def test_endpoint_of_weight_nothing_is_left_out() -> None:
    assert addresses(Endpoint("10.0.0.1", 80, weight=0), Endpoint("10.0.0.2", 80, weight=3)) == ["10.0.0.2"]


def test_weight_of_an_endpoint_is_said_where_it_is_not_one() -> None:
    one, three = assignment("c", (Endpoint("10.0.0.1", 80), Endpoint("10.0.0.2", 80, weight=3))).endpoints[0].lb_endpoints
    assert not one.HasField("load_balancing_weight")
    assert three.load_balancing_weight.value == 3


def test_endpoint_without_a_port_is_a_socket_of_this_machine() -> None:
    (one,) = assignment("c", (Endpoint("/run/app.sock", 0),)).endpoints[0].lb_endpoints
    assert one.endpoint.address.pipe.path == "/run/app.sock"


def test_every_field_of_a_cluster_shows_in_its_bytes() -> None:
    named = (Endpoint("a.example", 80),)
    rows = [
        ir.Cluster(name="c"), ir.Cluster(name="d"), ir.Cluster(name="c", protocol="h2c"), ir.Cluster(name="c", discovery="dns"),
        ir.Cluster(name="c", discovery="dns", endpoints=named),
    ]  # fmt: skip
    assert len(set(map(cluster, rows))) == len(rows)


def test_every_field_of_an_endpoint_shows_in_its_bytes() -> None:
    rows = [Endpoint("10.0.0.1", 80), Endpoint("10.0.0.2", 80), Endpoint("10.0.0.1", 81), Endpoint("10.0.0.1", 80, weight=2)]
    bodies = {assignment("c", (one,)).SerializeToString(deterministic=True) for one in rows}
    bodies.add(assignment("d", (rows[0],)).SerializeToString(deterministic=True))
    assert len(bodies) == len(rows) + 1


def test_every_part_of_a_secret_shows_in_its_bytes() -> None:
    assert len({secret("s", b"c", b"k"), secret("t", b"c", b"k"), secret("s", b"d", b"k"), secret("s", b"c", b"l")}) == 4


def test_secret_respelled_is_the_same_certificate_in_other_bytes() -> None:
    before = secret("s", b"-----BEGIN", b"key")
    spelled = [respelled(before, times) for times in (1, 2)]
    assert len({before, *spelled}) == 3
    made = Secret.FromString(spelled[1])
    assert made.tls_certificate.certificate_chain.inline_bytes == b"-----BEGIN\n\n"
    assert made.tls_certificate.private_key.inline_bytes == b"key"


def test_authority_respelled_is_the_same_and_what_is_no_certificate_stays_as_it_is() -> None:
    authority = Secret(name="ca", validation_context={"trusted_ca": {"inline_bytes": b"ca"}})
    assert Secret.FromString(respelled(data(authority), 1)).validation_context.trusted_ca.inline_bytes == b"ca\n"
    assert respelled(data(Secret(name="s")), 1) == data(Secret(name="s"))
    assert respelled(b"\xff", 1) == b"\xff"
