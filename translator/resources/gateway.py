"""GatewayClass, Gateway and ReferenceGrant as users write them. Source: Gateway API v1.6.1, `apis/v1`."""

from __future__ import annotations

from msgspec import field

from translator.resources.meta import LabelSelector, LocalReference, Object, Value


class GatewayClassSpec(Value, frozen=True, gc=False, kw_only=True):
    controller_name: str
    parameters_ref: LocalReference | None = None


class GatewayClass(Object, frozen=True, gc=False, kw_only=True):
    spec: GatewayClassSpec


class RouteNamespaces(Value, frozen=True, gc=False, kw_only=True):
    from_: str = field(default="Same", name="from")  # All | Selector | Same
    selector: LabelSelector | None = None


class RouteGroupKind(Value, frozen=True, gc=False, kw_only=True):
    kind: str
    group: str = "gateway.networking.k8s.io"


class AllowedRoutes(Value, frozen=True, gc=False, kw_only=True):
    namespaces: RouteNamespaces = RouteNamespaces()
    kinds: tuple[RouteGroupKind, ...] = ()


class ListenerTLS(Value, frozen=True, gc=False, kw_only=True):
    mode: str = "Terminate"  # Terminate | Passthrough
    certificate_refs: tuple[LocalReference, ...] = ()
    options: dict[str, str] = field(default_factory=dict)


class Listener(Value, frozen=True, gc=False, kw_only=True):
    name: str
    port: int
    protocol: str
    hostname: str = ""
    tls: ListenerTLS | None = None
    allowed_routes: AllowedRoutes = AllowedRoutes()


class GatewayAddress(Value, frozen=True, gc=False, kw_only=True):
    type: str = "IPAddress"
    value: str = ""


class GatewayInfrastructure(Value, frozen=True, gc=False, kw_only=True):
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    parameters_ref: LocalReference | None = None


class ListenerNamespaces(Value, frozen=True, gc=False, kw_only=True):
    from_: str = field(default="None", name="from")  # All | Selector | Same | None
    selector: LabelSelector | None = None


class AllowedListeners(Value, frozen=True, gc=False, kw_only=True):
    namespaces: ListenerNamespaces = ListenerNamespaces()


class FrontendValidation(Value, frozen=True, gc=False, kw_only=True):
    ca_certificate_refs: tuple[LocalReference, ...] = ()
    mode: str = "AllowValidOnly"  # or AllowInsecureFallback


class FrontendTLS(Value, frozen=True, gc=False, kw_only=True):
    validation: FrontendValidation | None = None


class PortTLS(Value, frozen=True, gc=False, kw_only=True):
    port: int
    tls: FrontendTLS = FrontendTLS()


class GatewayFrontend(Value, frozen=True, gc=False, kw_only=True):
    """What clients must show: at each port what `per_port` says of it, else the default."""

    default: FrontendTLS = FrontendTLS()
    per_port: tuple[PortTLS, ...] = ()


class GatewayBackend(Value, frozen=True, gc=False, kw_only=True):
    client_certificate_ref: LocalReference | None = None


class GatewayTLS(Value, frozen=True, gc=False, kw_only=True):
    frontend: GatewayFrontend | None = None
    backend: GatewayBackend | None = None


class GatewaySpec(Value, frozen=True, gc=False, kw_only=True):
    """With `default_scope` `All` it is a default Gateway: routes that want one are its routes (GEP-3793)."""

    gateway_class_name: str
    listeners: tuple[Listener, ...] = ()
    addresses: tuple[GatewayAddress, ...] = ()
    infrastructure: GatewayInfrastructure | None = None
    allowed_listeners: AllowedListeners | None = None
    tls: GatewayTLS | None = None
    default_scope: str = ""


class Gateway(Object, frozen=True, gc=False, kw_only=True):
    spec: GatewaySpec


class GrantFrom(Value, frozen=True, gc=False, kw_only=True):
    group: str
    kind: str
    namespace: str


class GrantTo(Value, frozen=True, gc=False, kw_only=True):
    group: str
    kind: str
    name: str = ""  # empty: every object of that kind in the grant's namespace


class ReferenceGrantSpec(Value, frozen=True, gc=False, kw_only=True):
    from_: tuple[GrantFrom, ...] = field(default=(), name="from")
    to: tuple[GrantTo, ...] = ()


class ReferenceGrant(Object, frozen=True, gc=False, kw_only=True):
    spec: ReferenceGrantSpec
