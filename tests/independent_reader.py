"""Envoy's API as envoy-data-plane reads it: another generator and another runtime than ours, so that both cannot err alike."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

with warnings.catch_warnings():  # it is written for an older pydantic
    warnings.simplefilter("ignore")
    from envoy_data_plane.envoy.config.cluster import v3 as cluster
    from envoy_data_plane.envoy.config.endpoint import v3 as endpoint
    from envoy_data_plane.envoy.config.listener import v3 as listener
    from envoy_data_plane.envoy.config.route import v3 as route
    from envoy_data_plane.envoy.extensions.filters.http.cors import v3 as cors
    from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager import v3 as hcm
    from envoy_data_plane.envoy.extensions.filters.network.tcp_proxy import v3 as tcp_proxy
    from envoy_data_plane.envoy.extensions.filters.udp.udp_proxy import v3 as udp_proxy
    from envoy_data_plane.envoy.extensions.transport_sockets.tls import v3 as tls

READERS: dict[str, Any] = {
    "listeners": listener.Listener,
    "routes": route.RouteConfiguration,
    "clusters": cluster.Cluster,
    "endpoints": endpoint.ClusterLoadAssignment,
    "secrets": tls.Secret,
}
INSIDE: dict[str, Any] = {
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager": hcm.HttpConnectionManager,
    "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy": cors.CorsPolicy,
    "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy": tcp_proxy.TcpProxy,
    "type.googleapis.com/envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig": udp_proxy.UdpProxyConfig,
    "type.googleapis.com/envoy.extensions.filters.udp.udp_proxy.v3.Route": udp_proxy.Route,
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext": tls.UpstreamTlsContext,
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext": tls.DownstreamTlsContext,
}
YOUNGER = {("RetryPolicy", b"p\x01")}  # refresh_cluster_on_retry: in Envoy 1.40, and not in the API that this reader knows


def unknown_fields(kind: str, body: bytes) -> list[tuple[str, bytes]]:
    """The bytes that this reader cannot place, in the message and in the messages packed inside, with the message's type."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fields with a younger form; the pinned Envoy reads both
        return [one for one in _unknown(READERS[kind].parse(body)) if one not in YOUNGER]


def _unknown(message: Any) -> Iterator[tuple[str, bytes]]:
    if left := getattr(message, "_unknown_fields", b""):
        yield type(message).__name__, left
    if type(message).__name__ == "Any" and message.type_url in INSIDE:
        yield from _unknown(INSIDE[message.type_url].parse(message.value))
    for field in fields(message):
        value = getattr(message, field.name)
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]:
            if is_dataclass(item):
                yield from _unknown(item)
