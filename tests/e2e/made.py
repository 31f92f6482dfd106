"""Hand-made Envoy resources for tests of the stream: small, and each with what it needs."""

from __future__ import annotations

from typing import Any

from google.protobuf.json_format import ParseDict

from protos import v3
from translator.engine import Table
from translator.ir.output import Packed
from translator.ir.tables import (
    OUT_CLUSTER,
    OUT_ENDPOINTS,
    OUT_EXTENSION,
    OUT_LISTENER,
    OUT_ROUTES,
    OUT_RUNTIME,
    OUT_SCOPE,
    OUT_SECRET,
    OUT_VIRTUAL_HOST,
)
from xds.snapshot import Changes

ADS = {"ads": {}, "resource_api_version": "V3"}
HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = {"name": "router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}


def packed(message: Any, fields: dict[str, Any], *needs: str) -> Packed:
    return Packed(v3.data(ParseDict(fields, message)), needs)


def cluster(name: str, seconds: int = 5) -> Packed:
    fields = {"name": name, "type": "EDS", "connect_timeout": f"{seconds}s", "eds_cluster_config": {"eds_config": ADS}}
    return packed(v3.Cluster(), fields, name)


def endpoints(name: str, port: int) -> Packed:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return packed(v3.ClusterLoadAssignment(), {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]})


def routes(name: str, *, cluster: str = "", answer: str = "") -> Packed:
    """Everything to a cluster, or answered with a text."""
    route: dict[str, Any] = {"match": {"prefix": "/"}}
    if cluster:
        route["route"] = {"cluster": cluster}
    else:
        route["direct_response"] = {"status": 200, "body": {"inline_string": answer}}
    return packed(v3.RouteConfiguration(), {"name": name, "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]})


def scope(name: str, routes: str) -> Packed:
    fields = {"name": name, "key": {"fragments": [{"string_key": name}]}, "route_configuration_name": routes}
    return packed(v3.ScopedRouteConfiguration(), fields, routes)


def listener(name: str, port: int, routes: str = "", server: str = "") -> Packed:
    """Asks one RouteConfiguration, or, without a name, the scope that the header x-shard names."""
    specifier: dict[str, Any] = {"rds": {"route_config_name": routes, "config_source": ADS}} if routes else SCOPED
    hcm = {"@type": HCM, "stat_prefix": "test", "server_name": server, "http_filters": [ROUTER], **specifier}
    return packed(
        v3.Listener(),
        {
            "name": name,
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
            "filter_chains": [{"filters": [{"name": "hcm", "typed_config": hcm}]}],
        },
    )


SCOPED = {
    "scoped_routes": {
        "name": "scopes",
        "scope_key_builder": {"fragments": [{"header_value_extractor": {"name": "x-shard", "element_separator": "", "index": 0}}]},
        "rds_config_source": ADS,
        "scoped_rds": {"scoped_rds_config_source": ADS},
    }
}


def changes(view: str = "local", **tables: dict[str, Packed | None]) -> Changes:
    """`changes(cds={"a": cluster("a"), "b": None}, lds=…)`: one batch for `Snapshots.apply`."""
    return {(TABLES[short], (view, name)): one for short, rows in tables.items() for name, one in rows.items()}


TABLES: dict[str, Table[tuple[str, str], Packed]] = {
    "cds": OUT_CLUSTER,
    "eds": OUT_ENDPOINTS,
    "lds": OUT_LISTENER,
    "rds": OUT_ROUTES,
    "srds": OUT_SCOPE,
    "sds": OUT_SECRET,
    "vhds": OUT_VIRTUAL_HOST,
    "rtds": OUT_RUNTIME,
    "ecds": OUT_EXTENSION,
}
