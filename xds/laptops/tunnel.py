"""The two ends of a reverse tunnel, as plain values: a laptop dials, and requests go to it over the connection that it made.

The gateway knows laptops by the one DNS name in their certificate, which is their claim: `cart.alice.shop` is what answers as Service
`cart` of Sandbox `alice` in namespace `shop`, and nothing else. A request says in a header for whom it is. Where nobody is there the
gateway says so in another, and whoever asked asks the baseline instead.

A tunnel ends in one worker of the gateway, and the others do not have it. So the gateway says how many it has (`asking.py`), and a laptop
makes as many. Envoy gives each new one to a worker that has been given fewest of that node, and never forgets one that is gone: only the
first tunnels of a node lie evenly. So a claim is a tenant, whose name the certificate decides, and each Envoy of it is a node by a name
that it has once. Envoy lets no name of a tenant or node hold the colon between them, so no tenant can be taken for another.

Source: Envoy 1.40, reverse tunnels (envoy.bootstrap.reverse_tunnel, envoy.filters.network.reverse_tunnel, experimental). A cut link
without a word is found by HTTP/2 keepalive alone: the tunnel's own ping is for connections at rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from translator.ir.local import ABSENT, HEADER
from xds.bootstrap import Client, split

Json = dict[str, Any]
CLUSTER = "sandboxes"  # what all laptops call themselves together
ALIVE = {"interval": "1s", "timeout": "1s"}  # HTTP/2 pings, in both directions
AGAIN = "1s"  # until a laptop looks again whether its tunnel is there, and until it dials a gateway again that did not answer
CONNECT = "3s"
WORKERS = 4  # as many as a gateway is taken to have that has not said so
ASKED = "/workers"  # by GET, on the port of tunnels, with ALPN http/1.1: the answer has CONCURRENCY: N
CONCURRENCY = "server.concurrency"
_T = "type.googleapis.com/"
_TUNNEL = "envoy.bootstrap.reverse_tunnel."
_HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_TLS = _T + "envoy.extensions.transport_sockets.tls.v3."


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Where tunnels end and requests enter. `tls` is a folder with tls.crt, tls.key and ca.crt of its own."""

    tunnels: str = "0.0.0.0:9000"
    requests: str = "0.0.0.0:8080"
    tls: str
    admin: str = "127.0.0.1:19001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Laptop:
    """`claim` is in the certificate that `who` names, and `gateways` are where tunnels end: `tunnels` to each, and to each address of a
    name. `node` is how it is told from others of its claim, and never used again. `grpc`: the port speaks HTTP/2.
    """

    claim: str
    node: str
    gateways: tuple[str, ...]
    tunnels: int = WORKERS
    who: Client
    port: int
    grpc: bool = False
    admin: str = "127.0.0.1:0"


def gateway(of: Gateway) -> Json:
    """The bootstrap of the gateway, with any number of workers. Several know nothing of each other: a laptop dials them all."""
    extension = {"stat_prefix": "tunnels", "ping_failure_threshold": 2, "enable_tenant_isolation": True}
    return {
        "node": {"id": "tunnels", "cluster": "tunnels"},
        "admin": {"address": _address(of.admin)},
        "bootstrap_extensions": [_named(f"{_TUNNEL}upstream_socket_interface", _upstream_type, extension)],
        "static_resources": {"listeners": [_tunnels(of), _requests(of)], "clusters": [_to_laptops(), _fixed("admin", of.admin)]},
    }


_upstream_type = "envoy.extensions.bootstrap.reverse_tunnel.upstream_socket_interface.v3.UpstreamReverseConnectionSocketInterface"
_downstream_type = "envoy.extensions.bootstrap.reverse_tunnel.downstream_socket_interface.v3.DownstreamReverseConnectionSocketInterface"


def _tunnels(of: Gateway) -> Json:
    """Without validation any certificate of the CA could claim any Sandbox."""
    validation = {"tenant_id_format": "%DOWNSTREAM_PEER_DNS_SAN%", "cluster_id_format": CLUSTER}
    tunnel = {"ping_interval": "2s", "validation": validation}
    ends = _named("envoy.filters.network.reverse_tunnel", "envoy.extensions.filters.network.reverse_tunnel.v3.ReverseTunnel", tunnel)
    return {
        "name": "tunnels",
        "address": _address(of.tunnels),
        "listener_filters": [_named("envoy.filters.listener.tls_inspector", _inspector, {})],
        "filter_chains": [
            {"filter_chain_match": {"application_protocols": [HTTP]}, "filters": [_telling()], **_taken(of, alpn_protocols=[HTTP])},
            {"filters": [ends], **_taken(of)},
        ],
    }


HTTP = "http/1.1"
_inspector = "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"


def _telling() -> Json:
    """Of all that the admin port knows this one number. What a client writes behind a question mark counts for nothing: the first does."""
    one = {"cluster": "admin", "prefix_rewrite": f"/stats?filter=^{CONCURRENCY}$"}
    return _connection("telling", [{"match": {"path": ASKED}, "route": one}], {"codec_type": "HTTP1"})


def _taken(of: Gateway, **options: Any) -> Json:
    context = {
        "@type": _TLS + "DownstreamTlsContext",
        "require_client_certificate": True,
        "common_tls_context": {**_certificates(of.tls), **options},
    }
    return {"transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": context}}


