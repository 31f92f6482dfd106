"""Claims about RouteGroups and Sandboxes as rules, with Gateways and routes around them and without Envoy's side."""

from __future__ import annotations

import json
from typing import Any

from tests.objects import changes, objects
from translator.engine import Engine
from translator.gatewayapi.rules import links, status
from translator.inputs import OBJECTS
from translator.ir.cluster import Fork, Use
from translator.ir.keys import KeyHost, KeyRule, KeyRules, KeyWay
from translator.ir.output import Group
from translator.ir.route import Place
from translator.ir.tables import (
    CHAIN,
    CLUSTER_USE,
    EXPIRED,
    FORK,
    FORK_KEY,
    GROUP,
    KEY_HOST,
    KEY_RULES,
    KEYED,
    OUT_FINDINGS,
    OUT_STATUS,
    PLACED,
    UNFOLLOWED,
)
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
PREFIX = "fork/default/previews/service/default/web/80/"
NAME = f"{PREFIX}alice"


def run(*texts: str, flat: bool = False) -> Engine:
    engine = Engine((*OBJECTS.values(), GROUP, EXPIRED, UNFOLLOWED), (*FRONTS, *links.STATUS, *status.RULES), (OUT_STATUS, OUT_FINDINGS))
    engine.apply([(GROUP, "local", Group(flat=flat)), *(change for text in texts for change in changes(objects(text)))])
    assert engine.failures == {}
    return engine


def codes(engine: Engine) -> list[tuple[str, str]]:
    return [(key[1], one.code) for key, rows in sorted(engine.rows(OUT_FINDINGS).items()) for one in rows[0]]


def condition(engine: Engine, kind: str, name: str) -> Any:
    found, *ready = engine.rows(OUT_STATUS)[kind, f"default/{name}"][0].conditions
    assert [(one.type, one.status) for one in ready] == ([("Ready", found.status)] if kind == "RouteGroup" else [])
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
    assert engine.rows(FORK) == {made: [Fork(to=Use("Service", "default/web-alice", 80), prefix=PREFIX, key="alice")]}
    assert ("local", made) in engine.rows(CLUSTER_USE)
    assert ("local", Use("Service", "default/web-alice", 80)) not in engine.rows(CLUSTER_USE)
    assert engine.rows(FORK_KEY) == {PREFIX: [KeyWay("alice", 0, NAME, KeyRule())]}
    assert condition(engine, "Sandbox", "alice") == (True, "Ready")


LATER = PREVIEWS.replace("previews", "later").replace("2025", "2026")


def test_groups_of_a_namespace_lead_keys_together() -> None:
    """The route table knows the older alone, whatever the younger leads to: its keys are forks of the older."""
    older = PREVIEWS.replace("admission:", "selector: {matchLabels: {of: nobody}}, admission:")
    engine = run(BASE, older, LATER.replace("admission:", "defaultRoutingKey: all, admission:"), ALICE)
    assert sorted(made.fork for made in engine.rows(FORK)) == [NAME, f"{PREFIX}all"]
    assert condition(engine, "Sandbox", "alice") == (True, "Ready")
    assert codes(engine) == []


def test_routes_of_the_older_group_go_before_those_of_the_younger() -> None:
    route = "routes: [{targetSandbox: alice, routingKey: k, paths: [{prefix: /%s}]}], admission:"
    engine = run(BASE, PREVIEWS.replace("admission:", route % "older"), LATER.replace("admission:", route % "later"), ALICE)
    assert [one.rules for one in engine.rows(KEY_RULES)["local", "default/previews/k"]] == [
        (KeyRule(prefixes=("/older",)), KeyRule(prefixes=("/later",)))
    ]


def test_group_that_reads_keys_otherwise_than_the_older_is_told_and_its_keys_are_led() -> None:
    engine = run(BASE, PREVIEWS, LATER.replace("admission:", "routingKeyHeader: x-other, admission:"), ALICE)
    assert [made.fork for made in engine.rows(FORK)] == [NAME]
    assert codes(engine) == [("default/later", "PM0702")]


def test_group_without_a_listener_of_the_older_leads_no_key_where_both_are() -> None:
    """Else its keys would be led where it is not."""
    wide, narrow = (
        PREVIEWS.replace("{name: edge, sectionName: a}", "{name: edge}"),
        LATER.replace("admission:", "defaultRoutingKey: all, admission:"),
    )
    engine = run(BASE, wide, narrow, ALICE)
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


def routed(*routes: dict[str, Any], **spec: Any) -> str:
    written = {"parentRefs": [{"name": "edge", "sectionName": "a"}], "admission": {"mode": "All"}, "routes": list(routes), **spec}
    return json.dumps({"kind": "RouteGroup", "metadata": {"name": "previews"}, "spec": written})


CANARY = {"targetSandbox": "alice", "routingKey": "k", "paths": [{"prefix": "/pay"}, {"exact": "/x"}], "headers": {"V": "2"}, "weight": 30}
REST = {"targetSandbox": "bob", "routingKey": "k", "additionalHeaders": {"X-Env": "bob"}}
BOB = ALICE.replace("name: alice", "name: bob")


