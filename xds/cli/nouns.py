"""The kinds as people type them: `httproute`, `routes`, `gw`, `svc/shop`. As kubectl has them."""

from __future__ import annotations

from dataclasses import dataclass

from xds.cli.output import Exit, meant

KINDS = {
    "GatewayClass": ("gatewayclass", "gatewayclasses", "gc"),
    "Gateway": ("gateway", "gateways", "gtw", "gw"),
    "ListenerSet": ("listenerset", "listenersets", "ls"),
    "GRPCRoute": ("grpcroute", "grpcroutes"),
    "HTTPRoute": ("httproute", "httproutes", "route", "routes"),
    "TLSRoute": ("tlsroute", "tlsroutes"),
    "TCPRoute": ("tcproute", "tcproutes"),
    "UDPRoute": ("udproute", "udproutes"),
    "ReferenceGrant": ("referencegrant", "referencegrants", "refgrant"),
    "Namespace": ("namespace", "namespaces", "ns"),
    "Service": ("service", "services", "svc"),
    "EndpointSlice": ("endpointslice", "endpointslices"),
    "Secret": ("secret", "secrets"),
    "ConfigMap": ("configmap", "configmaps", "cm"),
    "BackendTLSPolicy": ("backendtlspolicy", "backendtlspolicies", "btlspolicy"),
    "XBackendTrafficPolicy": ("xbackendtrafficpolicy", "xbackendtrafficpolicies", "xbtrafficpolicy"),
    "Backend": ("backend", "backends"),
    "Sandbox": ("sandbox", "sandboxes", "sb"),
    "RouteGroup": ("routegroup", "routegroups", "rg"),
    "LocalWorkload": ("localworkload", "localworkloads", "lw"),
    "EnvoyProxy": ("envoyproxy", "envoyproxies", "pmproxy"),
}
_BY_WORD = {word: kind for kind, words in KINDS.items() for word in words}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which objects. Empty parts match everything."""

    kind: str = ""
    name: str = ""
    namespace: str = ""

    def matches(self, kind: str, namespace: str, name: str) -> bool:
        return self.kind in ("", kind) and self.name in ("", name) and self.namespace in ("", namespace)


def wanted(word: str, namespace: str = "") -> Wanted:
    """`KIND` or `KIND/NAME`. Exits with a suggestion where there is no such kind."""
    kind, _, name = word.partition("/")
    found = _BY_WORD.get(kind.lower())
    if found is None:
        raise Exit(2, f'there is no folder, file or kind "{word}".{meant(kind, list(_BY_WORD))}')
    return Wanted(found, name, namespace)
