"""Laws of Sandboxes, on random sets and histories of them: who has no key is served the same bytes, and nothing is left behind."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protos.v3 import RouteConfiguration
from tests.objects import changes, decoded, objects
from translator.engine import Engine
from translator.inputs import OBJECTS
from translator.ir.keys import HEADER
from translator.ir.output import Group
from translator.ir.tables import GROUP, OUT_CLUSTER, OUT_LISTENER, OUT_ROUTES
from translator.program import engine as new_engine
from translator.resources.meta import Object

CASES = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
CHANCE = random.Random(7)
BASE = objects("""
kind: GatewayClass
metadata: {name: pointsman}
spec: {controllerName: pointsman.io/gateway-controller}
---
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: pointsman, listeners: [{name: web, port: 80, protocol: HTTP}, {name: other, port: 81, protocol: HTTP}]}
---
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{name: edge, sectionName: web}]
  rules:
  - backendRefs: [{name: s1, port: 80}]
  - {matches: [{path: {value: /split}}], backendRefs: [{name: s1, port: 80, weight: 9}, {name: s2, port: 80}]}
  - matches: [{path: {value: /new}}]
    filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]
    backendRefs: [{name: s2, port: 80}]
---
kind: GRPCRoute
metadata: {name: grpc}
spec: {parentRefs: [{name: edge}], hostnames: [grpc.example.com], rules: [{backendRefs: [{name: s2, port: 80}]}]}
---
kind: RouteGroup
metadata: {name: previews}
spec: {parentRefs: [{name: edge, sectionName: web}], selector: {}, defaultRoutingKey: all, routes: [{targetSandbox: x0, routingKey: k9}]}
""")


def service(name: str) -> list[Object]:
    plain = decoded({"kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"name": "http", "port": 80}]}})
    head = {"name": f"{name}-1", "labels": {"kubernetes.io/service-name": name}}
    members: dict[str, Any] = {"addressType": "IPv4", "ports": [{"name": "http", "port": 8080}], "endpoints": [{"addresses": ["10.0.0.1"]}]}
    return [plain, decoded({"kind": "EndpointSlice", "metadata": head, **members})]


def sandbox(number: int) -> Object:
    names = CHANCE.sample(["s1", "s2", "gone"], CHANCE.choice([1, 2]))
    services = [{"name": name, "targetRef": {"name": CHANCE.choice(["t1", "t2", "t3"])}} for name in names]
    head = {"name": f"x{number % 8}", "creationTimestamp": CHANCE.choice(["", "2026-01-01T00:00:00Z"])}
    return decoded({"kind": "Sandbox", "metadata": head, "spec": {"routingKey": CHANCE.choice(["", "k1", "k2"]), "services": services}})


def group(number: int) -> Object:
    """The RouteGroup of the world with other rules: paths, headers and shares of keys that Sandboxes have."""
    routes: list[dict[str, Any]] = [
        {"targetSandbox": f"x{CHANCE.randrange(8)}", "routingKey": CHANCE.choice(["k1", "k2", "x1"]), **CHANCE.choice(CONDITIONS)}
        for _ in range(CHANCE.randrange(4))
    ]
    endpoints = [{"name": "e", "hostname": f"h{number}.example.com", "routingKey": "k1"}] * CHANCE.randrange(2)
    spec = {"parentRefs": [{"name": "edge", "sectionName": "web"}], "selector": {}, "routes": routes, "endpoints": endpoints}
    return decoded({"kind": "RouteGroup", "metadata": {"name": "previews"}, "spec": {**spec, "defaultRoutingKey": "all"}})


CONDITIONS: list[dict[str, Any]] = [
    {},
    {"paths": [{"prefix": "/pay"}, {"exact": "/x"}]},
    {"headers": {"V": "2"}, "weight": 30},
    {"additionalHeaders": {"X-Env": "a"}},
]
BASE += [*service("s1"), *service("s2"), *service("t1"), service("t2")[0]]  # t2 has no endpoint, t3 is not there
GROUPS = [group(number) for number in range(6)]
POOL = [sandbox(number) for number in range(24)] + [*service("t1"), *service("t2")]
histories = st.lists(st.tuples(st.integers(0, len(POOL) - 1), st.booleans()), max_size=12)


def started(flat: bool = False) -> Engine:
    engine = new_engine()
    engine.apply([(GROUP, "local", Group(flat=flat)), *changes(BASE)])
    return engine


def edits(history: list[tuple[int, bool]]) -> list[Any]:
    found = [(changes([POOL[index]])[0], keep) for index, keep in history]
    return [(table, key, one if keep else None) for (table, key, one), keep in found]


def routes(engine: Engine) -> dict[tuple[str, str], bytes]:
    assert engine.failures == {}
    found = {key: row.body for table in (OUT_ROUTES, OUT_LISTENER) for key, (row,) in engine.rows(table).items()}
    return {key: body for key, body in found.items() if not key[1].startswith("keys/")}  # no request is routed by those


def baselines(engine: Engine) -> dict[tuple[str, str], bytes]:
    """Clusters that requests without a key are sent to."""
    return {key: row.body for key, (row,) in engine.rows(OUT_CLUSTER).items() if not key[1].startswith("fork/")}


def without_keys(body: bytes) -> bytes:
    """A table for Envoys without the module, without the routes that ask for a key."""
    message = RouteConfiguration.FromString(body)
    for host in message.virtual_hosts:
        kept = [one for one in host.routes if all(header.name != HEADER for header in one.match.headers)]
        del host.routes[:]
        host.routes.extend(kept)
    return message.SerializeToString(deterministic=True)


@CASES
@given(histories)
def test_routes_are_the_same_bytes_with_any_set_of_sandboxes(history: list[tuple[int, bool]]) -> None:
    engine = started()
    before = routes(engine)
    engine.apply(edits(history))
    assert routes(engine) == before


@CASES
@given(histories, st.integers(0, len(GROUPS) - 1))
def test_routes_and_baselines_are_the_same_bytes_with_any_rules(history: list[tuple[int, bool]], rules: int) -> None:
    engine = started()
    before, clusters = routes(engine), baselines(engine)
    engine.apply([*edits(history), *changes([GROUPS[rules]])])
    assert routes(engine) == before
    assert {name: body for name, body in baselines(engine).items() if name in clusters} == clusters


@CASES
@given(histories)
def test_requests_without_a_key_meet_the_same_routes_where_there_is_no_module(history: list[tuple[int, bool]]) -> None:
    engine = started(flat=True)
    before = routes(engine)
    engine.apply([*edits(history), *changes([GROUPS[len(history) % len(GROUPS)]])])
    after = routes(engine)
    for name, body in before.items():
        assert after[name] == body or without_keys(after[name]) == without_keys(body)


@CASES
@given(st.lists(histories, min_size=1, max_size=4))
def test_any_history_ends_where_a_new_start_would(batches: list[list[tuple[int, bool]]]) -> None:
    engine, found = started(flat=True), [edits(history) for history in batches]
    for batch in found:
        engine.apply(batch)
    fresh = started(flat=True)
    fresh.apply([(table, key, one) for (table, key), one in {(table, key): one for batch in found for table, key, one in batch}.items()])
    assert {table: engine.rows(table) for table in engine.tables} == {table: fresh.rows(table) for table in fresh.tables}


def test_deleting_everything_leaves_nothing() -> None:
    engine = started(flat=True)
    engine.apply(edits([(index, True) for index in range(len(POOL))]))
    engine.apply([(GROUP, "local", None), *((table, key, None) for table in OBJECTS.values() for key in engine.rows(table))])
    assert engine.empty


def test_one_more_key_runs_the_same_few_rules_with_forty_keys_as_with_one() -> None:
    runs = []
    for there in (1, 40):
        engine = started()
        engine.apply(changes([PLAIN, *map(numbered, range(there))]))
        before = engine.runs
        engine.apply(changes([numbered(there)]))
        runs.append(engine.runs - before)
    assert runs[0] == runs[1] < 20


PLAIN = decoded({"kind": "RouteGroup", "metadata": {"name": "previews"}, "spec": {"parentRefs": [{"name": "edge"}]}})


def numbered(number: int) -> Object:
    spec = {"routingKey": f"n{number}", "services": [{"name": "s1", "targetRef": {"name": "t1"}}]}
    return decoded({"kind": "Sandbox", "metadata": {"name": f"n{number}"}, "spec": spec})


@settings(CASES, max_examples=40)
@given(histories, st.lists(st.integers(0, len(GROUPS) - 1), min_size=1, max_size=4))
def test_rules_that_come_and_go_leave_nothing_of_themselves(history: list[tuple[int, bool]], rules: list[int]) -> None:
    engine, fresh = started(flat=True), started(flat=True)
    engine.apply(edits(history))
    for number in rules:
        engine.apply(changes([GROUPS[number]]))
    fresh.apply([*{(table, key): (table, key, one) for table, key, one in edits(history)}.values(), *changes([GROUPS[rules[-1]]])])
    assert {table: engine.rows(table) for table in engine.tables} == {table: fresh.rows(table) for table in fresh.tables}
