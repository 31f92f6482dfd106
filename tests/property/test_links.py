"""Laws of endpoints that lead to a Service: no route ever loses a request to one, and any history of them ends where a new start would."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protos.v3 import RouteConfiguration, VirtualHost
from tests.objects import changes, decoded, objects
from translator.engine import Engine
from translator.inputs import OBJECTS
from translator.ir.output import Group
from translator.ir.tables import EXPIRED, GROUP, KEY_HOST, OUT_ROUTES
from translator.program import engine as new_engine
from translator.resources.meta import Object

CASES = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
CHANCE = random.Random(11)
HOSTS = ["", "", "a.example.com", "b.example.com", "c.example.com", "x.y.example.com", "a.example.org"]
TARGETS = ["", "http://s1", "http://s1.default.svc:80", "grpc://s2:80", "https://s1", "http://s1.theirs:80", "http://gone", "http://a.b.c"]
WORLD = """
kind: GatewayClass
metadata: {name: pointsman}
spec: {controllerName: pointsman.io/gateway-controller}
---
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: pointsman
  listeners:
  - {name: web, port: 80, protocol: HTTP, hostname: "*.example.com", allowedRoutes: {namespaces: {from: All}}}
  - {name: narrow, port: 80, protocol: HTTP, hostname: c.example.com}
  - {name: any, port: 81, protocol: HTTP}
---
kind: HTTPRoute
metadata: {name: whole, creationTimestamp: "2026-02-01T00:00:00Z"}
spec: {parentRefs: [{name: edge}], hostnames: [a.example.com], rules: [{backendRefs: [{name: s1, port: 80}]}]}
---
kind: HTTPRoute
metadata: {name: part, creationTimestamp: "2026-02-01T00:00:00Z"}
spec:
  parentRefs: [{name: edge}]
  hostnames: [a.example.com, b.example.com]
  rules:
  - {matches: [{path: {value: /b}}, {path: {value: /}, headers: [{name: v, value: "1"}]}], backendRefs: [{name: s2, port: 80}]}
