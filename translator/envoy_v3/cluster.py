"""Clusters and their endpoints as bytes. Knows no tables.

LEAST_REQUEST, because endpoints are seldom equally fast and two random choices already avoid the slow one; the shares of
a split are exact without it, they are drawn on the route. Circuit breakers stand at their highest, as in Istio: Envoy's
default of 1,024 connections and requests answers 503 under plain load; what a listener lets in is bounded there.
"""

from __future__ import annotations

from collections.abc import Iterable

from protos.v3 import (
    Any,
    CircuitBreakers,
    Cluster,
    ClusterLoadAssignment,
    HeaderMutation,
    HeaderValueOption,
    Http2ProtocolOptions,
    LbEndpoint,
    UpstreamCodec,
    UpstreamHttpProtocolOptions,
    data,
    framed,
    milliseconds,
    pack,
)
from translator.envoy_v3.sources import ADS, BUFFER, WINDOWS
from translator.envoy_v3.tls import upstream_tls
from translator.ir import cluster as ir

NOBODY = ir.Endpoint("127.0.0.1", 9)
CONNECT_TIMEOUT = 5_000  # milliseconds; Envoy's default, said aloud
_UNBOUNDED = {"value": 2**32 - 1}
_BREAKERS = CircuitBreakers(
    thresholds=[{"max_connections": _UNBOUNDED, "max_pending_requests": _UNBOUNDED, "max_requests": _UNBOUNDED, "max_retries": _UNBOUNDED}]
)
_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_H2C: dict[str, Any] = {
    _OPTIONS: pack(UpstreamHttpProtocolOptions(explicit_http_config={"http2_protocol_options": Http2ProtocolOptions(**WINDOWS)}))
}
_SAME: dict[str, Any] = {
    _OPTIONS: pack(
        UpstreamHttpProtocolOptions(use_downstream_protocol_config={"http_protocol_options": {}, "http2_protocol_options": WINDOWS})
    )
}
_SPOKEN: dict[str, dict[str, Any]] = {"http1": {}, "h2c": _H2C, "same": _SAME}
_COMMON = Cluster(
    connect_timeout=milliseconds(CONNECT_TIMEOUT),
    per_connection_buffer_limit_bytes=BUFFER,
    lb_policy=Cluster.LEAST_REQUEST,
    circuit_breakers=_BREAKERS,
)
_DISCOVERY = {
    "eds": Cluster(type=Cluster.EDS, eds_cluster_config={"eds_config": ADS}),
    # all addresses of all names share the load, where LOGICAL_DNS takes one; AUTO picks IPv6 also where the host has no way there
    "dns": Cluster(type=Cluster.STRICT_DNS, respect_dns_ttl=True, dns_lookup_family=Cluster.V4_PREFERRED),
}


def _kind(discovery: str, protocol: str) -> Cluster:
    message = Cluster(typed_extension_protocol_options=_SPOKEN[protocol])
    message.MergeFrom(_COMMON)
    message.MergeFrom(_DISCOVERY[discovery])
    return message


_KINDS = {(discovery, protocol): _kind(discovery, protocol) for discovery in _DISCOVERY for protocol in _SPOKEN}


def carrying(message: Cluster) -> Cluster:
    """One that finds its endpoints in the connection, and goes on in the protocol that it came in."""
    message.connect_timeout.CopyFrom(_COMMON.connect_timeout)
    message.per_connection_buffer_limit_bytes.CopyFrom(_COMMON.per_connection_buffer_limit_bytes)
    message.circuit_breakers.CopyFrom(_BREAKERS)
    message.MergeFrom(Cluster(typed_extension_protocol_options=_SAME))
    return message


class _Told:
    """The bytes of a cluster whose endpoints are told it, cut where its name stands: nearly all clusters differ in nothing else."""

    NAME, EDS_CLUSTER_CONFIG, SERVICE_NAME = 1, 3, 2  # fields of Cluster, and of EdsClusterConfig

    def __init__(self, kind: Cluster) -> None:
        self._type, self._config = data(Cluster(type=kind.type)), data(kind.eds_cluster_config)
        rest = Cluster()
        rest.CopyFrom(kind)
        rest.ClearField("type")
        rest.ClearField("eds_cluster_config")
        self._rest = data(rest)

    def named(self, name: str) -> bytes:
        spelled = name.encode()
        config = framed(self.EDS_CLUSTER_CONFIG, self._config + framed(self.SERVICE_NAME, spelled))
        return framed(self.NAME, spelled) + self._type + config + self._rest


