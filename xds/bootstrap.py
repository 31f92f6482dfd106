"""The Envoy bootstrap that fits this server, as plain values: no text of a user is ever pasted into YAML.

Sources: Envoy 1.40 docs, configuration/overview/bootstrap, xds_api (delta ADS), best_practices/edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xds import readiness
from xds.traffic.sink import reporting

XDS_CLUSTER = "pointsman"
# Else Envoy may wait up to 30 s before it comes back to a server that was restarted. It reads this of EnvoyGrpc; the field of
# the same name in GrpcService is for other streams.
COMES_BACK = {"base_interval": "0.2s", "max_interval": "3s"}
MODULES_KEY = "pointsman.io/modules"
OWN, CAS = "own", "cas"  # the two secrets of an Envoy, and the files in which they stand
SDS = {OWN: "sds-own.yaml", CAS: "sds-cas.yaml"}
_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3."
_HTTP2 = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_DOWNSTREAM_CONNECTIONS = "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"


@dataclass(frozen=True, slots=True)
class Client:
    """Who an Envoy is: a folder with tls.crt, tls.key and ca.crt, and the two files that name them to Envoy. `server` is what
    the certificate of the server must say.
    """

    folder: str
    server: str = "localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """What differs between two Envoys. Without `client` the server is asked in plain text. `modules` are what the native
    module at hand there can do; none without it.
    """

    xds: str = "127.0.0.1:18000"
    node: str = "pointsman"
    group: str = "local"
    admin: str = "127.0.0.1:19001"
    modules: tuple[str, ...] = ()
    load_reports: bool = False  # a second stream, over which it tells every few seconds what each cluster has to do
    request_metrics: bool = False  # it sends what it counts of requests, where the server has it count them
    client: Client | None = None
    readiness: str = ""  # where others may see whether it is ready; empty: nowhere


def bootstrap(of: Bootstrap) -> dict[str, Any]:
    return {
        "node": {
            "id": of.node,
            "cluster": of.group,
            **({"metadata": {MODULES_KEY: list(of.modules)}} if of.modules else {}),
        },
        "admin": {"address": _address(of.admin)},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "DELTA_GRPC",
                "transport_api_version": "V3",
                "set_node_on_first_message_only": True,
                "grpc_services": [{"envoy_grpc": {"cluster_name": XDS_CLUSTER, "retry_policy": {"retry_back_off": COMES_BACK}}}],
            },
            "cds_config": {**_ADS, **(_PATIENT if of.readiness else {})},
            "lds_config": {**_ADS, **(_PATIENT if of.readiness else {})},
        },
        "static_resources": _static(of),
        # A worker makes a cluster, and its statistics, when the first request comes: 10,000 clusters load in a third of the
        # time, and the flush of their statistics no longer holds up what else the main thread has to do.
        "cluster_manager": {"enable_deferred_cluster_creation": True, **(_load_reports() if of.load_reports else {})},
        "deferred_stat_options": {"enable_deferred_creation_stats": True},
        **(reporting(XDS_CLUSTER) if of.request_metrics else {"stats_flush_interval": SELDOM}),
        "overload_manager": {  # edge practice: a global cap of connections, or a flood takes every file descriptor
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": {"@type": _DOWNSTREAM_CONNECTIONS, "max_active_downstream_connections": 50_000},
                }
            ]
        },
    }


def _static(of: Bootstrap) -> dict[str, Any]:
    clusters = [_xds_cluster(of.xds, of.client)]
    if not of.readiness:
        return {"clusters": clusters}
    return {"listeners": [readiness.listener(_address(of.readiness))], "clusters": [*clusters, readiness.cluster(_address(of.admin))]}


# Envoy merges the histograms of its workers at each flush, also where nobody is sent any: with 10,000 clusters in use its main
# thread stands still for 235 ms then. Every 5 s, as is its default, that is one change in twenty that waits for it.
SELDOM = "60s"
_ADS = {"ads": {}, "resource_api_version": "V3"}
_PATIENT = {"initial_fetch_timeout": "0s"}  # else it says after 15 s that it is ready, without any configuration


def _load_reports() -> dict[str, Any]:
    server = {"envoy_grpc": {"cluster_name": XDS_CLUSTER}}
    return {"load_stats_config": {"api_type": "GRPC", "transport_api_version": "V3", "grpc_services": [server]}}


def _xds_cluster(address: str, client: Client | None) -> dict[str, Any]:
    """Keepalive finds a server that is gone without a word within 40 s."""
    endpoint = {"endpoint": {"address": _address(address)}}
    return {
        "name": XDS_CLUSTER,
        "type": "STRICT_DNS" if _is_name(address) else "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": XDS_CLUSTER, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": _HTTP2,
                # A stream that is refused for its certificate must come back on another connection, with the new one.
                "common_http_protocol_options": {"idle_timeout": "0.1s"},
                "explicit_http_config": {
                    "http2_protocol_options": {"connection_keepalive": {"interval": "30s", "timeout": "10s"}},
                },
            }
        },
        "upstream_connection_options": {"tcp_keepalive": {"keepalive_probes": 3, "keepalive_time": 30, "keepalive_interval": 5}},
        **({"transport_socket": _tls(client)} if client else {}),
    }


# TLS -------------------------------------------------------------------------------------------------------------------


def _tls(client: Client) -> dict[str, Any]:
    """Certificates come by SDS from a file, for Envoy reads them again then: it never does with those it is told directly."""
    matcher = {"san_type": "DNS" if _is_host(client.server) else "IP_ADDRESS", "matcher": {"exact": client.server}}
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": _TLS + "UpstreamTlsContext",
            **({"sni": client.server} if _is_host(client.server) else {}),
            "common_tls_context": {
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
                "tls_certificate_sds_secret_configs": [_from_file(client, OWN)],
                "combined_validation_context": {
                    "default_validation_context": {"match_typed_subject_alt_names": [matcher]},
                    "validation_context_sds_secret_config": _from_file(client, CAS),
                },
            },
        },
    }


def _from_file(client: Client, name: str) -> dict[str, Any]:
    source = {"path": f"{client.folder}/{SDS[name]}", "watched_directory": {"path": client.folder}}
    return {"name": name, "sds_config": {"path_config_source": source, "resource_api_version": "V3"}}


def secrets(client: Client) -> dict[str, dict[str, Any]]:
    """What these files hold, by their names: names of files, and never what is in them. Envoy takes one secret of each."""
    watched = {"watched_directory": {"path": client.folder}}

    def file(name: str) -> dict[str, str]:
        return {"filename": f"{client.folder}/{name}"}

    own = {"certificate_chain": file("tls.crt"), "private_key": file("tls.key"), **watched}
    cas = {"trusted_ca": file("ca.crt"), **watched}
    found = {OWN: {"tls_certificate": own}, CAS: {"validation_context": cas}}
    return {SDS[name]: {"resources": [{"@type": _TLS + "Secret", "name": name, **secret}]} for name, secret in found.items()}


def _is_host(name: str) -> bool:
    return not name.replace(".", "").isdigit() and ":" not in name


def _address(text: str) -> dict[str, Any]:
    if text.startswith("unix:"):
        return {"pipe": {"path": text.removeprefix("unix:")}}
    host, port = split(text)
    return {"socket_address": {"address": host, "port_value": port}}


def _is_name(address: str) -> bool:
    return not address.startswith("unix:") and _is_host(split(address)[0])


def split(address: str) -> tuple[str, int]:
    """`host:port`, `[::1]:port`. ValueError for anything else."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"{address!r} is not host:port")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise ValueError(f"{address!r}: an IPv6 address stands in brackets")
    return host.strip("[]"), int(port)


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach the address."""
    if address.startswith("unix:"):
        return True
    host = split(address)[0]
    return host in ("localhost", "::1") or (host.startswith("127.") and host.replace(".", "").isdigit())
