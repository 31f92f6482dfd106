"""The HTTP connection manager of a filter chain: edge defaults, and where its routes come from. Knows no tables.

Source of the defaults: Envoy 1.40, "Configuring Envoy as an edge proxy". Ours where it leaves a choice:
  * Paths with %2F, %2f, %5C or %5c are refused (400). Unescaping them changes what the path means, and gRPC cannot follow
    the redirect; leaving them as they are lets Envoy and a backend disagree about the path.
  * `server` is passed through: a backend's header stays, and Envoy's own answers do not advertise Envoy.
  * Nothing is added to answers (x-envoy-*): the Gateway API has no such headers.
  * No address is internal: a client's own x-envoy-* headers are taken away whatever its address.
"""

from __future__ import annotations

from protos.v3 import (
    DynamicModuleConfig,
    DynamicModuleEarlyHeaderMutation,
    Http2ProtocolOptions,
    HttpConnectionManager,
    HttpFilter,
    HttpProtocolOptions,
    Rds,
    Router,
    ScopedRds,
    ScopedRoutes,
    StringValue,
    milliseconds,
    pack,
)
from translator.envoy_v3.counting import access_log
from translator.envoy_v3.keys import settings
from translator.envoy_v3.sharding import HEADER, SLOTS
from translator.envoy_v3.sources import ADS, WINDOWS
from translator.filters import http_filters
from translator.ir import names
from translator.ir.keys import Reading

MINUTE = 60_000
MODULE = "pointsman"
COUNT, COUNT_FORKS = access_log(forks=False), access_log(forks=True)
_ROUTER = HttpFilter(name="envoy.filters.http.router", typed_config=pack(Router(suppress_envoy_headers=True)))
_EDGE = HttpConnectionManager(
    http_filters=[*http_filters(), _ROUTER],
    use_remote_address={"value": True},
    internal_address_config={},
    normalize_path={"value": True},
    merge_slashes=True,
    path_with_escaped_slashes_action=HttpConnectionManager.REJECT_REQUEST,
    strip_trailing_host_dot=True,
    server_header_transformation=HttpConnectionManager.PASS_THROUGH,
    common_http_protocol_options=HttpProtocolOptions(
        idle_timeout=milliseconds(15 * MINUTE), headers_with_underscores_action=HttpProtocolOptions.REJECT_REQUEST
    ),
    http2_protocol_options=Http2ProtocolOptions(max_concurrent_streams={"value": 100}, **WINDOWS),
    stream_idle_timeout=milliseconds(5 * MINUTE),
    request_timeout=milliseconds(5 * MINUTE),  # until the request is in, not until it is answered
    upgrade_configs=[{"upgrade_type": "websocket"}],
)


def http_connection(name: str, table: str, sharded: bool, keys: Reading | None = None, *, counted: bool = False) -> HttpConnectionManager:
    """`name` is what its statistics are called. A flat table is one RouteConfiguration of the table's own name."""
    message = HttpConnectionManager(stat_prefix=name)
    message.MergeFrom(_EDGE)
    if counted:
        message.access_log.append(COUNT_FORKS if keys else COUNT)
    if not sharded:
        message.rds.MergeFrom(Rds(config_source=ADS, route_config_name=table))
        return message
    message.scoped_routes.MergeFrom(scoped_routes(table))
    if keys:
        message.early_header_mutation_extensions.add(name="key").typed_config.MergeFrom(pack(early("key", settings(keys))))
    shard = message.early_header_mutation_extensions.add(name="shard")
    shard.typed_config.MergeFrom(pack(early_shard(table)))
    return message


def scoped_routes(table: str) -> ScopedRoutes:
    """The key of a scope is all of the header that the native module sets."""
    fragment = {"header_value_extractor": {"name": HEADER, "element_separator": "", "index": 0}}
    return ScopedRoutes(
        name=table,
        scope_key_builder={"fragments": [fragment]},
        rds_config_source=ADS,
        scoped_rds=ScopedRds(scoped_rds_config_source=ADS),
    )


def early_shard(table: str) -> DynamicModuleEarlyHeaderMutation:
    """Names the scope of a request before its route is looked for; envoy/modules/shard.c reads this configuration."""
    return early("shard", f"buckets={SLOTS}\nprefix={names.scope(table, 0).removesuffix('0')}\n")


def early(role: str, config: str) -> DynamicModuleEarlyHeaderMutation:
    return DynamicModuleEarlyHeaderMutation(
        dynamic_module_config=DynamicModuleConfig(name=MODULE, do_not_close=True),
        early_header_mutation_name=role,
        early_header_mutation_config=pack(StringValue(value=config)),
    )
