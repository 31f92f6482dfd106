"""GRPCRoutes: HTTPRoutes that match methods of services, and whose backends speak HTTP/2."""

from __future__ import annotations

from typing import Final

from translator.engine import Facts, View, rule
from translator.gatewayapi.grpc import EVERY_METHOD, method_match, method_precedence
from translator.gatewayapi.rules.attaching import attached
from translator.gatewayapi.rules.compiling import Compiling, action_of, filters_of, route_id
from translator.gatewayapi.rules.sessions import session_of
from translator.gatewayapi.tables import COMPILED, FOUND, PARENT, USE
from translator.inputs import GRPC_ROUTE
from translator.ir.finding import Path
from translator.ir.route import Answer
from translator.ir.tables import CLUSTER_USE, ENTRIES, FORKABLE, KEYED, PLACED
from translator.resources.grpcroute import GRPCRouteRule

KIND = "GRPCRoute"
UNAVAILABLE: Final = 503  # what gRPC knows as UNAVAILABLE: the status of a rule whose backends cannot be had (`GRPCRouteRule.backendRefs`)


@rule(over=GRPC_ROUTE, into=(ENTRIES, COMPILED, FOUND))
def compile_grpc_route(view: View, key: str) -> Facts:
    route = view.one(GRPC_ROUTE, key)
    all_of = Compiling(view, (KIND, key), route, missing=UNAVAILABLE)
    rules = route.spec.rules or (GRPCRouteRule(),)
    for index, spec in enumerate(rules):
        compile_grpc_rule(all_of, index, spec)
    yield from all_of.facts(len(rules))


def compile_grpc_rule(all_of: Compiling, index: int, spec: GRPCRouteRule) -> None:
    key, created = all_of.origin[1], all_of.route.metadata.creation_timestamp
    path: Path = ("spec", "rules", index)
    filters = filters_of(all_of, path, spec.filters)
    all_of.lost += filters is None
    action = Answer(UNAVAILABLE) if filters is None else action_of(all_of, path, spec, filters)
    acting = () if filters is None else (*filters, *session_of(all_of, path, spec, action))
    for place, one in enumerate(spec.matches or EVERY_METHOD):
        all_of.add(method_match(one), method_precedence(one, created, key, index, place), action, acting)


@rule(over=GRPC_ROUTE, into=(PLACED, KEYED, FORKABLE, PARENT, CLUSTER_USE, USE, FOUND))
def attach_grpc_route(view: View, key: str) -> Facts:
    yield from attached(view, view.one(GRPC_ROUTE, key), view.one(COMPILED, route_id(KIND, key)))
