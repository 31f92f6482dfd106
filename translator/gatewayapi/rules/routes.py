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
from translator.ir import names
from translator.ir.finding import Path
from translator.ir.route import Answer, Entry
from translator.ir.tables import CLUSTER_USE, ENTRIES, FORKABLE, KEYED, PLACED
from translator.resources.httproute import RouteRule

KIND = "HTTPRoute"


@rule(over=HTTP_ROUTE, into=(ENTRIES, COMPILED, FOUND))
def compile_route(view: View, key: str) -> Facts:
    """Matches, filters and backends, without regard to parents: a change of a Gateway compiles nothing anew."""
    route = view.one(HTTP_ROUTE, key)
    all_of = Compiling(view, KIND, route)
    rules = route.spec.rules or (RouteRule(),)
    for index, spec in enumerate(rules):
        compile_rule(all_of, index, spec)
    accepted = all_of.lost < len(rules)
    yield COMPILED(route_id(KIND, key), all_of.compiled(accepted))
    if accepted:
        yield ENTRIES(route_id(KIND, key), tuple(all_of.entries))
    for problem in (*all_of.unresolved, *all_of.dropped):
        yield FOUND((KIND, key), problem.finding)
    for warning in all_of.warnings:
        yield FOUND((warning.kind, warning.key), warning)


def compile_rule(all_of: Compiling, index: int, spec: RouteRule) -> None:
    """One entry for each match; all share filters and action."""
    key, created = all_of.route.key, all_of.route.metadata.creation_timestamp
    path: Path = ("spec", "rules", index)
    origin = (KIND, key)
    filters = filters_of(all_of, path, spec.filters)
    all_of.lost += filters is None
    action = Answer(500) if filters is None else action_of(all_of, path, spec, filters, times_of(spec))
    acting = () if filters is None or is_blocked(filters) else (*filters, *session_of(all_of, path, spec, action))
    for place, one in enumerate(spec.matches or EVERYTHING):
        wanted = match(one)
        entry = Entry(
            name=names.route(KIND, key, index, place),
            match=wanted,
            precedence=precedence(wanted, created, key, (index, place)),
            action=action,
            filters=acting,
            origin=origin,
            rule=index,
        )
        all_of.entries.append(entry)


@rule(over=HTTP_ROUTE, into=(PLACED, KEYED, FORKABLE, PARENT, CLUSTER_USE, USE, FOUND))
def attach_route(view: View, key: str) -> Facts:
    yield from attached(view, KIND, view.one(HTTP_ROUTE, key), view.one(COMPILED, route_id(KIND, key)))
