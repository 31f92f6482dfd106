"""One message that breaks each kind of rule, and one like it that does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from protos.envoy.config.accesslog.v3.accesslog_pb2 import GrpcStatusFilter, ResponseFlagFilter
from protos.envoy.config.cluster.v3.cluster_pb2 import Cluster
from protos.envoy.config.common.matcher.v3.matcher_pb2 import HttpGenericBodyMatch
from protos.envoy.config.core.v3.address_pb2 import SocketAddress
from protos.envoy.config.core.v3.backoff_pb2 import BackoffStrategy
from protos.envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption, Metadata
from protos.envoy.config.core.v3.config_source_pb2 import RateLimitSettings
from protos.envoy.config.core.v3.extension_pb2 import TypedExtensionConfig
from protos.envoy.config.core.v3.health_check_pb2 import HealthCheck
from protos.envoy.config.core.v3.protocol_pb2 import (
    QuicKeepAliveSettings,
    QuicProtocolOptions,
    SchemeHeaderTransformation,
    UpstreamHttpProtocolOptions,
)
from protos.envoy.config.core.v3.proxy_protocol_pb2 import ProxyProtocolPassThroughTLVs
from protos.envoy.config.core.v3.udp_socket_config_pb2 import UdpSocketConfig
from protos.envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from protos.envoy.config.listener.v3.listener_components_pb2 import FilterChainMatch, ListenerFilterChainMatchPredicate
from protos.envoy.config.route.v3.route_components_pb2 import (
    DirectResponseAction,
    InternalRedirectPolicy,
    RateLimit,
    RetryPolicy,
    Route,
    RouteAction,
    RouteMatch,
    VirtualHost,
    WeightedCluster,
)
from protos.envoy.extensions.filters.common.fault.v3.fault_pb2 import FaultRateLimit
from protos.envoy.extensions.filters.http.router.v3.router_pb2 import Router
from protos.envoy.extensions.transport_sockets.tls.v3.common_pb2 import CertificateValidationContext
from protos.envoy.extensions.transport_sockets.tls.v3.tls_pb2 import DownstreamTlsContext
from protos.envoy.type.v3.percent_pb2 import Percent
from protos.v3 import pack
from protos.xds.type.matcher.v3.matcher_pb2 import Matcher


@dataclass(frozen=True)
class Case:
    """`broken` breaks one rule, at `path` and by that name; `sound` breaks none. `kind` says where the rule stands too."""

    kind: str
    broken: Message
    sound: Message
    path: str
    rule: str = ""

    @property
    def name(self) -> str:
        return self.rule or ".".join(self.kind.split(".")[-2:])


def _filter(**kwargs: Any) -> FilterChainMatch:
    return FilterChainMatch(**kwargs)


def _address(**kwargs: Any) -> SocketAddress:
    return SocketAddress(**({"address": "127.0.0.1", "port_value": 80} | kwargs))


def _hosts(*domains: str) -> VirtualHost:
    return VirtualHost(name="h", domains=domains)


def _preconnect(ratio: float) -> Cluster.PreconnectPolicy:
    return Cluster.PreconnectPolicy(per_upstream_preconnect_ratio={"value": ratio})


def _removing(name: str) -> Route:
    return Route(match={"prefix": "/"}, redirect={}, request_headers_to_remove=[name])


def _adding(number: int) -> WeightedCluster.ClusterWeight:
    return WeightedCluster.ClusterWeight(name="c", request_headers_to_add=[HeaderValueOption(header=HeaderValue(key="a"))] * number)


def _keep_alive(nanos: int) -> QuicKeepAliveSettings:
    return QuicKeepAliveSettings(initial_interval={"nanos": nanos})


def _spki(length: int) -> CertificateValidationContext:
    return CertificateValidationContext(verify_certificate_spki=["x" * length])


def _session(seconds: int) -> DownstreamTlsContext:
    return DownstreamTlsContext(session_timeout={"seconds": seconds})


def _tlvs(kind: int) -> ProxyProtocolPassThroughTLVs:
    return ProxyProtocolPassThroughTLVs(tlv_type=[kind])


def _datagram(size: int) -> UdpSocketConfig:
    return UdpSocketConfig(max_rx_datagram_size={"value": size})


def _ring(size: int) -> Cluster.RingHashLbConfig:
    return Cluster.RingHashLbConfig(minimum_ring_size={"value": size})


def _sni(header: str) -> UpstreamHttpProtocolOptions:
    return UpstreamHttpProtocolOptions(override_auto_sni_header=header)


def _format(text: str) -> RateLimit.HitsAddend:
    return RateLimit.HitsAddend(format=text)


def _http_check(method: int) -> HealthCheck.HttpHealthCheck:
    return HealthCheck.HttpHealthCheck(path="/", method=method)


def _policy(factor: int) -> ClusterLoadAssignment.Policy:
    return ClusterLoadAssignment.Policy(overprovisioning_factor={"value": factor})


def _backoff(**interval: int) -> RetryPolicy.RetryBackOff:
    return RetryPolicy.RetryBackOff(base_interval=interval)


def _waiting(**timeout: int) -> RouteAction:
    return RouteAction(cluster="c", timeout=timeout)


def _idle(**timeout: int) -> QuicProtocolOptions:
    return QuicProtocolOptions(idle_network_timeout=timeout)


def _copying(*headers: str) -> InternalRedirectPolicy:
    return InternalRedirectPolicy(response_headers_to_copy=headers)


def _scheme(name: str) -> SchemeHeaderTransformation:
    return SchemeHeaderTransformation(scheme_to_overwrite=name)


_BODY = HttpGenericBodyMatch.GenericTextMatch
_LIMIT = FaultRateLimit.FixedLimit
_MAP = Matcher.MatcherTree.MatchMap
_ON_MATCH = {"map": {"a": {"action": {"name": "a", "typed_config": pack(Router())}}}}

CASES = (
    Case("any.required", TypedExtensionConfig(name="x"), TypedExtensionConfig(name="x", typed_config=pack(Router())), "typed_config"),
    Case("bool.const", ListenerFilterChainMatchPredicate(any_match=False), ListenerFilterChainMatchPredicate(any_match=True), "any_match"),
    Case("bytes.max_len", HeaderValue(key="a", raw_value=b"x" * 16385), HeaderValue(key="a", raw_value=b"x" * 16384), "raw_value"),
    Case("bytes.min_len", _BODY(binary_match=b""), _BODY(binary_match=b"\xff"), "binary_match"),
    Case("double.gt", RateLimitSettings(fill_rate={"value": 0}), RateLimitSettings(fill_rate={"value": 0.1}), "fill_rate"),
    Case("double.gte", Percent(value=-0.1), Percent(value=0), "value"),
    Case("double.gte", _preconnect(0.9), _preconnect(1), "per_upstream_preconnect_ratio"),
    Case("double.lte", Percent(value=100.1), Percent(value=100), "value"),
    Case("duration.gt", _backoff(), _backoff(nanos=1), "base_interval"),
    Case("duration.gte", _idle(nanos=5), _idle(seconds=1), "idle_network_timeout"),
    Case("duration.gte", _keep_alive(1), _keep_alive(0), "initial_interval", "duration.outside"),
    Case("duration.lte", _keep_alive(999_999), _keep_alive(1_000_000), "initial_interval", "duration.outside"),
    Case("duration.lt", _session(2**32), _session(2**32 - 1), "session_timeout"),
    Case("duration.gt", _waiting(seconds=9_223_372_036), _waiting(seconds=9_223_372_035), "timeout", "duration.range"),
    Case("duration.gt", _waiting(nanos=10**9), _waiting(nanos=10**9 - 1), "timeout", "duration.range"),
    Case("duration.gt", _waiting(nanos=-1), _waiting(), "timeout", "duration.range"),
    Case("duration.required", BackoffStrategy(), BackoffStrategy(base_interval={"seconds": 1}), "base_interval"),
    Case("enum.defined_only", _address(protocol=9), _address(protocol=1), "protocol"),
    Case("enum.not_in", _http_check(6), _http_check(1), "method"),
    Case("map.keys.string.min_len", Metadata(filter_metadata={"": {}}), Metadata(filter_metadata={"a": {}}), "filter_metadata[]"),
    Case("map.min_pairs", _MAP(), _MAP(**_ON_MATCH), "map"),
    Case("message.required", Route(redirect={}), Route(redirect={}, match={"prefix": "/"}), "match"),
    Case("oneof.required", RouteMatch(), RouteMatch(prefix=""), "path_specifier"),
    Case("repeated.items.enum.defined_only", GrpcStatusFilter(statuses=[0, 99]), GrpcStatusFilter(statuses=[0, 16]), "statuses[1]"),
    Case("repeated.items.string.in", ResponseFlagFilter(flags=["UH", "uh"]), ResponseFlagFilter(flags=["UH"]), "flags[1]"),
    Case("repeated.items.string.max_bytes", _spki(45), _spki(44), "verify_certificate_spki[0]"),
    Case("repeated.items.string.min_len", _removing(""), _removing("a"), "request_headers_to_remove[0]"),
    Case("repeated.items.string.strict", _hosts("a\nb"), _hosts("a\tb"), "domains[0]", "string.well_known_regex"),
    Case("repeated.items.string.well_known_regex", _hosts("a", "b\0"), _hosts("a", "b"), "domains[1]"),
    Case("repeated.items.uint32.gte", _filter(source_ports=[1, 0]), _filter(source_ports=[1]), "source_ports[1]"),
    Case("repeated.items.uint32.lt", _tlvs(256), _tlvs(255), "tlv_type[0]"),
    Case("repeated.items.uint32.lte", _filter(source_ports=[65536]), _filter(source_ports=[65535]), "source_ports[0]"),
    Case("repeated.max_items", _adding(1001), _adding(1000), "request_headers_to_add"),
    Case("repeated.min_items", _hosts(), _hosts("a"), "domains"),
    Case("repeated.unique", _copying("a", "b", "a"), _copying("a", "b"), "response_headers_to_copy"),
    Case("string.ignore_empty", _format("%a"), _format(""), "format", "string.suffix"),
    Case("string.in", _scheme("ftp"), _scheme("http"), "scheme_to_overwrite"),
    Case("string.max_bytes", HeaderValue(key="ä" * 8193), HeaderValue(key="ä" * 8192), "key"),
    Case("string.min_len", _address(address=""), _address(address="a"), "address"),
    Case("string.pattern", RouteMatch(path_separated_prefix="/a/"), RouteMatch(path_separated_prefix="/a"), "path_separated_prefix"),
    Case("string.pattern", RouteMatch(path_separated_prefix="/a?b"), RouteMatch(path_separated_prefix="/ä\nb"), "path_separated_prefix"),
    Case("string.prefix", _format("a%"), _format("%a%"), "format"),
    Case("string.strict", HeaderValue(key="a\rb"), HeaderValue(key="a b"), "key", "string.well_known_regex"),
    Case("string.suffix", _format("%a"), _format("%"), "format"),
    Case("string.well_known_regex", _sni("a b"), _sni("a-b"), "override_auto_sni_header"),
    Case("uint32.gt", _policy(0), _policy(1), "overprovisioning_factor"),
    Case("uint32.gte", _filter(destination_port={}), _filter(destination_port={"value": 1}), "destination_port"),
    Case("uint32.lt", DirectResponseAction(status=600), DirectResponseAction(status=599), "status"),
    Case("uint32.lte", _address(port_value=65536), _address(port_value=65535), "port_value"),
    Case("uint64.gt", _datagram(0), _datagram(1), "max_rx_datagram_size"),
    Case("uint64.gte", _LIMIT(), _LIMIT(limit_kbps=1), "limit_kbps"),
    Case("uint64.lt", _datagram(65536), _datagram(65535), "max_rx_datagram_size"),
    Case("uint64.lte", _ring(8_388_609), _ring(8_388_608), "minimum_ring_size"),
)