def _requests(of: Gateway) -> Json:
    """What comes without saying for whom is not found, and tried nowhere else. While one Envoy of a laptop takes over from another, a
    request that finds the first one gone is for the second.
    """
    again = {"retry_on": "connect-failure", "num_retries": 2, "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.002s"}}
    route = {
        "match": {"prefix": "/", "headers": [{"name": HEADER, "present_match": True}]},
        "route": {"cluster": "laptop", "timeout": "0s", "retry_policy": again},
    }
    connection = _connection("requests", [route], {"local_reply_config": {"mappers": [*map(_absent, (NEVER_THERE, LEFT))]}})
    return {"name": "requests", "address": _address(of.requests), "filter_chains": [{"filters": [connection]}]}


NEVER_THERE: Json = {"response_flag_filter": {"flags": ["UF", "UH"]}}
_READS: Json = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD|OPTIONS"}}}
LEFT: Json = {  # while a request was on its way: it may have been done, so only what may be asked twice is
    "and_filter": {"filters": [{"response_flag_filter": {"flags": ["UC", "UR", "UPE"]}}, {"header_filter": {"header": _READS}}]}
}


def _absent(when: Json) -> Json:
    return {"filter": when, "headers_to_add": [{"header": {"key": ABSENT, "value": "1"}}]}


def _to_laptops() -> Json:
    kind = "envoy.extensions.clusters.reverse_connection.v3.ReverseConnectionClusterConfig"
    chosen = {"cleanup_interval": "10s", "tenant_id_format": f"%REQ({HEADER})%", "host_id_format": CLUSTER}
    return {
        "name": "laptop",
        "connect_timeout": "2s",
        "lb_policy": "CLUSTER_PROVIDED",
        "cluster_type": _named("envoy.clusters.reverse_connection", kind, chosen),
        **_speaks({"connection_keepalive": ALIVE, "allow_connect": True}),
    }


def laptop(of: Laptop) -> Json:
    """The bootstrap of the laptop's Envoy: it listens nowhere, and dials again by itself. It has one worker: each dials as often."""
    extension = {"stat_prefix": "tunnel", "maintain_interval": AGAIN, "max_reconnect_backoff": AGAIN}
    matcher = {"san_type": "DNS", "matcher": {"exact": of.who.server}}
    common = _certificates(of.who.folder)
    common["validation_context"]["match_typed_subject_alt_names"] = [matcher]
    context = {"@type": _TLS + "UpstreamTlsContext", "sni": of.who.server, "common_tls_context": common}
    dialled = {
        **_fixed("gateway", *of.gateways),
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": context},
    }
    return {
        "node": {"id": of.claim, "cluster": CLUSTER},
        "admin": {"address": _address(of.admin)},
        "bootstrap_extensions": [_named(f"{_TUNNEL}downstream_socket_interface", _downstream_type, extension)],
        "static_resources": {
            "listeners": [_answering(of)],
            "clusters": [dialled, {**_fixed("local", f"127.0.0.1:{of.port}"), **(_speaks({"allow_connect": True}) if of.grpc else {})}],
        },
    }


def _answering(of: Laptop) -> Json:
    """Its address says to whom it dials, as whom, and how many connections."""
    address = {
        "address": f"rc://{of.node}:{CLUSTER}:{of.claim}@gateway:{of.tunnels}",
        "port_value": 0,
        "resolver_name": "envoy.resolvers.reverse_connection",
    }
    options = {"codec_type": "HTTP2", "http2_protocol_options": {"allow_connect": True, "connection_keepalive": ALIVE}}
    connection = _connection("tunnel", [{"match": {"prefix": "/"}, "route": {"cluster": "local", "timeout": "0s"}}], options)
    return {
        "name": "tunnel",
        "listener_filters_timeout": "0s",
        "address": {"socket_address": address},
        "filter_chains": [{"filters": [connection]}],
    }


# Parts -----------------------------------------------------------------------------------------------------------------


def _named(name: str, kind: str, config: Json) -> Json:
    return {"name": name, "typed_config": {"@type": _T + kind, **config}}


def _connection(name: str, routes: list[Json], options: Json) -> Json:
    router = _named("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router", {"suppress_envoy_headers": True})
    kind = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    config = {
        "stat_prefix": name,
        "generate_request_id": False,
        "server_header_transformation": "PASS_THROUGH",
        "skip_xff_append": True,
        "http2_protocol_options": {"allow_connect": True},
        "stream_idle_timeout": "0s",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "route_config": {"name": name, "virtual_hosts": [{"name": name, "domains": ["*"], "routes": routes}]},
        "http_filters": [router],
        **options,
    }
    return _named("envoy.filters.network.http_connection_manager", kind, config)


def _speaks(http2: Json) -> Json:
    return {"typed_extension_protocol_options": {_HTTP: {"@type": _T + _HTTP, "explicit_http_config": {"http2_protocol_options": http2}}}}


def _certificates(folder: str) -> Json:
    own = {"certificate_chain": {"filename": f"{folder}/tls.crt"}, "private_key": {"filename": f"{folder}/tls.key"}}
    return {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
        "tls_certificates": [own],
        "validation_context": {"trusted_ca": {"filename": f"{folder}/ca.crt"}},
    }


def _fixed(name: str, *addresses: str) -> Json:
    hosts = [split(address)[0] for address in addresses]
    kind = "STATIC" if all(host.replace(".", "").isdigit() or ":" in host for host in hosts) else "STRICT_DNS"
    endpoints = [{"endpoint": {"address": _address(address)}} for address in addresses]
    members = {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]}
    return {"name": name, "type": kind, "connect_timeout": CONNECT, "load_assignment": members}


def _address(text: str) -> Json:
    host, port = split(text)
    return {"socket_address": {"address": host, "port_value": port}}
