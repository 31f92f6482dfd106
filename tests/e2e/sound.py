"""A configuration that Envoy and we both accept, rich enough that breaking it anywhere says something."""

from __future__ import annotations

from protos.v3 import (
    Bootstrap,
    Cluster,
    Filter,
    HttpConnectionManager,
    HttpFilter,
    Listener,
    RouteConfiguration,
    Router,
    UpstreamHttpProtocolOptions,
    pack,
)

HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def routes() -> RouteConfiguration:
    made = RouteConfiguration(name="routes", request_headers_to_remove=["x-shard"], ignore_port_in_host_matching=True)
    host = made.virtual_hosts.add(name="shop", domains=["shop.example.com", "*.shop.example.com"])
    weighted = host.routes.add(name="weighted", match={"path_separated_prefix": "/cart"})
    weighted.match.headers.add(name="x-a", string_match={"exact": "b"})
    weighted.match.query_parameters.add(name="q", string_match={"safe_regex": {"regex": "a+"}})
    weighted.route.weighted_clusters.clusters.add(name="static", weight={"value": 90})
    weighted.route.weighted_clusters.clusters.add(name="static", weight={"value": 10})
    weighted.route.timeout.seconds = 15
    weighted.route.retry_policy.retry_on = "5xx"
    weighted.route.retry_policy.retry_back_off.base_interval.nanos = 25_000_000
    weighted.request_headers_to_add.add(header={"key": "x-added", "value": "%REQ(x-a)%"})
    mirrored = host.routes.add(name="mirrored", match={"safe_regex": {"regex": "/r.*"}}, route={"cluster": "static", "prefix_rewrite": "/"})
    mirrored.route.request_mirror_policies.add(cluster="static", runtime_fraction={"default_value": {"numerator": 5}})
    host.routes.add(name="away", match={"path": "/old"}, redirect={"path_redirect": "/new", "response_code": 3})
    host.routes.add(name="answer", match={"prefix": "/"}, direct_response={"status": 404, "body": {"inline_string": "no"}})
    return made


def manager() -> HttpConnectionManager:
    made = HttpConnectionManager(stat_prefix="http", route_config=routes(), strip_trailing_host_dot=True)
    made.http_filters.append(HttpFilter(name="envoy.filters.http.router", typed_config=pack(Router())))
    made.common_http_protocol_options.idle_timeout.seconds = 300
    made.common_http_protocol_options.max_headers_count.value = 100
    made.http2_protocol_options.max_concurrent_streams.value = 100
    made.http2_protocol_options.initial_stream_window_size.value = 65_536
    made.request_headers_timeout.seconds = 10
    return made


def listener(inner: HttpConnectionManager) -> Listener:
    made = Listener(name="local/8080", address={"socket_address": {"address": "127.0.0.1", "port_value": 0}})
    made.per_connection_buffer_limit_bytes.value = 32_768
    chain = made.filter_chains.add(name="plain")
    chain.filters.append(Filter(name="envoy.filters.network.http_connection_manager", typed_config=pack(inner)))
    return made


def cluster() -> Cluster:
    made = Cluster(name="static", connect_timeout={"seconds": 5}, load_assignment={"cluster_name": "static"})
    made.circuit_breakers.thresholds.add(max_connections={"value": 1024})
    made.outlier_detection.consecutive_5xx.value = 5
    options = UpstreamHttpProtocolOptions(explicit_http_config={"http2_protocol_options": {}})
    made.typed_extension_protocol_options[HTTP_OPTIONS].CopyFrom(pack(options))
    place = made.load_assignment.endpoints.add(load_balancing_weight={"value": 1})
    endpoint = place.lb_endpoints.add(load_balancing_weight={"value": 3}).endpoint
    endpoint.address.socket_address.address, endpoint.address.socket_address.port_value = "127.0.0.1", 9
    return made


def bootstrap(of_listener: Listener, of_cluster: Cluster) -> Bootstrap:
    made = Bootstrap()
    made.static_resources.listeners.append(of_listener)
    made.static_resources.clusters.append(of_cluster)
    return made
