"""The input tables: one for each kind that users write, by key `namespace/name`."""

from __future__ import annotations

from translator.engine import Table
from translator.resources.backend import Backend
from translator.resources.backendtlspolicy import BackendTLSPolicy
from translator.resources.backendtrafficpolicy import XBackendTrafficPolicy
from translator.resources.core import ConfigMap, EndpointSlice, Namespace, Secret, Service
from translator.resources.envoyproxy import EnvoyProxy
from translator.resources.gateway import Gateway, GatewayClass, ReferenceGrant
from translator.resources.grpcroute import GRPCRoute
from translator.resources.httproute import HTTPRoute
from translator.resources.listenerset import ListenerSet
from translator.resources.localworkload import LocalWorkload
from translator.resources.meta import Object
from translator.resources.sandbox import RouteGroup, Sandbox
from translator.resources.streamroute import TCPRoute, TLSRoute, UDPRoute

GATEWAY_CLASS = Table[str, GatewayClass]("GatewayClass")
GATEWAY = Table[str, Gateway]("Gateway")
LISTENER_SET = Table[str, ListenerSet]("ListenerSet")
HTTP_ROUTE = Table[str, HTTPRoute]("HTTPRoute")
GRPC_ROUTE = Table[str, GRPCRoute]("GRPCRoute")
TLS_ROUTE = Table[str, TLSRoute]("TLSRoute")
TCP_ROUTE = Table[str, TCPRoute]("TCPRoute")
UDP_ROUTE = Table[str, UDPRoute]("UDPRoute")
REFERENCE_GRANT = Table[str, ReferenceGrant]("ReferenceGrant")
NAMESPACE = Table[str, Namespace]("Namespace")
SERVICE = Table[str, Service]("Service")
ENDPOINT_SLICE = Table[str, EndpointSlice]("EndpointSlice")
SECRET = Table[str, Secret]("Secret")
CONFIG_MAP = Table[str, ConfigMap]("ConfigMap")
BACKEND_TLS_POLICY = Table[str, BackendTLSPolicy]("BackendTLSPolicy")
BACKEND_TRAFFIC_POLICY = Table[str, XBackendTrafficPolicy]("XBackendTrafficPolicy")
BACKEND = Table[str, Backend]("Backend")
SANDBOX = Table[str, Sandbox]("Sandbox")
ROUTE_GROUP = Table[str, RouteGroup]("RouteGroup")
LOCAL_WORKLOAD = Table[str, LocalWorkload]("LocalWorkload")
ENVOY_PROXY = Table[str, EnvoyProxy]("EnvoyProxy")

OBJECTS: dict[str, Table[str, Object]] = {
    table.name: table  # type: ignore[misc]
    for table in (
        GATEWAY_CLASS,
        GATEWAY,
        LISTENER_SET,
        HTTP_ROUTE,
        GRPC_ROUTE,
        TLS_ROUTE,
        TCP_ROUTE,
        UDP_ROUTE,
        REFERENCE_GRANT,
        NAMESPACE,
        SERVICE,
        ENDPOINT_SLICE,
        SECRET,
        BACKEND,
        SANDBOX,
        ROUTE_GROUP,
        LOCAL_WORKLOAD,
        CONFIG_MAP,
        BACKEND_TLS_POLICY,
        ENVOY_PROXY,
        BACKEND_TRAFFIC_POLICY,
    )
}
