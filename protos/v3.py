"""The one door to generated code: the Envoy messages that Pointsman builds and reads, under their own names.

Knows where generated modules live, and nothing of what is put into them. A name that Envoy uses twice gets its package
in front (`ListenerMessage`-like inventions are avoided: `ClusterResource` does not exist, `Cluster` does).
"""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue

from protos.envoy.admin.v3.config_dump_shared_pb2 import ClientResourceStatus
from protos.envoy.config.accesslog.v3.accesslog_pb2 import AccessLog
from protos.envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from protos.envoy.config.cluster.v3.circuit_breaker_pb2 import CircuitBreakers
from protos.envoy.config.cluster.v3.cluster_pb2 import Cluster
from protos.envoy.config.common.mutation_rules.v3.mutation_rules_pb2 import HeaderMutationRules
from protos.envoy.config.core.v3.address_pb2 import Address, Pipe, SocketAddress
from protos.envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption, Node, RuntimeFractionalPercent
from protos.envoy.config.core.v3.config_source_pb2 import AggregatedConfigSource, ConfigSource
from protos.envoy.config.core.v3.grpc_service_pb2 import GrpcService
from protos.envoy.config.core.v3.http_uri_pb2 import HttpUri
from protos.envoy.config.core.v3.protocol_pb2 import Http2ProtocolOptions, HttpProtocolOptions
from protos.envoy.config.endpoint.v3.endpoint_components_pb2 import Endpoint, LbEndpoint, LocalityLbEndpoints
from protos.envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from protos.envoy.config.endpoint.v3.load_report_pb2 import ClusterStats
from protos.envoy.config.listener.v3.listener_components_pb2 import Filter, FilterChain, FilterChainMatch, ListenerFilter
from protos.envoy.config.listener.v3.listener_pb2 import Listener
from protos.envoy.config.listener.v3.udp_listener_config_pb2 import UdpListenerConfig
from protos.envoy.config.route.v3.route_components_pb2 import (
    DirectResponseAction,
    HeaderMatcher,
    QueryParameterMatcher,
    RedirectAction,
    RetryPolicy,
    Route,
    RouteAction,
    RouteMatch,
    VirtualHost,
    WeightedCluster,
)
from protos.envoy.config.route.v3.route_pb2 import RouteConfiguration
from protos.envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from protos.envoy.extensions.access_loggers.stats.v3.stats_pb2 import Config as StatsLog
from protos.envoy.extensions.common.matching.v3.extension_matcher_pb2 import ExtensionWithMatcher, ExtensionWithMatcherPerRoute
from protos.envoy.extensions.dynamic_modules.v3.dynamic_modules_pb2 import DynamicModuleConfig
from protos.envoy.extensions.filters.common.matcher.action.v3.skip_action_pb2 import SkipFilter
from protos.envoy.extensions.filters.http.composite.v3.composite_pb2 import Composite, ExecuteFilterAction
from protos.envoy.extensions.filters.http.cors.v3.cors_pb2 import Cors, CorsPolicy
from protos.envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import AuthorizationResponse, ExtAuthz
from protos.envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import HttpService as ExtAuthzHttpService
from protos.envoy.extensions.filters.http.header_mutation.v3.header_mutation_pb2 import HeaderMutation
from protos.envoy.extensions.filters.http.router.v3.router_pb2 import Router
from protos.envoy.extensions.filters.http.stateful_session.v3.stateful_session_pb2 import StatefulSession, StatefulSessionPerRoute
from protos.envoy.extensions.filters.http.upstream_codec.v3.upstream_codec_pb2 import UpstreamCodec
from protos.envoy.extensions.filters.listener.http_inspector.v3.http_inspector_pb2 import HttpInspector
from protos.envoy.extensions.filters.listener.original_dst.v3.original_dst_pb2 import OriginalDst
from protos.envoy.extensions.filters.listener.tls_inspector.v3.tls_inspector_pb2 import TlsInspector
from protos.envoy.extensions.filters.network.connection_limit.v3.connection_limit_pb2 import ConnectionLimit
from protos.envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
    HttpFilter,
    Rds,
    ScopedRds,
    ScopedRoutes,
)
from protos.envoy.extensions.filters.network.tcp_proxy.v3.tcp_proxy_pb2 import TcpProxy
from protos.envoy.extensions.filters.udp.udp_proxy.v3.route_pb2 import Route as UdpRoute
from protos.envoy.extensions.filters.udp.udp_proxy.v3.udp_proxy_pb2 import UdpProxyConfig
from protos.envoy.extensions.http.early_header_mutation.dynamic_modules.v3.dynamic_modules_pb2 import DynamicModuleEarlyHeaderMutation
from protos.envoy.extensions.http.stateful_session.cookie.v3.cookie_pb2 import CookieBasedSessionState
from protos.envoy.extensions.http.stateful_session.header.v3.header_pb2 import HeaderBasedSessionState
from protos.envoy.extensions.router.cluster_specifiers.dynamic_modules.v3.dynamic_modules_pb2 import DynamicModuleClusterSpecifier
from protos.envoy.extensions.transport_sockets.tls.v3.common_pb2 import (
    CertificateValidationContext,
    SubjectAltNameMatcher,
    TlsCertificate,
    TlsParameters,
)
from protos.envoy.extensions.transport_sockets.tls.v3.secret_pb2 import SdsSecretConfig, Secret
from protos.envoy.extensions.transport_sockets.tls.v3.tls_pb2 import CommonTlsContext, DownstreamTlsContext, UpstreamTlsContext
from protos.envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions as UpstreamHttpProtocolOptions
from protos.envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    DiscoveryRequest,
    DiscoveryResponse,
    Resource,
)
from protos.envoy.service.load_stats.v3.lrs_pb2 import LoadStatsRequest, LoadStatsResponse
from protos.envoy.service.status.v3.csds_pb2 import ClientConfig, ClientStatusRequest, ClientStatusResponse, ConfigStatus
from protos.envoy.type.http.v3.cookie_pb2 import Cookie
from protos.envoy.type.matcher.v3.http_inputs_pb2 import HttpRequestHeaderMatchInput
from protos.envoy.type.matcher.v3.node_pb2 import NodeMatcher
from protos.envoy.type.matcher.v3.regex_pb2 import RegexMatchAndSubstitute, RegexMatcher
from protos.envoy.type.matcher.v3.string_pb2 import ListStringMatcher, StringMatcher
from protos.envoy.type.matcher.v3.struct_pb2 import StructMatcher
from protos.envoy.type.matcher.v3.value_pb2 import ValueMatcher
from protos.envoy.type.v3.percent_pb2 import FractionalPercent
from protos.opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from protos.opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, HistogramDataPoint, Metric, NumberDataPoint
from protos.validate import validate_pb2 as validate
from protos.validate.validate_pb2 import FieldRules, KnownRegex, MapRules, RepeatedRules
from protos.xds.core.v3.extension_pb2 import TypedExtensionConfig
from protos.xds.type.matcher.v3.matcher_pb2 import Matcher

