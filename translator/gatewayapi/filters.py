"""Filters of routes as rows, or why they cannot be. Source: Gateway API v1.6.1, `HTTPRouteFilter`.

A filter that is not served is never skipped: what it would have guarded is answered with an error.
"""

from __future__ import annotations

from collections.abc import Iterable

from translator.ir.route import CORS, ExternalAuth, Filter, Headers, PathChange, Redirect, Rewrite
from translator.resources.httproute import (
    CORSFilter,
    HeaderFilter,
    PathModifier,
    RequestMirror,
    RequestRedirect,
    RouteFilter,
    URLRewrite,
)
from translator.resources.httproute import ExternalAuth as ExternalAuthSpec

ON_BACKENDS = frozenset(("RequestHeaderModifier", "ResponseHeaderModifier"))
ON_RULES = ON_BACKENDS | {"CORS", "ExternalAuth", "RequestMirror", "RequestRedirect", "URLRewrite"}


def simple_filter(spec: RouteFilter) -> Filter | None:
    """The filter as a row; None where it is not served, or has a backend that must be looked up first."""
    match spec:
        case RouteFilter(type="RequestHeaderModifier", request_header_modifier=HeaderFilter() as headers):
            return _headers("request", headers)
        case RouteFilter(type="ResponseHeaderModifier", response_header_modifier=HeaderFilter() as headers):
            return _headers("response", headers)
        case RouteFilter(type="RequestRedirect", request_redirect=RequestRedirect() as redirect):
            return _redirect(redirect)
        case RouteFilter(type="URLRewrite", url_rewrite=URLRewrite() as rewrite):
            return Rewrite(hostname=rewrite.hostname, path=_path(rewrite.path))
        case RouteFilter(type="CORS", cors=CORSFilter() as cors):
            return _cors(cors)
        case _:
            return None


def _cors(spec: CORSFilter) -> CORS:
    return CORS(
        origins=spec.allow_origins,
        methods=spec.allow_methods,
        headers=spec.allow_headers,
        exposed=spec.expose_headers,
        credentials=spec.allow_credentials,
        max_age=spec.max_age,
    )


def _headers(on: str, spec: HeaderFilter) -> Headers:
    return Headers(
        on="request" if on == "request" else "response",
        set=tuple((header.name, header.value) for header in spec.set),
        add=tuple((header.name, header.value) for header in spec.add),
        remove=tuple(spec.remove),
    )


def _redirect(spec: RequestRedirect) -> Redirect:
    return Redirect(scheme=spec.scheme, hostname=spec.hostname, port=spec.port, path=_path(spec.path), status=spec.status_code)


def _path(spec: PathModifier | None) -> PathChange | None:
    if spec is None:
        return None
    if spec.type == "ReplaceFullPath":
        return PathChange("full", spec.replace_full_path or "/")
    return PathChange("prefix", spec.replace_prefix_match or "/")


def external_auth(spec: ExternalAuthSpec, cluster: str) -> ExternalAuth:
    """Without a cluster nobody can be asked, and so nothing is let through."""
    told = spec.grpc.allowed_headers if spec.protocol == "GRPC" else spec.http.allowed_headers
    return ExternalAuth(
        cluster=cluster,
        protocol="grpc" if spec.protocol == "GRPC" else "http",
        headers=tuple(name.lower() for name in told),
        returned=tuple(name.lower() for name in spec.http.allowed_response_headers),
        path=spec.http.path,
        body=spec.forward_body.max_size,
    )


def is_blocked(filters: Iterable[Filter]) -> bool:
    """Whether one of them can let no request through."""
    return any(isinstance(one, ExternalAuth) and not one.cluster for one in filters)


def mirrored_share(spec: RequestMirror) -> tuple[int, int]:
    """How many of how many requests are copied: all of them unless the filter says less (GEP-3171)."""
    if spec.fraction is not None:
        return spec.fraction.numerator, spec.fraction.denominator
    return (100 if spec.percent is None else spec.percent), 100
