"""A port of Envoy that shows two pages of its admin port to others, and nothing else of it: whether it is ready, and statistics.

Ready means that it has a configuration: until then Envoy takes no connections at all. Source: Envoy 1.40 docs, operations/admin.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
CLUSTER = "admin"
PAGES = ("/ready", "/stats/prometheus")
_HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


def listener(at: Json) -> Json:
    """At an address of Envoy's form."""
    routes = [{"match": {"path": page, "headers": [_GET]}, "route": {"cluster": CLUSTER}} for page in PAGES]
    manager = {
        "@type": _HCM,
        "stat_prefix": "readiness",
        "route_config": {"name": "readiness", "virtual_hosts": [{"name": "pages", "domains": ["*"], "routes": routes}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": _ROUTER}}],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return {"name": "readiness", "address": at, "ignore_global_conn_limit": True, "bypass_overload_manager": True, "filter_chains": [chain]}


def cluster(admin: Json) -> Json:
    """Where the pages are."""
    assignment = {"cluster_name": CLUSTER, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": admin}}]}]}
    return {"name": CLUSTER, "type": "STATIC", "connect_timeout": "1s", "load_assignment": assignment}


_GET = {"name": ":method", "string_match": {"exact": "GET"}}
