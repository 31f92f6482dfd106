"""Route filters: one file each, one line each in CHAIN. Rows of the IR in, parts of Envoy routes out.

A part holds only what its filter owns and is merged into the bare route: repeated fields are appended, maps joined, and a
redirect takes the place of the action. Knows neither tables nor Kubernetes, and no filter knows another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from protos.v3 import HttpFilter, Route, WeightedCluster
from translator.filters import cors, external_auth, header_modifier, request_mirror, request_redirect, session, url_rewrite
from translator.ir.route import CORS, ExternalAuth, Filter, Headers, Mirror, Redirect, Rewrite, Session, Site


class Link(NamedTuple):
    """How rows of one type act: on a route, and on a share of its traffic where Envoy can do that. `http_filter` is what
    must stand in every connection manager for it, in the order of CHAIN.
    """

    row: type[Filter]
    on_route: Callable[[Any, Site], Route]
    on_share: Callable[[Any], WeightedCluster.ClusterWeight] | None = None
    http_filter: Callable[[], HttpFilter] | None = None


CHAIN = (
    Link(CORS, cors.on_route, http_filter=cors.http_filter),
    Link(ExternalAuth, external_auth.on_route, http_filter=external_auth.http_filter),
    Link(Session, session.on_route, http_filter=session.http_filter),
    Link(Headers, header_modifier.on_route, header_modifier.on_share),
    Link(Mirror, request_mirror.on_route),
    Link(Rewrite, url_rewrite.on_route),
    Link(Redirect, request_redirect.on_route),
)
PLACE = {link.row: place for place, link in enumerate(CHAIN)}


def apply(route: Route, filters: Iterable[Filter], site: Site) -> None:
    """Merge each filter's part into the route, in the order of CHAIN. What changes a forwarded request is void where the
    route forwards none.
    """
    for row in sorted(filters, key=_place):
        part = CHAIN[_place(row)].on_route(row, site)
        if route.HasField("route") or not part.HasField("route"):
            route.MergeFrom(part)


def apply_to_share(share: WeightedCluster.ClusterWeight, filters: Iterable[Filter]) -> None:
    """The same for a share; filters that `cannot_share` are not for it."""
    for row in sorted(filters, key=_place):
        if on_share := CHAIN[_place(row)].on_share:
            share.MergeFrom(on_share(row))


def http_filters() -> list[HttpFilter]:
    """What stands before the router in every connection manager: always all, since a changed listener drains."""
    return [link.http_filter() for link in CHAIN if link.http_filter]


def cannot_share(row: Filter) -> bool:
    """Whether Envoy has no way to do this for a part of a route's traffic."""
    return CHAIN[_place(row)].on_share is None


def _place(row: Filter) -> int:
    return PLACE[type(row)]
