"""HTTPRoute as users write it. Source: Gateway API v1.6.1, `apis/v1/httproute_types.go`.

Filters are read as one struct with a field for each type, as the API has them; which field counts is said by `type`.
What we know of and do not serve is kept as a raw value, so that it can be refused by name, never ignored.
"""

from __future__ import annotations

from typing import Any

from msgspec import field

from translator.resources.meta import Object, Value
from translator.resources.persistence import SessionPersistence


class ParentReference(Value, frozen=True, gc=False, kw_only=True):
    name: str
    group: str = "gateway.networking.k8s.io"
    kind: str = "Gateway"
    namespace: str = ""
    section_name: str = ""
    port: int = 0


class PathMatch(Value, frozen=True, gc=False, kw_only=True):
    type: str = "PathPrefix"  # Exact | PathPrefix | RegularExpression
    value: str = "/"


class NamedMatch(Value, frozen=True, gc=False, kw_only=True):
    """A header or a query parameter."""

    name: str
    value: str
    type: str = "Exact"  # Exact | RegularExpression


class RouteMatch(Value, frozen=True, gc=False, kw_only=True):
    path: PathMatch = PathMatch()
    headers: tuple[NamedMatch, ...] = ()
    query_params: tuple[NamedMatch, ...] = ()
    method: str = ""


class Header(Value, frozen=True, gc=False, kw_only=True):
    name: str
    value: str


class HeaderFilter(Value, frozen=True, gc=False, kw_only=True):
    set: tuple[Header, ...] = ()
    add: tuple[Header, ...] = ()
    remove: tuple[str, ...] = ()


class PathModifier(Value, frozen=True, gc=False, kw_only=True):
    type: str  # ReplaceFullPath | ReplacePrefixMatch
    replace_full_path: str | None = None
    replace_prefix_match: str | None = None


class RequestRedirect(Value, frozen=True, gc=False, kw_only=True):
    scheme: str = ""
    hostname: str = ""
    path: PathModifier | None = None
    port: int = 0
    status_code: int = 302


class URLRewrite(Value, frozen=True, gc=False, kw_only=True):
    hostname: str = ""
    path: PathModifier | None = None


class Fraction(Value, frozen=True, gc=False, kw_only=True):
    numerator: int
    denominator: int = 100


class BackendObjectReference(Value, frozen=True, gc=False, kw_only=True):
    name: str
    group: str = ""
    kind: str = "Service"
    namespace: str = ""
    port: int = 0


class RequestMirror(Value, frozen=True, gc=False, kw_only=True):
    backend_ref: BackendObjectReference
    percent: int | None = None
    fraction: Fraction | None = None


class CORSFilter(Value, frozen=True, gc=False, kw_only=True):
    """`max_age` in seconds."""

    allow_origins: tuple[str, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    allow_credentials: bool = False
    max_age: int = 5


class GRPCAuth(Value, frozen=True, gc=False, kw_only=True):
    """Without headers all of the request are sent."""

    allowed_headers: tuple[str, ...] = ()


class HTTPAuth(Value, frozen=True, gc=False, kw_only=True):
    """Headers beside those that are always sent; without headers of the answer all of it are taken."""

    path: str = ""
    allowed_headers: tuple[str, ...] = ()
    allowed_response_headers: tuple[str, ...] = ()


class ForwardBody(Value, frozen=True, gc=False, kw_only=True):
    """In bytes; with 0 the body stays here."""

    max_size: int = 0


class ExternalAuth(Value, frozen=True, gc=False, kw_only=True):
    """GEP-1494, of the experimental channel. The CRD demands `grpc` or `http`, as `protocol` says."""

    protocol: str  # HTTP | GRPC
    backend_ref: BackendObjectReference
    grpc: GRPCAuth = GRPCAuth()
    http: HTTPAuth = HTTPAuth()
    forward_body: ForwardBody = ForwardBody()


class RouteFilter(Value, frozen=True, gc=False, kw_only=True):
    type: str
    request_header_modifier: HeaderFilter | None = None
    response_header_modifier: HeaderFilter | None = None
    request_mirror: RequestMirror | None = None
    request_redirect: RequestRedirect | None = None
    url_rewrite: URLRewrite | None = None
    cors: CORSFilter | None = None
    external_auth: ExternalAuth | None = None
    extension_ref: dict[str, Any] | None = None


class BackendRef(BackendObjectReference, frozen=True, gc=False, kw_only=True):
    weight: int = 1
    filters: tuple[RouteFilter, ...] = ()


class Timeouts(Value, frozen=True, gc=False, kw_only=True):
    """GEP-2257 durations; `0s` switches the timeout off."""

    request: str = ""
    backend_request: str = ""


class Retry(Value, frozen=True, gc=False, kw_only=True):
    """`backoff` is a GEP-2257 duration."""

    codes: tuple[int, ...] = ()
    attempts: int | None = None
    backoff: str = ""


class RouteRule(Value, frozen=True, gc=False, kw_only=True):
    name: str = ""
    matches: tuple[RouteMatch, ...] = ()
    filters: tuple[RouteFilter, ...] = ()
    backend_refs: tuple[BackendRef, ...] = ()
    timeouts: Timeouts | None = None
    retry: Retry | None = None
    session_persistence: SessionPersistence | None = None


class HTTPRouteSpec(Value, frozen=True, gc=False, kw_only=True):
    """`use_default_gateways` is `All` where the route wants every default Gateway beside its parents (GEP-3793)."""

    parent_refs: tuple[ParentReference, ...] = ()
    hostnames: tuple[str, ...] = ()
    rules: tuple[RouteRule, ...] = ()
    use_default_gateways: str = ""


class HTTPRoute(Object, frozen=True, gc=False, kw_only=True):
    spec: HTTPRouteSpec = field(default_factory=HTTPRouteSpec)