_TOLD = {protocol: _Told(kind) for (discovery, protocol), kind in _KINDS.items() if discovery == "eds"}


def cluster(row: ir.Cluster) -> bytes:
    if row.discovery == "eds" and not row.tls and not row.sets and not row.budget:
        return _TOLD[row.protocol].named(row.name)
    message = Cluster(name=row.name)
    message.MergeFrom(_KINDS[row.discovery, row.protocol])
    if row.budget:  # in the place of max_retries
        retries = message.circuit_breakers.thresholds[0].retry_budget
        retries.budget_percent.value, retries.min_retry_concurrency.value = row.budget.percent, row.budget.least
    if row.tls:
        message.transport_socket.name = "envoy.transport_sockets.tls"
        message.transport_socket.typed_config.CopyFrom(pack(upstream_tls(row.tls, row.protocol == "h2c")))
    if row.sets:
        message.typed_extension_protocol_options[_OPTIONS].CopyFrom(_setting(row))
    if row.discovery == "eds":
        message.eds_cluster_config.service_name = row.name
    else:
        message.load_assignment.MergeFrom(assignment(row.name, row.endpoints))
    return data(message)


def _setting(row: ir.Cluster) -> Any:
    """Headers that each request gets on its way here: by filters of the upstream, so that no route says it."""
    changes = HeaderMutation()
    for name, value in row.sets:
        one = changes.mutations.request_mutations.add().append
        one.header.key, one.header.value = name, value
        one.append_action = HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    options = UpstreamHttpProtocolOptions()
    if row.protocol == "same":
        options.use_downstream_protocol_config.http_protocol_options.SetInParent()
        options.use_downstream_protocol_config.http2_protocol_options.CopyFrom(Http2ProtocolOptions(**WINDOWS))
    elif row.protocol == "h2c":
        options.explicit_http_config.http2_protocol_options.CopyFrom(Http2ProtocolOptions(**WINDOWS))
    else:
        options.explicit_http_config.http_protocol_options.SetInParent()
    options.http_filters.add(name="envoy.filters.http.header_mutation").typed_config.CopyFrom(pack(changes))
    options.http_filters.add(name="envoy.filters.http.upstream_codec").typed_config.CopyFrom(pack(UpstreamCodec()))
    return pack(options)


def assignment(name: str, endpoints: Iterable[ir.Endpoint]) -> ClusterLoadAssignment:
    """Draining endpoints are named only where nothing else is left, as kube-proxy does it (KEP-1669).

    Envoy's own DRAINING would count them as sick: with more than half of a rollout draining, its panic mode sends new
    requests to all of them. Requests under way end in peace either way.
    """
    message = ClusterLoadAssignment(cluster_name=name)
    known = [one for one in endpoints if one.weight]
    serving = [one for one in known if one.health == "healthy"] or known
    if serving:
        members = message.endpoints.add().lb_endpoints
        for one in serving:
            fill(members.add(), one)
    return message


def split_cluster(row: ir.Split) -> bytes:
    """Endpoints by locality, each locality with the weight of its backend."""
    message = Cluster(name=row.name, common_lb_config={"locality_weighted_lb_config": {}})
    message.MergeFrom(_KINDS["eds", "http1"])
    message.eds_cluster_config.service_name = row.name
    return data(message)


def split_assignment(row: ir.Split) -> ClusterLoadAssignment:
    """Envoy leaves out a locality that is empty, and its share would go to the others: datagrams that nobody can have are
    sent to the discard port of the proxy's own machine (RFC 863), where nobody listens.
    """
    message = ClusterLoadAssignment(cluster_name=row.name)
    for place, (weight, endpoints) in enumerate(row.parts):
        part = message.endpoints.add(locality={"sub_zone": str(place)}, load_balancing_weight={"value": weight})
        for one in endpoints or (NOBODY,):
            fill(part.lb_endpoints.add(), one)
    return message


def fill(message: LbEndpoint, row: ir.Endpoint) -> None:
    """In place: messages that are made apart and then copied into each other cost three times as much."""
    if row.port:
        where = message.endpoint.address.socket_address
        where.address, where.port_value = row.address, row.port
    else:
        message.endpoint.address.pipe.path = row.address
    if row.weight != 1:
        message.load_balancing_weight.value = row.weight