__all__ = [
    "AccessLog",
    "Address",
    "AggregatedConfigSource",
    "AggregationTemporality",
    "Any",
    "AuthorizationResponse",
    "Bootstrap",
    "CertificateValidationContext",
    "CircuitBreakers",
    "ClientConfig",
    "ClientResourceStatus",
    "ClientStatusRequest",
    "ClientStatusResponse",
    "Cluster",
    "ClusterLoadAssignment",
    "ClusterStats",
    "CommonTlsContext",
    "Composite",
    "ConfigSource",
    "ConfigStatus",
    "ConnectionLimit",
    "Cookie",
    "CookieBasedSessionState",
    "Cors",
    "CorsPolicy",
    "DeltaDiscoveryRequest",
    "DeltaDiscoveryResponse",
    "DirectResponseAction",
    "DiscoveryRequest",
    "DiscoveryResponse",
    "DownstreamTlsContext",
    "Duration",
    "DynamicModuleClusterSpecifier",
    "DynamicModuleConfig",
    "DynamicModuleEarlyHeaderMutation",
    "Endpoint",
    "ExecuteFilterAction",
    "ExportMetricsServiceRequest",
    "ExtAuthz",
    "ExtAuthzHttpService",
    "ExtensionWithMatcher",
    "ExtensionWithMatcherPerRoute",
    "FieldRules",
    "Filter",
    "FilterChain",
    "FilterChainMatch",
    "FractionalPercent",
    "GrpcService",
    "HeaderBasedSessionState",
    "HeaderMatcher",
    "HeaderMutation",
    "HeaderMutationRules",
    "HeaderValue",
    "HeaderValueOption",
    "HistogramDataPoint",
    "Http2ProtocolOptions",
    "HttpConnectionManager",
    "HttpFilter",
    "HttpInspector",
    "HttpProtocolOptions",
    "HttpRequestHeaderMatchInput",
    "HttpUri",
    "KnownRegex",
    "LbEndpoint",
    "ListStringMatcher",
    "Listener",
    "ListenerFilter",
    "LoadStatsRequest",
    "LoadStatsResponse",
    "LocalityLbEndpoints",
    "MapRules",
    "Matcher",
    "Message",
    "Metric",
    "Node",
    "NodeMatcher",
    "NumberDataPoint",
    "OriginalDst",
    "Pipe",
    "QueryParameterMatcher",
    "Rds",
    "RedirectAction",
    "RegexMatchAndSubstitute",
    "RegexMatcher",
    "RepeatedRules",
    "Resource",
    "RetryPolicy",
    "Route",
    "RouteAction",
    "RouteConfiguration",
    "RouteMatch",
    "Router",
    "RuntimeFractionalPercent",
    "ScopedRds",
    "ScopedRouteConfiguration",
    "ScopedRoutes",
    "SdsSecretConfig",
    "Secret",
    "SkipFilter",
    "SocketAddress",
    "StatefulSession",
    "StatefulSessionPerRoute",
    "StatsLog",
    "StringMatcher",
    "StringValue",
    "StructMatcher",
    "SubjectAltNameMatcher",
    "TcpProxy",
    "TlsCertificate",
    "TlsInspector",
    "TlsParameters",
    "TypedExtensionConfig",
    "UdpListenerConfig",
    "UdpProxyConfig",
    "UdpRoute",
    "UpstreamCodec",
    "UpstreamHttpProtocolOptions",
    "UpstreamTlsContext",
    "ValueMatcher",
    "VirtualHost",
    "WeightedCluster",
    "data",
    "framed",
    "milliseconds",
    "opening",
    "pack",
    "type_url",
    "unframed",
    "validate",
]


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
    size = len(body)
    if size < 128:
        return bytes((field << 3 | 2, size)) + body
    return opening(field, size) + body


def opening(field: int, size: int) -> bytes:
    """What stands before an element of that many bytes."""
    head = bytearray((field << 3 | 2,))
    while size > 127:
        head.append(size & 127 | 128)
        size >>= 7
    head.append(size)
    return bytes(head)


def unframed(body: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """The fields of a message as they stand there: number, all bytes of the field, and what a `framed` one holds.

    ValueError where the bytes are no message.
    """
    at = 0
    while at < len(body):
        start = at
        tag, at = _varint(body, at)
        size = 0
        match tag & 7:
            case 0:
                _, at = _varint(body, at)
            case 2:
                size, at = _varint(body, at)
            case 1 | 5 as wire:
                size = 8 if wire == 1 else 4
            case wire:
                raise ValueError(f"wire type {wire}")
        at += size
        if at > len(body):
            raise ValueError("a field ends after the message")
        yield tag >> 3, body[start:at], body[at - size : at]


def _varint(body: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(body) and shift < 64:
        byte = body[at]
        number, shift, at = number | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return number, at
    raise ValueError("a number without end")


def milliseconds(value: int) -> Duration:
    return Duration(seconds=value // 1000, nanos=value % 1000 * 1_000_000)
