"""Claims about RouteGroups and Sandboxes as rules, with Gateways and routes around them and without Envoy's side."""

from __future__ import annotations

from typing import Any

from tests.objects import changes, objects
from translator.engine import Engine
from translator.gatewayapi.rules import status
from translator.inputs import OBJECTS
from translator.ir.cluster import Use
from translator.ir.output import Group
from translator.ir.route import Place
from translator.ir.tables import CHAIN, CLUSTER_USE, FORK, FORK_KEY, GROUP, KEYED, OUT_FINDINGS, OUT_STATUS, PLACED
from translator.program import FRONTS

BASE = """
kind: GatewayClass
metadata: {name: pointsman}
spec: {controllerName: pointsman.io/gateway-controller}
---
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: pointsman, listeners: [{name: a, port: 80, protocol: HTTP}, {name: b, port: 81, protocol: HTTP}]}
---
kind: HTTPRoute
metadata: {name: web}
spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: web, port: 80}]}]}
---
kind: Service
metadata: {name: web}
spec: {ports: [{name: http, port: 80}]}
---
kind: Service
metadata: {name: web-alice}
spec: {ports: [{name: http, port: 80}]}
---
kind: EndpointSlice
metadata: {name: web-alice-1, labels: {kubernetes.io/service-name: web-alice}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [10.0.0.1]}]
"""
PREVIEWS = """
kind: RouteGroup
metadata: {name: previews, creationTimestamp: "2025-01-01T00:00:00Z"}
spec: {parentRefs: [{name: edge, sectionName: a}], admission: {mode: All}}
"""
ALICE = """
kind: Sandbox
metadata: {name: alice}
spec: {services: [{name: web, targetRef: {name: web-alice}}]}
"""
NAME = "fork/default/previews/service/default/web/80/alice"


def run(*texts: str, flat: bool = False) -> Engine:
    engine = Engine((*OBJECTS.values(), GROUP), (*FRONTS, *status.RULES), (OUT_STATUS, OUT_FINDINGS))
    engine.apply([(GROUP, "local", Group(flat=flat)), *(change for text in texts for change in changes(objects(text)))])
    assert engine.failures == {}
    return engine


def codes(engine: Engine) -> list[tuple[str, str]]:
    return [(key[1], one.code) for key, rows in sorted(engine.rows(OUT_FINDINGS).items()) for one in rows[0]]


def condition(engine: Engine, kind: str, name: str) -> Any:
    (found,) = engine.rows(OUT_STATUS)[kind, f"default/{name}"][0].conditions
    return found.status, found.reason


def keys_of_ports(engine: Engine) -> dict[int, bool]:
    return {port.port: chain.keys is not None for port, (chain,) in engine.rows(CHAIN).items()}


def test_listener_of_the_group_reads_keys_and_its_routes_have_forks_and_no_other() -> None:
    engine = run(BASE, PREVIEWS)
    assert keys_of_ports(engine) == {80: True, 81: False}
    ((keyed,),) = engine.rows(KEYED).values()
    assert keyed.place == Place("local/80/http", "*")
    assert engine.rows(PLACED) == {"HTTPRoute/default/web": [Place("local/81/http", "*")]}


def test_without_a_group_nothing_of_this_is_there() -> None:
    engine = run(BASE, ALICE)
    assert (engine.rows(KEYED), engine.rows(FORK), keys_of_ports(engine)) == ({}, {}, {80: False, 81: False})
    assert condition(engine, "Sandbox", "alice") == (False, "NoRouteGroup")


def test_fork_is_the_target_under_a_name_that_ends_with_the_key() -> None:
    engine = run(BASE, PREVIEWS, ALICE)
    made = Use("Sandbox", "default/alice", fork=NAME)
    assert engine.rows(FORK) == {made: [Use("Service", "default/web-alice", 80)]}
    assert ("local", made) in engine.rows(CLUSTER_USE)
    assert ("local", Use("Service", "default/web-alice", 80)) not in engine.rows(CLUSTER_USE)
    assert engine.rows(FORK_KEY) == {NAME.removesuffix("alice"): ["alice"]}
    assert condition(engine, "Sandbox", "alice") == (True, "Ready")


def test_older_group_of_a_namespace_counts_and_the_other_is_told() -> None:
    engine = run(BASE, PREVIEWS, PREVIEWS.replace("previews", "later").replace("2025", "2026"), ALICE)
    assert [made.fork for made in engine.rows(FORK)] == [NAME]
    assert ("default/later", "PM0702") in codes(engine)
    assert condition(engine, "Sandbox", "alice") == (True, "Ready")


def test_proxy_without_the_module_is_told_to_the_group_it_costs() -> None:
    assert codes(run(BASE, PREVIEWS, flat=True)) == [("default/previews", "PM0703")]
    assert codes(run(BASE, PREVIEWS)) == []


def test_group_that_believes_nobody_and_has_no_host_is_told() -> None:
    text = PREVIEWS.replace(", admission: {mode: All}", "")
    assert codes(run(BASE, text)) == [("default/previews", "PM0704")]
    assert codes(run(BASE, text.replace("sectionName: a}]", 'sectionName: a}], previewHosts: ["*.x.example"]'))) == []


def test_group_of_a_gateway_that_is_not_there_is_not_accepted() -> None:
    engine = run(BASE, PREVIEWS.replace("name: edge", "name: gone"))
    assert condition(engine, "RouteGroup", "previews") == (False, "NoMatchingParent")
    assert codes(engine) == [("default/previews", "PM0701")]
