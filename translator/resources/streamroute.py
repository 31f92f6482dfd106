"""TLSRoute, TCPRoute and UDPRoute as users write them. Source: Gateway API v1.6.1, `apis/v1`. All three have one form."""

from __future__ import annotations

from msgspec import field

from translator.resources.httproute import BackendRef, ParentReference
from translator.resources.meta import Object, Value


class StreamRule(Value, frozen=True, gc=False, kw_only=True):
    name: str = ""
    backend_refs: tuple[BackendRef, ...] = ()


class StreamRouteSpec(Value, frozen=True, gc=False, kw_only=True):
    """`hostnames` belong to TLSRoute alone; the CRDs allow one rule."""

    parent_refs: tuple[ParentReference, ...] = ()
    hostnames: tuple[str, ...] = ()
    rules: tuple[StreamRule, ...] = ()
    use_default_gateways: str = ""


class StreamRoute(Object, frozen=True, gc=False, kw_only=True):
    """What the three have alike."""

    spec: StreamRouteSpec = field(default_factory=StreamRouteSpec)


class TLSRoute(StreamRoute, frozen=True, gc=False, kw_only=True):
    """Chosen by the server name of the handshake."""


class TCPRoute(StreamRoute, frozen=True, gc=False, kw_only=True):
    """All connections of a listener."""


class UDPRoute(StreamRoute, frozen=True, gc=False, kw_only=True):
    """All datagrams of a listener."""