def test_rules_of_a_key_are_rows_and_each_has_a_fork_of_its_own() -> None:
    engine = run(BASE, routed(CANARY, REST), ALICE, BOB)
    first = KeyRule(prefixes=("/pay",), exact=("/x",), headers=(("v", "2"),), weight=30)
    assert engine.rows(KEY_RULES) == {("local", "default/previews/k"): [KeyRules(f"{PREFIX}k", (first, KeyRule()))]}
    assert {made.fork: fork.sets for made, (fork,) in engine.rows(FORK).items()} == {
        f"{PREFIX}k/0": (),
        f"{PREFIX}k/1": (("x-env", "bob"),),
    }
    assert engine.rows(FORK_KEY) == {PREFIX: [KeyWay("k", 0, f"{PREFIX}k/0", first), KeyWay("k", 1, f"{PREFIX}k/1", KeyRule())]}
    assert codes(engine) == []


def test_route_that_takes_all_of_its_key_needs_no_rules_even_where_it_sets_headers() -> None:
    engine = run(BASE, routed(REST), BOB)
    assert (engine.rows(KEY_RULES), [made.fork for made in engine.rows(FORK)]) == ({}, [f"{PREFIX}k"])


def test_path_of_everything_is_no_condition() -> None:
    assert run(BASE, routed({**REST, "paths": [{"prefix": "/"}, {"exact": "/x"}]}), BOB).rows(KEY_RULES) == {}


def test_rule_behind_one_that_takes_all_is_told_to_its_sandbox() -> None:
    engine = run(BASE, routed(REST, CANARY), ALICE, BOB)
    assert codes(engine) == [("default/alice", "PM0705")]
    assert condition(engine, "Sandbox", "alice") == (False, "Conflicted")


def test_route_of_a_selected_sandbox_narrows_what_its_key_takes() -> None:
    engine = run(BASE, routed({"targetSandbox": "alice", "routingKey": "alice", "paths": [{"prefix": "/pay"}]}, selector={}), ALICE)
    assert engine.rows(KEY_RULES) == {("local", "default/previews/alice"): [KeyRules(NAME, (KeyRule(prefixes=("/pay",)),))]}
    assert codes(engine) == []


def test_rule_whose_target_is_gone_still_keeps_its_requests_from_the_next() -> None:
    gone = ALICE.replace("web-alice", "gone")
    engine = run(BASE, routed(CANARY, REST), gone, BOB)
    assert [way.cluster for way in engine.rows(FORK_KEY)[PREFIX]] == ["", f"{PREFIX}k/1"]
    assert len(engine.rows(KEY_RULES)["local", "default/previews/k"][0].rules) == 2


def test_route_with_a_header_that_is_none_counts_for_nothing_and_is_told() -> None:
    for bad in ({"headers": {"a b": "1"}}, {"additionalHeaders": {"Host": "x"}}, {"additionalHeaders": {"x-envoy-retry-on": "5xx"}}):
        engine = run(BASE, routed({**REST, **bad}), BOB)
        assert engine.rows(FORK) == {}
        assert ("default/previews", "PM0709") in codes(engine)


def test_route_or_endpoint_without_any_key_is_told() -> None:
    engine = run(BASE, routed({"targetSandbox": "bob"}, endpoints=[{"name": "e", "hostname": "e.example"}]), BOB)
    assert [code for _, code in codes(engine)].count("PM0708") == 2


def test_host_of_an_endpoint_has_its_key_where_the_group_is_heard() -> None:
    endpoints = [{"name": "a", "hostname": "a.example"}, {"name": "b", "hostname": "a.example", "routingKey": "late"}, {"name": "c"}]
    engine = run(BASE, routed(endpoints=endpoints, defaultRoutingKey="k"))
    assert engine.rows(KEY_HOST) == {("local", "default/previews/k"): [KeyHost("default/previews", "a.example", "k")]}


def test_endpoint_is_enough_for_a_key_to_be_believed() -> None:
    endpoint = {"name": "a", "hostname": "a.example", "routingKey": "k"}
    assert codes(run(BASE, routed(endpoints=[endpoint], admission={"mode": "None"}))) == []


SET = """
kind: ListenerSet
metadata: {name: more}
spec: {parentRef: {name: edge}, listeners: [{name: c, port: 82, protocol: HTTP}]}
"""


def test_listener_of_a_listener_set_reads_keys() -> None:
    open_edge = BASE.replace("gatewayClassName: pointsman,", "gatewayClassName: pointsman, allowedListeners: {namespaces: {from: All}},", 1)
    engine = run(open_edge, SET, PREVIEWS.replace("{name: edge, sectionName: a}", "{kind: ListenerSet, name: more}"))
    assert keys_of_ports(engine) == {80: False, 81: False, 82: True}
    assert condition(engine, "RouteGroup", "previews") == (True, "Accepted")
    assert run(BASE, SET, PREVIEWS.replace("{name: edge, sectionName: a}", "{kind: ListenerSet, name: gone}")).rows(OUT_FINDINGS)


def test_certificates_admit_nobody_where_none_is_verified() -> None:
    engine = run(BASE, PREVIEWS.replace("{mode: All}", "{sources: [10.0.0.0/8], certificates: [ci.example]}"))
    assert codes(engine) == [("default/previews", "PM0710")]
    (reading,) = [chain.keys for (chain,) in engine.rows(CHAIN).values() if chain.keys]
    assert (reading.admit, reading.sources, reading.peers) == ("none", ("10.0.0.0/8",), ())
