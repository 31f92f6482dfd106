"""GRPCRoute as users write it. Source: Gateway API v1.6.1, `apis/v1/grpcroute_types.go`. Filters and backends are those of HTTPRoute."""

from __future__ import annotations

from msgspec import field

from translator.resources.httproute import BackendRef, NamedMatch, ParentReference, RouteFilter
from translator.resources.meta import Object, Value
from translator.resources.persistence import SessionPersistence


class MethodMatch(Value, frozen=True, gc=False, kw_only=True):
    """Empty parts match anything; the CRD demands one of them."""

    type: str = "Exact"  # Exact | RegularExpression
    service: str = ""
    method: str = ""


class GRPCRouteMatch(Value, frozen=True, gc=False, kw_only=True):
    method: MethodMatch | None = None
    headers: tuple[NamedMatch, ...] = ()


class GRPCRouteRule(Value, frozen=True, gc=False, kw_only=True):
    name: str = ""
    matches: tuple[GRPCRouteMatch, ...] = ()
    filters: tuple[RouteFilter, ...] = ()
    backend_refs: tuple[BackendRef, ...] = ()
    session_persistence: SessionPersistence | None = None


class GRPCRouteSpec(Value, frozen=True, gc=False, kw_only=True):
    parent_refs: tuple[ParentReference, ...] = ()
    hostnames: tuple[str, ...] = ()
    rules: tuple[GRPCRouteRule, ...] = ()
    use_default_gateways: str = ""


class GRPCRoute(Object, frozen=True, gc=False, kw_only=True):
    spec: GRPCRouteSpec = field(default_factory=GRPCRouteSpec)