---
kind: GRPCRoute
metadata: {name: calls}
spec: {parentRefs: [{name: edge}], hostnames: [c.example.com], rules: [{backendRefs: [{name: s2, port: 80}]}]}
---
kind: HTTPRoute
metadata: {name: any}
spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: s1, port: 80}]}]}
"""


def service(name: str, namespace: str = "default") -> Object:
    return decoded(
        {"kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": {"ports": [{"name": "http", "port": 80}]}}
    )


def endpoint(number: int) -> dict[str, Any]:
    chosen = {"hostname": CHANCE.choice(HOSTS), "target": CHANCE.choice(TARGETS), "routingKey": CHANCE.choice(["", "k1", "k2"])}
    return {"name": f"e{number}", **chosen}


def group(number: int) -> Object:
    """Of two namespaces, of which the other is admitted by one listener alone."""
    ref: dict[str, Any] = {"name": "edge", "namespace": "default", **CHANCE.choice([{}, {}, {"sectionName": "web"}, {"port": 81}])}
    spec: dict[str, Any] = {"parentRefs": [ref], "endpoints": [endpoint(each) for each in range(CHANCE.randrange(4))]}
    spec |= CHANCE.choice([{}, {"defaultRoutingKey": "all"}, {"previewHosts": ["*.example.com"]}])
    spec |= CHANCE.choice([{}, {"routes": [{"targetSandbox": "x1", "routingKey": "k9", "paths": [{"prefix": "/b"}]}]}])
    spec |= CHANCE.choice([{}, {"ttl": {"duration": "1h", "offsetFrom": "createdAt"}}])
    head = {"name": f"g{number % 3}", "namespace": CHANCE.choice(["default", "default", "theirs"])}
    return decoded(
        {"kind": "RouteGroup", "metadata": {**head, "creationTimestamp": f"202{CHANCE.randrange(6)}-01-01T00:00:00Z"}, "spec": spec}
    )


def sandbox(number: int) -> Object:
    """Of a key that endpoints have: RouteGroups of one namespace lead to it together."""
    spec = {"routingKey": f"k{number % 3}", "services": [{"name": f"s{number % 2 + 1}", "targetRef": {"name": "s2"}}]}
    return decoded({"kind": "Sandbox", "metadata": {"name": f"x{number % 4}"}, "spec": spec})


GRANT = """
kind: ReferenceGrant
metadata: {name: previews, namespace: theirs}
spec: {from: [{group: pointsman.io, kind: RouteGroup, namespace: default}], to: [{group: "", kind: Service}]}
"""
BASE = [*objects(WORLD), service("s1"), service("s2"), service("s1", "theirs")]
POOL = [*(group(number) for number in range(40)), *map(sandbox, range(6)), service("s1"), *objects(GRANT)]
histories = st.lists(st.tuples(st.integers(0, len(POOL) - 1), st.booleans()), max_size=8)


def started() -> Engine:
    engine = new_engine()
    engine.apply([(GROUP, "local", Group(flat=True)), *changes(BASE)])
    return engine


def edits(history: list[tuple[int, bool]]) -> list[Any]:
    """Of some RouteGroups the time ends."""
    found: list[Any] = []
    for index, keep in history:
        ((table, key, one),) = changes([POOL[index]])
        found.append((table, key, one if keep else None))
        if table.name == "RouteGroup":
            found.append((EXPIRED, ("RouteGroup", key), one.metadata.creation_timestamp if index % 4 == 0 and keep else None))
    return found


def hosts(engine: Engine) -> dict[tuple[str, str, str], VirtualHost]:
    assert engine.failures == {}
    return {
        (*key, host.name): host
        for key, (row,) in engine.rows(OUT_ROUTES).items()
        if not key[1].startswith("keys/")
        for host in RouteConfiguration.FromString(row.body).virtual_hosts
    }


def named(host: VirtualHost) -> list[str]:
    return [one.name for one in host.routes if one.name != "route-key-error"]


@CASES
@given(histories)
def test_endpoint_stands_behind_every_route_of_its_host_that_takes_all_paths_and_takes_the_place_of_none(
    history: list[tuple[int, bool]],
) -> None:
    engine = started()
    before = {name: named(host) for name, host in hosts(engine).items()}
    engine.apply([one for one in edits(history) if one[0].name != "Service"])
    after = hosts(engine)
    for name, routes in before.items():
        assert [one for one in named(after[name]) if not one.startswith("routegroup/")] == routes
    for host in after.values():
        links = [one.startswith("routegroup/") for one in named(host)]
        assert links == sorted(links), "all of them stand last"


@CASES
@given(histories)
def test_host_of_another_namespace_is_below_a_listener_that_admits_it(history: list[tuple[int, bool]]) -> None:
    engine = started()
    engine.apply(edits(history))
    for (_, table, name), host in hosts(engine).items():
        foreign = [one for one in named(host) if one.startswith("routegroup/theirs/")]
        assert not foreign or ("local/80/" in table and name.endswith(".example.com") and name != "c.example.com"), (table, name)


@CASES
@given(st.lists(histories, min_size=1, max_size=4))
def test_any_history_of_endpoints_ends_where_a_new_start_would(batches: list[list[tuple[int, bool]]]) -> None:
    engine, found = started(), [edits(history) for history in batches]
    for batch in found:
        engine.apply(batch)
    fresh = started()
    fresh.apply([(table, key, one) for (table, key), one in {(table, key): one for batch in found for table, key, one in batch}.items()])
    assert {table: engine.rows(table) for table in engine.tables} == {table: fresh.rows(table) for table in fresh.tables}
    each = [(row.group, row.host) for rows in engine.rows(KEY_HOST).values() for row in rows]
    assert len(each) == len(set(each)), "a host has one key"


def test_deleting_everything_leaves_nothing_of_endpoints() -> None:
    engine = started()
    engine.apply(edits([(index, True) for index in range(len(POOL))]))
    gone = [(EXPIRED, key, None) for key in engine.rows(EXPIRED)]
    engine.apply([(GROUP, "local", None), *gone, *((table, key, None) for table in OBJECTS.values() for key in engine.rows(table))])
    assert engine.empty


def test_world_has_endpoints_that_are_served() -> None:
    """Else the laws above would hold of nothing."""
    engine = started()
    engine.apply(edits([(index, True) for index in range(40) if index % 4]))
    found = [name for host in hosts(engine).values() for name in named(host) if name.startswith("routegroup/")]
    assert {name.split("/")[1] for name in found} == {"default", "theirs"}
