"""Which rule of which object a route of Envoy is of, as its name tells (`translator/ir/names.py`). Asks the engine, changes nothing.

A proxy may speak of the rules that it serves and of no others; so the labels of metrics are what is there, whatever proxies say.
"""

from __future__ import annotations

import re

from translator.engine import Engine
from translator.inputs import GRPC_ROUTE, HTTP_ROUTE, ROUTE_GROUP
from translator.ir import inbound, names
from translator.ir.route import Answer, Entry
from translator.ir.tables import ENTRIES, INBOUND, KEYED, OUT_CLUSTER, PLACED
from xds.security.access import LOCAL

_KINDS = {"httproute": "HTTPRoute", "grpcroute": "GRPCRoute", "routegroup": "RouteGroup"}
Rule = tuple[str, str, int]  # kind as routes are named, key of the object, place of the rule or number of the port
_NAME = re.compile(
    rf"(httproute|grpcroute|routegroup)/([^/]+/[^/]+)/([0-9]{{1,5}})/[0-9]{{1,5}}|({names.INBOUND})/([^/]+/[^/]+)/([0-9]{{1,5}})", re.ASCII
)


def rule_of(route: str) -> Rule | None:
    """None for what is the name of no route. Whether there is such a rule is another question."""
    found = _NAME.fullmatch(route)
    if found is None:
        return None
    kind, key, number = filter(None, found.groups())
    return kind, key, int(number)


class Rules:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def label(self, rule: Rule) -> str:
        """What it is called in metrics: `HTTPRoute/shop/cart/checkout` where it has a name, `HTTPRoute/shop/cart/rule/0` where it has
        none, `RouteGroup/shop/previews/web` of an endpoint, `Service/shop/cart/8080` at a sidecar; empty where there is no such rule.
        """
        kind, key, number = rule
        if kind == names.INBOUND:
            found = self._engine.get(INBOUND, inbound.group(key))
            return f"Service/{key}/{number}" if found and any(port.number == number for port in found.ports) else ""
        if not self._entries(rule):
            return ""
        called = self._called(kind, key)
        named = called[number] if number < len(called) and called.count(called[number]) == 1 else ""
        return f"{_KINDS[kind]}/{key}/{named or f'rule/{number}'}"

    def served(self, rule: Rule, group: str) -> bool:
        """Whether it is served by this group of proxies; no group stands for all of them."""
        kind, key, _ = rule
        if not group:
            return True
        if kind == names.INBOUND:
            return group == inbound.group(key)
        route = _route(rule)
        places = (*self._engine.under(PLACED, route), *(one.place for one in self._engine.under(KEYED, route)))
        return any(place.table.startswith(f"{group}/") for place in places)

    def has_fork(self, cluster: str, group: str) -> bool:
        """Whether this group of proxies is given this fork; without a group those are asked that need no certificate."""
        kind, _, rest = cluster.partition("/")
        if kind not in (names.FORK, names.BESIDE):
            return False
        groups = (group,) if group else (LOCAL, inbound.group("/".join(rest.split("/")[:2])))
        return any(self._engine.get(OUT_CLUSTER, (one, cluster)) is not None for one in groups)

    def lacks_backend(self, rule: Rule, status: str) -> bool:
        """Whether it answers this by itself, for none of its backends can be had."""
        return rule[0] != names.INBOUND and any(
            isinstance(one.action, Answer) and str(one.action.status) == status for one in self._entries(rule)
        )

    def _entries(self, rule: Rule) -> list[Entry]:
        return [one for one in self._engine.get(ENTRIES, _route(rule)) or () if one.rule == rule[2]]

    def _called(self, kind: str, key: str) -> list[str]:
        """The names of all its rules; of a RouteGroup those of its endpoints."""
        if kind == "routegroup":
            group = self._engine.get(ROUTE_GROUP, key)
            return [each.name for each in group.spec.endpoints] if group else []
        one = self._engine.get(HTTP_ROUTE, key) if kind == "httproute" else self._engine.get(GRPC_ROUTE, key)
        return [each.name for each in one.spec.rules] if one else []


def _route(rule: Rule) -> str:
    """Its key in tables of routes: each endpoint of a RouteGroup is a route of its own."""
    kind, key, number = rule
    return f"{_KINDS[kind]}/{key}/{number}" if kind == "routegroup" else f"{_KINDS[kind]}/{key}"
