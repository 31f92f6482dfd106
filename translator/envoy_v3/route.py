"""One entry → the bytes of its Envoy routes, framed for a virtual host. Knows no tables, and nothing of other entries."""

from __future__ import annotations

from typing import Any

from protos.v3 import (
    DirectResponseAction,
    HeaderMatcher,
    QueryParameterMatcher,
    RegexMatcher,
    Route,
    RouteAction,
    RouteMatch,
    StringMatcher,
    WeightedCluster,
    data,
    framed,
    milliseconds,
)
from translator import filters
from translator.envoy_v3.domain import ROUTES
from translator.ir import names
from translator.ir.route import Answer, Entry, Forward, Match, PathMatch, Redirect, Share, Site, TextMatch

_PORT_IN_HOST = HeaderMatcher(name=":authority", string_match=StringMatcher(safe_regex=RegexMatcher(regex=".*:[0-9]+")))


def depends_on_site(entry: Entry) -> bool:
    """Whether the bytes differ from place to place: a Location names the scheme, port and host of where it is asked."""
    return any(type(row) is Redirect for row in entry.filters)


def packed_route(entry: Entry, site: Site) -> bytes:
    """Where the host of the Location is the request's own, requests whose Host names a port get a route of their own."""
    plain = route(entry, site)
    body = packed(plain)
    if not site.host.startswith("*") or not any(type(row) is Redirect and not row.hostname for row in entry.filters):
        return body
    ported = route(entry, Site(path=site.path, host=site.host, scheme=site.scheme, port=site.port, host_names_port=True))
    if ported.redirect == plain.redirect:
        return body
    ported.match.headers.append(_PORT_IN_HOST)
    return packed(ported) + body


def packed(message: Route) -> bytes:
    return framed(ROUTES, data(message))


def route(entry: Entry, site: Site) -> Route:
    message = Route(name=entry.name, match=match(entry.match), **action(entry.action))
    if entry.filters:
        filters.apply(message, entry.filters, site)
    return message


def match(wanted: Match) -> RouteMatch:
    """Regexes match the whole of what they are asked about, as Envoy does it."""
    headers = [HeaderMatcher(name=one.name, string_match=text(one)) for one in wanted.headers]
    if wanted.method:
        headers.insert(0, HeaderMatcher(name=":method", string_match=StringMatcher(exact=wanted.method)))
    query = [QueryParameterMatcher(name=one.name, string_match=text(one)) for one in wanted.query]
    return RouteMatch(**path(wanted.path), headers=headers, query_parameters=query)


def path(wanted: PathMatch) -> dict[str, Any]:
    match wanted.kind:
        case "exact":
            return {"path": wanted.value}
        case "regex":
            return {"safe_regex": RegexMatcher(regex=wanted.value)}
        case "prefix":
            segments = wanted.value.rstrip("/")
            return {"path_separated_prefix": segments} if segments else {"prefix": "/"}


def text(wanted: TextMatch) -> StringMatcher:
    return StringMatcher(exact=wanted.value) if wanted.kind == "exact" else StringMatcher(safe_regex=RegexMatcher(regex=wanted.value))


def action(wanted: Forward | Answer) -> dict[str, Any]:
    if isinstance(wanted, Answer):
        return {"direct_response": DirectResponseAction(status=wanted.status)}
    shares = [share for share in wanted.shares if share.weight]
    if not any(reachable(share) for share in shares):
        return {"direct_response": DirectResponseAction(status=500)}
    missing: dict[str, Any] = {} if all(map(reachable, shares)) else {"cluster_not_found_response_code": "INTERNAL_SERVER_ERROR"}
    return {"route": RouteAction(**destination(shares), **missing, timeout=milliseconds(timeout(wanted)))}


def reachable(share: Share) -> bool:
    """A filter that Envoy cannot do for a share makes the share answer 500: the text forbids to skip it."""
    return bool(share.cluster) and not any(map(filters.cannot_share, share.filters))


def destination(shares: list[Share]) -> dict[str, Any]:
    first = shares[0]
    if len(shares) == 1 and not first.filters:
        return {"cluster": first.cluster}
    return {"weighted_clusters": WeightedCluster(clusters=map(weighted, shares))}


def weighted(share: Share) -> WeightedCluster.ClusterWeight:
    name = share.cluster if reachable(share) else names.UNRESOLVED
    message = WeightedCluster.ClusterWeight(name=name, weight={"value": share.weight})
    if share.filters:
        filters.apply_to_share(message, share.filters)
    return message


def timeout(wanted: Forward) -> int:
    """Milliseconds, 0 for none. Nothing is retried, so the time of one try and of all are one: the smaller counts.

    Unset is none, not Envoy's 15 s, which cut long downloads; an idle stream ends after five minutes all the same.
    """
    return min(filter(None, (wanted.timeout, wanted.backend_timeout)), default=0)
