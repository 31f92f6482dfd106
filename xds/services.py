"""The gRPC methods by which discovery is asked for: one service for all types, and one for each. Data only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from xds.kinds import CLUSTER, ENDPOINT, EXTENSION, LISTENER, ROUTE, RUNTIME, SCOPE, SECRET, VIRTUAL_HOST, Variant

_PREFIX = "envoy.service."


class Method(NamedTuple):
    service: str
    name: str
    variant: Variant
    type_url: str  # the one type it is for; empty: any

    @property
    def path(self) -> str:
        return f"/{self.service}/{self.name}"


class _Service(NamedTuple):
    """Its methods are `Stream<what>` and `Delta<what>`."""

    name: str
    what: str
    type_url: str
    variants: tuple[Variant, ...] = (Variant.SOTW, Variant.DELTA)


_SERVICES = (
    _Service("listener.v3.ListenerDiscoveryService", "Listeners", LISTENER.type_url),
    _Service("route.v3.RouteDiscoveryService", "Routes", ROUTE.type_url),
    _Service("route.v3.ScopedRoutesDiscoveryService", "ScopedRoutes", SCOPE.type_url),
    _Service("route.v3.VirtualHostDiscoveryService", "VirtualHosts", VIRTUAL_HOST.type_url, (Variant.DELTA,)),
    _Service("cluster.v3.ClusterDiscoveryService", "Clusters", CLUSTER.type_url),
    _Service("endpoint.v3.EndpointDiscoveryService", "Endpoints", ENDPOINT.type_url),
    _Service("secret.v3.SecretDiscoveryService", "Secrets", SECRET.type_url),
    _Service("runtime.v3.RuntimeDiscoveryService", "Runtime", RUNTIME.type_url),
    _Service("extension.v3.ExtensionConfigDiscoveryService", "ExtensionConfigs", EXTENSION.type_url),
)
_VERBS = {Variant.SOTW: "Stream", Variant.DELTA: "Delta"}
_AGGREGATED = _PREFIX + "discovery.v3.AggregatedDiscoveryService"
DELTA_ADS = Method(_AGGREGATED, "DeltaAggregatedResources", Variant.DELTA, "")
SOTW_ADS = Method(_AGGREGATED, "StreamAggregatedResources", Variant.SOTW, "")


def _methods() -> Iterator[Method]:
    yield from (DELTA_ADS, SOTW_ADS)
    for service in _SERVICES:
        for variant in service.variants:
            yield Method(_PREFIX + service.name, _VERBS[variant] + service.what, variant, service.type_url)


METHODS = tuple(_methods())
