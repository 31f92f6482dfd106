"""Clusters and their endpoints as bytes. Knows no tables.

LEAST_REQUEST, because endpoints are seldom equally fast and two random choices already avoid the slow one; the shares of
a split are exact without it, they are drawn on the route. Circuit breakers stand at their highest, as in Istio: Envoy's
default of 1,024 connections and requests answers 503 under plain load; what a listener lets in is bounded there.
"""

from __future__ import annotations

from collections.abc import Iterable

from protos.v3 import (
    Address,
    Any,
    CircuitBreakers,
    Cluster,
    ClusterLoadAssignment,
    Endpoint,
    Http2ProtocolOptions,
    LbEndpoint,
    LocalityLbEndpoints,
    Pipe,
    SocketAddress,
    UpstreamHttpProtocolOptions,
    data,
    milliseconds,
    pack,
)
from translator.envoy_v3.sources import ADS, BUFFER, WINDOWS
from translator.ir import cluster as ir

CONNECT_TIMEOUT = 5_000  # milliseconds; Envoy's default, said aloud
_UNBOUNDED = {"value": 2**32 - 1}
_BREAKERS = CircuitBreakers(
    thresholds=[{"max_connections": _UNBOUNDED, "max_pending_requests": _UNBOUNDED, "max_requests": _UNBOUNDED, "max_retries": _UNBOUNDED}]
)
_H2C: dict[str, Any] = {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(
        UpstreamHttpProtocolOptions(explicit_http_config={"http2_protocol_options": Http2ProtocolOptions(**WINDOWS)})
    )
}


def cluster(row: ir.Cluster) -> bytes:
    message = Cluster(
        name=row.name,
        connect_timeout=milliseconds(CONNECT_TIMEOUT),
        per_connection_buffer_limit_bytes=BUFFER,
        lb_policy=Cluster.LEAST_REQUEST,
        circuit_breakers=_BREAKERS,
        typed_extension_protocol_options=_H2C if row.protocol == "h2c" else {},
    )
    if row.discovery == "eds":
        message.type = Cluster.EDS
        message.eds_cluster_config.MergeFrom(Cluster.EdsClusterConfig(eds_config=ADS, service_name=row.name))
    else:
        message.type = Cluster.STRICT_DNS  # all addresses of all names share the load; LOGICAL_DNS takes one
        message.respect_dns_ttl = True
        message.dns_lookup_family = Cluster.V4_PREFERRED  # AUTO picks IPv6 also where the host has no way there
        message.load_assignment.MergeFrom(assignment(row.name, row.endpoints))
    return data(message)


def assignment(name: str, endpoints: Iterable[ir.Endpoint]) -> ClusterLoadAssignment:
    """Draining endpoints are named only where nothing else is left, as kube-proxy does it (KEP-1669).

    Envoy's own DRAINING would count them as sick: with more than half of a rollout draining, its panic mode sends new
    requests to all of them. Requests under way end in peace either way.
    """
    known = [one for one in endpoints if one.weight]
    serving = [one for one in known if one.health == "healthy"] or known
    localities = [LocalityLbEndpoints(lb_endpoints=map(lb_endpoint, serving))] if serving else []
    return ClusterLoadAssignment(cluster_name=name, endpoints=localities)


def lb_endpoint(row: ir.Endpoint) -> LbEndpoint:
    weight = {"value": row.weight} if row.weight != 1 else None
    return LbEndpoint(endpoint=Endpoint(address=address(row.address, row.port)), load_balancing_weight=weight)


def address(host: str, port: int) -> Address:
    if port:
        return Address(socket_address=SocketAddress(address=host, port_value=port))
    return Address(pipe=Pipe(path=host))
