"""One entry → the bytes of its Envoy routes, framed for a virtual host. Knows no tables, and nothing of other entries."""

from __future__ import annotations

from protos.v3 import (
    HeaderMatcher,
    RegexMatcher,
    RetryPolicy,
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
from translator.filters.path_change import takes_prefix_away
from translator.ir import names
from translator.ir.route import (
    CORS,
    Answer,
    Entry,
    ExternalAuth,
    Forward,
    Headers,
    Match,
    Mirror,
    PathMatch,
    Redirect,
    Retry,
    Session,
    Share,
    Site,
    TextMatch,
)

MATCH, NAME = 1, 14  # fields of Route
_PORT_IN_HOST = HeaderMatcher(name=":authority", string_match=StringMatcher(safe_regex=RegexMatcher(regex=".*:[0-9]+")))


def depends_on_site(entry: Entry) -> bool:
    """Whether the bytes differ from place to place: a Location names the scheme, port and host of where it is asked, and a cookie
    is Secure where TLS is spoken.
    """
    return any(type(row) in (Redirect, Session) for row in entry.filters)


def packed_route(entry: Entry, site: Site) -> bytes:
    """Where the host of the Location is the request's own, requests whose Host names a port get a route of their own."""
    plain = route(entry, site)
    body = packed_entry(entry, plain)
    if not site.host.startswith("*") or not any(type(row) is Redirect and not row.hostname for row in entry.filters):
        return body
    ported = route(entry, Site(path=site.path, host=site.host, scheme=site.scheme, port=site.port, host_names_port=True))
    if ported.redirect == plain.redirect:
        return body
    ported.match.headers.append(_PORT_IN_HOST)
    return packed_entry(entry, ported) + body


def packed_entry(entry: Entry, message: Route) -> bytes:
    """The routes of an entry: one, or two where a prefix is taken away (filters/path_change.py). Changes the message."""
    if not entry.filters or not takes_prefix_away(entry.match.path, entry.filters):
        return packed(message)
    prefix = message.match.path_separated_prefix
    message.match.prefix = f"{prefix}/"
    below = packed(message)
    message.match.path = prefix
    return below + packed(message)


def route_match(wanted: Match) -> RouteMatch:
    message = RouteMatch()
    fill_match(message, wanted)
    return message


def joined(name: str, match: bytes, rest: bytes) -> bytes:
    """A route made of its match, of what it shares with others (`shared_rest`) and of its name.

    Match is the first field of a Route and the name the last that is used, so these are the bytes protobuf would write.
    """
    return framed(ROUTES, framed(MATCH, match) + rest + framed(NAME, name.encode()))


def shares_rest(entry: Entry) -> bool:
    """Whether all but its match and name is the same for every match of its rule."""
    return not entry.filters or all(type(row) in (CORS, ExternalAuth, Headers, Mirror) for row in entry.filters)


def shared_rest(entry: Entry) -> Route:
    """What such an entry does, without match and name."""
    message = Route()
    fill_action(message, entry.action)
    if entry.filters:
        filters.apply(message, entry.filters, Site(path=entry.match.path))
    return message


def packed(message: Route) -> bytes:
    return framed(ROUTES, data(message))


def route(entry: Entry, site: Site) -> Route:
    """Messages are filled in place: made apart and then copied into each other, they cost twice as much."""
    message = Route(name=entry.name)
    fill_match(message.match, entry.match)
    fill_action(message, entry.action)
    if entry.filters:
        filters.apply(message, entry.filters, site)
    return message


def fill_match(message: RouteMatch, wanted: Match) -> None:
    """Regexes match the whole of what they are asked about, as Envoy does it."""
    fill_path(message, wanted.path)
    if wanted.method:
        message.headers.add(name=":method").string_match.exact = wanted.method
    for one in wanted.headers:
        fill_text(message.headers.add(name=one.name).string_match, one)
    for one in wanted.query:
        fill_text(message.query_parameters.add(name=one.name).string_match, one)


def fill_path(message: RouteMatch, wanted: PathMatch) -> None:
    match wanted.kind:
        case "exact":
            message.path = wanted.value
        case "regex":
            message.safe_regex.regex = wanted.value
        case "prefix":
            if segments := wanted.value.rstrip("/"):
                message.path_separated_prefix = segments
            else:
                message.prefix = "/"


def fill_text(message: StringMatcher, wanted: TextMatch) -> None:
    if wanted.kind == "exact":
        message.exact = wanted.value
    else:
        message.safe_regex.regex = wanted.value


def fill_action(message: Route, wanted: Forward | Answer) -> None:
    if isinstance(wanted, Answer):
        message.direct_response.status = wanted.status
        return
    shares = [share for share in wanted.shares if share.weight]
    reached = [share for share in shares if reachable(share)]
    if not reached:
        message.direct_response.status = wanted.missing
        return
    if len(shares) == 1 and not shares[0].filters:
        message.route.cluster = shares[0].cluster
    else:
        message.route.weighted_clusters.clusters.extend(map(weighted, shares))
    if len(reached) < len(shares) and wanted.missing == 500:  # Envoy's own answer is 503
        message.route.cluster_not_found_response_code = RouteAction.INTERNAL_SERVER_ERROR
    message.route.timeout.CopyFrom(milliseconds(timeout(wanted)))
    if wanted.retry:
        fill_retry(message.route.retry_policy, wanted.retry, wanted.backend_timeout)


def fill_retry(message: RetryPolicy, wanted: Retry, try_timeout: int | None) -> None:
    """Envoy waits for a random part of the interval, twice as long each time: so the backoff given is the mean of the first
    wait. A failed connection is always worth another try (`HTTPRouteRetry`).
    """
    message.retry_on = ",".join(("connect-failure", "refused-stream", "reset", *(("retriable-status-codes",) if wanted.codes else ())))
    message.retriable_status_codes.extend(wanted.codes)
    message.num_retries.value = wanted.attempts
    if try_timeout:
        message.per_try_timeout.CopyFrom(milliseconds(try_timeout))
    if wanted.backoff:
        message.retry_back_off.base_interval.CopyFrom(milliseconds(2 * wanted.backoff))


def reachable(share: Share) -> bool:
    """A filter that Envoy cannot do for a share makes the share answer 500: the text forbids to skip it."""
    return bool(share.cluster) and not (share.filters and any(map(filters.cannot_share, share.filters)))


def weighted(share: Share) -> WeightedCluster.ClusterWeight:
    name = share.cluster if reachable(share) else names.UNRESOLVED
    message = WeightedCluster.ClusterWeight(name=name, weight={"value": share.weight})
    if share.filters:
        filters.apply_to_share(message, share.filters)
    return message


def timeout(wanted: Forward) -> int:
    """Milliseconds, 0 for none. Where nothing is retried, the time of one try and of all are one: the smaller counts.

    Unset is none, not Envoy's 15 s, which cut long downloads; an idle stream ends after five minutes all the same.
    """
    if wanted.retry:
        return wanted.timeout or 0
    return min(filter(None, (wanted.timeout, wanted.backend_timeout)), default=0)
