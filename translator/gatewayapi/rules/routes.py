"""HTTPRoutes: compiled once, wherever they attach; attached without regard to what they say."""

from __future__ import annotations

from translator.engine import Facts, View, rule
from translator.gatewayapi.durations import times_of
from translator.gatewayapi.filters import is_blocked
from translator.gatewayapi.matches import EVERYTHING, match
from translator.gatewayapi.precedence import precedence
from translator.gatewayapi.rules.attaching import attached
from translator.gatewayapi.rules.compiling import Compiling, action_of, filters_of, route_id
from translator.gatewayapi.rules.sessions import session_of
from translator.gatewayapi.tables import COMPILED, FOUND, PARENT, USE
from translator.inputs import HTTP_ROUTE
from translator.ir.finding import Path
from translator.ir.route import Answer
from translator.ir.tables import CLUSTER_USE, ENTRIES, FORKABLE, KEYED, PLACED
from translator.resources.httproute import RouteRule

KIND = "HTTPRoute"


@rule(over=HTTP_ROUTE, into=(ENTRIES, COMPILED, FOUND))
def compile_route(view: View, key: str) -> Facts:
    """Matches, filters and backends, without regard to parents: a change of a Gateway compiles nothing anew."""
    route = view.one(HTTP_ROUTE, key)
    all_of = Compiling(view, (KIND, key), route)
    rules = route.spec.rules or (RouteRule(),)
    for index, spec in enumerate(rules):
        compile_rule(all_of, index, spec)
    yield from all_of.facts(len(rules))


def compile_rule(all_of: Compiling, index: int, spec: RouteRule) -> None:
    """One entry for each match; all share filters and action."""
    key, created = all_of.origin[1], all_of.route.metadata.creation_timestamp
    path: Path = ("spec", "rules", index)
    filters = filters_of(all_of, path, spec.filters)
    all_of.lost += filters is None
    action = Answer(500) if filters is None else action_of(all_of, path, spec, filters, times_of(spec))
    acting = () if filters is None or is_blocked(filters) else (*filters, *session_of(all_of, path, spec, action))
    for place, one in enumerate(spec.matches or EVERYTHING):
        wanted = match(one)
        all_of.add(wanted, precedence(wanted, created, key, index, place), action, acting)


@rule(over=HTTP_ROUTE, into=(PLACED, KEYED, FORKABLE, PARENT, CLUSTER_USE, USE, FOUND))
def attach_route(view: View, key: str) -> Facts:
    yield from attached(view, view.one(HTTP_ROUTE, key), view.one(COMPILED, route_id(KIND, key)))
