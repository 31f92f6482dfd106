"""What would be different is said, and the engine is as it was."""

from __future__ import annotations

from tests.objects import changes, objects
from translator.engine import Engine
from translator.ir.output import Group
from translator.ir.tables import GROUP
from translator.program import engine
from xds.foreseen import _named, foreseen

BASE = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: c}
spec: {controllerName: pointsman.io/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g}
spec: {gatewayClassName: c, listeners: [{name: l, port: 80, protocol: HTTP}]}
"""
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec: {parentRefs: [{name: g}], hostnames: [HOST], rules: [{backendRefs: [{name: none, port: 80}]}]}
"""


def world(*texts: str) -> Engine:
    made = engine()
    made.apply([(GROUP, "local", Group()), *(change for text in (BASE, *texts) for change in changes(objects(text)))])
    return made


def test_engine_is_as_it_was() -> None:
    one = world(ROUTE.replace("HOST", "a.example"))
    before = {table: one.rows(table) for table in one.tables}
    moved = changes(objects(ROUTE.replace("HOST", "b.example")))
    gone = [(table, key, None) for table, key, _ in changes(objects(BASE))]
    for each in (moved, gone):
        assert not foreseen(one, each).nothing
        assert {table: one.rows(table) for table in one.tables} == before


def test_nothing_is_said_of_what_stays() -> None:
    one = world(ROUTE.replace("HOST", "a.example"))
    assert foreseen(one, changes(objects(ROUTE.replace("HOST", "a.example")))).nothing


def test_what_is_new_comes_from_the_objects_that_make_it() -> None:
    found = foreseen(world(), changes(objects(ROUTE.replace("HOST", "a.example"))))
    (routes,) = [one for one in found.resources if one.section == "routes"]
    assert routes.change == "changed"
    assert "HTTPRoute default/r" in routes.objects
    assert [one.code for one in found.new] == ["PM0201"]
    assert ("HTTPRoute", "default/r", "g", "Accepted", "", "True Accepted") in {
        (one.kind, one.key, one.where, one.condition, one.before, one.after) for one in found.statuses
    }


def test_things_with_a_name_are_told_apart_by_it() -> None:
    assert _named({"a": [{"name": "x", "v": [1]}, {"name": "y"}]}) == {"a": {"x": {"name": "x", "v": [1]}, "y": {"name": "y"}}}
    assert _named([{"name": "x"}, {"name": "x"}]) == [{"name": "x"}, {"name": "x"}]
    assert _named([{"name": "x"}, 1]) == [{"name": "x"}, 1]
