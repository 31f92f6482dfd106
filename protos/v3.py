"""The one door to generated code: the Envoy messages that Pointsman builds and reads, under their own names.

Knows where generated modules live, and nothing of what is put into them. A name that Envoy uses twice gets its package
in front (`ListenerMessage`-like inventions are avoided: `ClusterResource` does not exist, `Cluster` does).
"""

from __future__ import annotations

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from protos.envoy.config.cluster.v3.cluster_pb2 import Cluster
from protos.envoy.config.core.v3.address_pb2 import Address, SocketAddress
from protos.envoy.config.core.v3.config_source_pb2 import AggregatedConfigSource, ConfigSource
from protos.envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from protos.envoy.config.listener.v3.listener_pb2 import Listener
from protos.envoy.config.route.v3.route_components_pb2 import Route, VirtualHost
from protos.envoy.config.route.v3.route_pb2 import RouteConfiguration
from protos.envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from protos.envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret
from protos.envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    DiscoveryRequest,
    DiscoveryResponse,
)

__all__ = [
    "Address", "AggregatedConfigSource", "Any", "Cluster", "ClusterLoadAssignment", "ConfigSource", "DeltaDiscoveryRequest",
    "DeltaDiscoveryResponse", "DiscoveryRequest", "DiscoveryResponse", "Duration", "Listener", "Message", "Route", "RouteConfiguration",
    "ScopedRouteConfiguration", "Secret", "SocketAddress", "VirtualHost", "data", "framed", "pack", "type_url",
]  # fmt: skip


def data(message: Message) -> bytes:
    """The message's bytes, always the same for the same content: versions are hashes of them."""
    return message.SerializeToString(deterministic=True)


def type_url(kind: type[Message]) -> str:
    return f"type.googleapis.com/{kind.DESCRIPTOR.full_name}"


def pack(message: Message) -> Any:
    """The message inside an Any, as every `typed_config` wants it."""
    return Any(type_url=f"type.googleapis.com/{message.DESCRIPTOR.full_name}", value=data(message))


def framed(field: int, body: bytes) -> bytes:
    """One element of a repeated message field, ready to be joined to others: a message is its fields one after the other."""
    head, size = bytearray((field << 3 | 2,)), len(body)
    while size > 127:
        head.append(size & 127 | 128)
        size >>= 7
    head.append(size)
    return bytes(head) + body
