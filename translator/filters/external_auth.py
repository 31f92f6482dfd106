"""External authorization: a request goes on only if a service says so, asked by gRPC (Envoy's own protocol) or by HTTP.

Source: Gateway API, `HTTPExternalAuthFilter` (GEP-1494). Envoy's filter takes what it is to ask from its own configuration, and
lets a route change little of it; so what stands in every connection manager is one that runs another, and the route says which.
Where the service cannot be asked the request is refused (403), and so is a body larger than what is to be shown (413): the text
says both that it be refused and that it be cut, and a service that sees a part of a body does not know what it lets pass.
"""

from __future__ import annotations

from protos.v3 import (
    AuthorizationResponse,
    Composite,
    ExecuteFilterAction,
    ExtAuthz,
    ExtAuthzHttpService,
    ExtensionWithMatcher,
    ExtensionWithMatcherPerRoute,
    GrpcService,
    HeaderMutationRules,
    HttpFilter,
    HttpRequestHeaderMatchInput,
    HttpUri,
    ListStringMatcher,
    Matcher,
    RegexMatcher,
    Route,
    SkipFilter,
    StringMatcher,
    TypedExtensionConfig,
    milliseconds,
    pack,
)
from translator.ir.route import ExternalAuth, Site

NAME = "external_auth"
ALWAYS = ("authorization",)  # told by HTTP whatever else is; without any name Envoy would tell all
LONGEST = 5_000  # milliseconds that the service has for its answer
# What never goes on with the request, also of an answer of which all headers do: what would make it another request, or says how long
# the answer is. Short, for Envoy compiles it with the limit of all expressions.
_NEVER = HeaderMutationRules(
    disallow_system={"value": True}, disallow_expression=RegexMatcher(regex="host|connection|te|upgrade|content-length|transfer-encoding")
)
_ALL = ListStringMatcher(patterns=[StringMatcher(safe_regex=RegexMatcher(regex=".*"))])


def http_filter() -> HttpFilter:
    """One that runs nothing of its own accord: Envoy demands a matcher, and this one matches no request."""
    asked = HttpRequestHeaderMatchInput(header_name=":method")
    skipped = Matcher.OnMatch(action=TypedExtensionConfig(name="skip", typed_config=pack(SkipFilter())))
    tree = Matcher.MatcherTree(input=TypedExtensionConfig(name="method", typed_config=pack(asked)), exact_match_map={"map": {"": skipped}})
    inner = {"name": "composite", "typed_config": pack(Composite())}
    return HttpFilter(name=NAME, typed_config=pack(ExtensionWithMatcher(extension_config=inner, xds_matcher=Matcher(matcher_tree=tree))))


def on_route(row: ExternalAuth, _site: Site) -> Route:
    run = ExecuteFilterAction(typed_config={"name": "ext_authz", "typed_config": pack(authorization(row))})
    always = Matcher.OnMatch(action=TypedExtensionConfig(name="ask", typed_config=pack(run)))
    message = Route()
    message.typed_per_filter_config[NAME].CopyFrom(pack(ExtensionWithMatcherPerRoute(xds_matcher=Matcher(on_no_match=always))))
    return message


def authorization(row: ExternalAuth) -> ExtAuthz:
    message = ExtAuthz(transport_api_version="V3", decoder_header_mutation_rules=_NEVER)
    if row.body:
        message.with_request_body.max_request_bytes = row.body
    if row.headers or row.protocol == "http":
        message.allowed_headers.CopyFrom(_named(row.headers or ALWAYS))
    if row.protocol == "grpc":
        message.grpc_service.CopyFrom(GrpcService(envoy_grpc={"cluster_name": row.cluster}, timeout=milliseconds(LONGEST)))
    else:
        message.http_service.CopyFrom(_asked_by_http(row))
    return message


def _asked_by_http(row: ExternalAuth) -> ExtAuthzHttpService:
    """Host, method, path, length and Authorization are always told: Envoy's own way, and the API's."""
    where = HttpUri(uri="http://authorization", cluster=row.cluster, timeout=milliseconds(LONGEST))
    answer = AuthorizationResponse(allowed_upstream_headers=_named(row.returned) if row.returned else _ALL)
    return ExtAuthzHttpService(server_uri=where, path_prefix=row.path, authorization_response=answer)


def _named(headers: tuple[str, ...]) -> ListStringMatcher:
    return ListStringMatcher(patterns=[StringMatcher(exact=name, ignore_case=True) for name in headers])
