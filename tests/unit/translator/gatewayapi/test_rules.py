"""Claims about the rules of Gateway API, run by an engine of their own without Envoy's side."""

from __future__ import annotations

from typing import Any

import pytest

from tests.objects import changes, objects
from translator.engine import Engine
from translator.gatewayapi.rules import status
from translator.inputs import HTTP_ROUTE, OBJECTS
from translator.ir.cluster import Endpoint, Use
from translator.ir.finding import Finding
from translator.ir.output import Group
from translator.ir.route import Answer, Forward, Place
from translator.ir.tables import (
    CHAIN,
    CLUSTER,
    CLUSTER_USE,
    ENDPOINTS,
    ENTRIES,
    GROUP,
    HOST,
    OUT_FINDINGS,
    OUT_STATUS,
    PLACED,
    REFUSED,
    UNFOLLOWED,
)
from translator.program import FRONTS

RULES = (*FRONTS, *status.RULES)
BASE = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: pointsman}
spec: {controllerName: pointsman.io/gateway-controller}
---
kind: Gateway
metadata: {name: edge, namespace: infra}
spec:
  gatewayClassName: pointsman
  listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
---
kind: Service
metadata: {name: cart, namespace: shop}
spec: {ports: [{name: http, port: 8080, targetPort: 3000}]}
"""
ROUTE = """
kind: HTTPRoute
metadata: {name: cart, namespace: shop}
spec:
  parentRefs: [{name: edge, namespace: infra}]
  hostnames: [shop.example.com]
  rules: [{backendRefs: [{name: cart, port: 8080}]}]
"""


def run(*texts: str) -> Engine:
    engine = Engine((*OBJECTS.values(), GROUP, REFUSED, UNFOLLOWED), RULES, (OUT_STATUS, OUT_FINDINGS))
    engine.apply([(GROUP, "local", Group()), *(change for text in texts for change in changes(objects(text)))])
    assert engine.failures == {}
    return engine


def row(engine: Engine, table: Any, key: Any) -> Any:
    return engine.rows(table)[key][0]


def conditions(engine: Engine, kind: str, key: str, parent: int = 0) -> dict[str, tuple[bool, str]]:
    found = row(engine, OUT_STATUS, (kind, key))
    held = found.parents[parent].conditions if found.parents else found.conditions
    return {one.type: (one.status, one.reason) for one in held}


def codes(engine: Engine) -> set[tuple[str, str]]:
    return {(key[1], finding.code) for key, rows in engine.rows(OUT_FINDINGS).items() for finding in rows[0]}


def test_a_route_reaches_its_listener_and_stands_under_its_host() -> None:
    engine = run(BASE, ROUTE)
    assert engine.rows(PLACED) == {"HTTPRoute/shop/cart": [Place("local/80/http", "shop.example.com")]}
    assert conditions(engine, "HTTPRoute", "shop/cart") == {"Accepted": (True, "Accepted"), "ResolvedRefs": (True, "ResolvedRefs")}
    assert row(engine, OUT_STATUS, ("Gateway", "infra/edge")).listeners[0].attached_routes == 1
    assert codes(engine) == set()


def test_a_cluster_is_used_while_an_attached_route_names_it() -> None:
    engine = run(BASE, ROUTE)
    assert list(engine.rows(CLUSTER_USE)) == [("local", Use("Service", "shop/cart", 8080))]
    engine.apply([(HTTP_ROUTE, "shop/cart", None)])
    assert engine.rows(CLUSTER_USE) == engine.rows(CLUSTER) == engine.rows(ENDPOINTS) == {}


def test_a_gateway_of_another_controller_is_left_alone() -> None:
    engine = run(BASE.replace("pointsman.io/gateway-controller", "example.com/other"), ROUTE)
    assert engine.rows(OUT_STATUS) == engine.rows(CHAIN) == engine.rows(OUT_FINDINGS) == {}


def test_a_gateway_of_a_class_that_is_not_accepted_is_not_served() -> None:
    ref = "parametersRef: {group: example.com, kind: Settings, name: x}"
    engine = run(BASE.replace("gateway-controller}", f"gateway-controller, {ref}}}"), ROUTE)
    assert engine.rows(CHAIN) == engine.rows(PLACED) == {}
    assert codes(engine) == {("pointsman", "PM0308")}
    assert conditions(engine, "GatewayClass", "pointsman") == {"Accepted": (False, "InvalidParameters")}


def test_a_gateway_of_a_class_that_nobody_declared_is_told() -> None:
    assert codes(run(BASE.replace("gatewayClassName: pointsman", "gatewayClassName: typo"))) == {("infra/edge", "PM0301")}


def test_a_parent_that_does_not_exist_is_a_finding_and_no_status() -> None:
    engine = run(BASE, ROUTE.replace("name: edge", "name: egde"))
    assert codes(engine) == {("shop/cart", "PM0401")}
    assert ("HTTPRoute", "shop/cart") not in engine.rows(OUT_STATUS)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(
            ("{name: edge, namespace: infra}", "{name: edge, namespace: infra, sectionName: x}"), "NoMatchingParent", id="section"
        ),
        pytest.param(("{name: edge, namespace: infra}", "{name: edge, namespace: infra, port: 81}"), "NoMatchingParent", id="port"),
        pytest.param(("from: All", "from: Same"), "NotAllowedByListeners", id="namespace"),
        pytest.param(("protocol: HTTP,", "protocol: HTTP, hostname: other.com,"), "NoMatchingListenerHostname", id="hostname"),
    ],
)
def test_a_route_that_reaches_nothing_is_not_accepted(change: tuple[str, str], reason: str) -> None:
    engine = run(BASE.replace(*change), ROUTE.replace(*change))
    assert conditions(engine, "HTTPRoute", "shop/cart")["Accepted"] == (False, reason)
    assert row(engine, OUT_STATUS, ("Gateway", "infra/edge")).listeners[0].attached_routes == 0
    assert engine.rows(PLACED) == {}


def test_a_namespace_is_selected_by_its_labels_and_by_its_name() -> None:
    selector = "{from: Selector, selector: {matchLabels: {team: shop}}}"
    gateway = BASE.replace("{from: All}", selector)
    assert run(gateway, ROUTE).rows(PLACED) == {}
    assert run(gateway, ROUTE, "kind: Namespace\nmetadata: {name: shop, labels: {team: shop}}").rows(PLACED)
    assert run(gateway.replace("team: shop", "kubernetes.io/metadata.name: shop"), ROUTE).rows(PLACED)


LISTENERS = """
kind: Gateway
metadata: {name: edge, namespace: infra}
spec:
  gatewayClassName: pointsman
  listeners:
  - {name: any, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - {name: wild, port: 80, protocol: HTTP, hostname: "*.example.com", allowedRoutes: {namespaces: {from: All}}}
  - {name: one, port: 80, protocol: HTTP, hostname: a.example.com, allowedRoutes: {namespaces: {from: All}}}
"""


def test_a_host_belongs_to_its_most_specific_listener_alone() -> None:
    def hosts(section: str, hostnames: str) -> list[str]:
        ref = f"{{name: edge, namespace: infra, sectionName: {section}}}"
        route = ROUTE.replace("{name: edge, namespace: infra}", ref).replace("[shop.example.com]", hostnames)
        return sorted(place.host for place in run(BASE, LISTENERS, route).rows(PLACED).get("HTTPRoute/shop/cart", ()))

    assert hosts("any", "[a.example.com, b.example.com, c.com]") == ["c.com"]
    assert hosts("any", "[]") == ["*"]
    assert hosts("wild", "[a.example.com, b.example.com]") == ["b.example.com"]
    assert hosts("one", "[]") == ["a.example.com"]


def test_the_host_of_a_listener_is_its_own_even_without_a_route() -> None:
    assert set(run(BASE, LISTENERS).rows(HOST)) == {Place("local/80/http", "*.example.com"), Place("local/80/http", "a.example.com")}


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        pytest.param("{name: gone, port: 8080}", "BackendNotFound", id="missing-service"),
        pytest.param("{name: cart, port: 1}", "BackendNotFound", id="missing-port"),
        pytest.param("{name: cart, namespace: other, port: 8080}", "RefNotPermitted", id="no-grant"),
        pytest.param("{name: cart, kind: Pod, port: 8080}", "InvalidKind", id="odd-kind"),
        pytest.param("{name: legacy, kind: Backend, group: pointsman.io}", "BackendNotFound", id="missing-backend"),
    ],
)
def test_a_reference_that_means_nothing_answers_500_and_says_why(ref: str, reason: str) -> None:
    engine = run(BASE, ROUTE.replace("{name: cart, port: 8080}", ref))
    assert conditions(engine, "HTTPRoute", "shop/cart") == {"Accepted": (True, "Accepted"), "ResolvedRefs": (False, reason)}
    assert row(engine, ENTRIES, "HTTPRoute/shop/cart")[0].action == Answer(500)
    (finding,) = row(engine, OUT_FINDINGS, ("HTTPRoute", "shop/cart"))
    assert finding.path == ("spec", "rules", 0, "backendRefs", 0)


def test_a_bad_backend_keeps_its_weight() -> None:
    refs = "{name: cart, port: 8080, weight: 9}, {name: gone, port: 8080}"
    action = row(run(BASE, ROUTE.replace("{name: cart, port: 8080}", refs)), ENTRIES, "HTTPRoute/shop/cart")[0].action
    assert [(share.cluster, share.weight) for share in action.shares] == [("service/shop/cart/8080", 9), ("", 1)]


GRANT = """
kind: ReferenceGrant
metadata: {name: g, namespace: other}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}]
  to: [{group: "", kind: Service}]
---
kind: Service
metadata: {name: cart, namespace: other}
spec: {ports: [{port: 8080}]}
"""


def test_a_grant_opens_another_namespace_and_its_removal_closes_it() -> None:
    engine = run(BASE, GRANT, ROUTE.replace("{name: cart, port", "{name: cart, namespace: other, port"))
    assert conditions(engine, "HTTPRoute", "shop/cart")["ResolvedRefs"] == (True, "ResolvedRefs")
    engine.apply([(OBJECTS["ReferenceGrant"], "other/g", None)])
    assert conditions(engine, "HTTPRoute", "shop/cart")["ResolvedRefs"] == (False, "RefNotPermitted")


def test_a_filter_that_is_not_served_answers_500_for_its_rule_alone() -> None:
    unserved = "filters: [{type: ExtensionRef, extensionRef: {name: x}}]"
    rules = f"[{{matches: [{{path: {{value: /x}}}}], {unserved}, backendRefs: [{{name: cart, port: 8080}}]}},"
    engine = run(BASE, ROUTE.replace("rules: [", f"rules: {rules}"))
    bad, good = row(engine, ENTRIES, "HTTPRoute/shop/cart")
    assert bad.action == Answer(500)
    assert isinstance(good.action, Forward)
    found = conditions(engine, "HTTPRoute", "shop/cart")
    assert (found["Accepted"], found["PartiallyInvalid"]) == ((True, "Accepted"), (True, "UnsupportedValue"))


def test_a_route_whose_rules_are_all_dropped_is_not_accepted_and_serves_nothing() -> None:
    engine = run(BASE, ROUTE.replace("rules: [{", "rules: [{filters: [{type: ExtensionRef, extensionRef: {name: x}}], "))
    assert conditions(engine, "HTTPRoute", "shop/cart")["Accepted"] == (False, "UnsupportedValue")
    assert engine.rows(PLACED) == engine.rows(CLUSTER_USE) == {}
    assert row(engine, OUT_STATUS, ("Gateway", "infra/edge")).listeners[0].attached_routes == 0


def test_what_envoy_would_refuse_makes_its_route_partially_invalid() -> None:
    engine = run(BASE, ROUTE.replace("rules: [{", "rules: [{matches: [{path: {value: /x}}, {path: {value: /y}}], "))
    finding = Finding(code="PM0602", kind="HTTPRoute", key="shop/cart", message="no", path=("spec", "rules", 0, "matches", 0))
    engine.apply([(REFUSED, ("HTTPRoute", "shop/cart"), finding)])
    assert conditions(engine, "HTTPRoute", "shop/cart")["PartiallyInvalid"] == (True, "UnsupportedValue")
    assert codes(engine) == {("shop/cart", "PM0602")}


def test_a_rule_without_backends_answers_500_unless_it_redirects() -> None:
    bare = ROUTE.replace("backendRefs: [{name: cart, port: 8080}]", "filters: []")
    assert row(run(BASE, bare), ENTRIES, "HTTPRoute/shop/cart")[0].action == Answer(500)
    redirect = bare.replace("filters: []", "filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]")
    assert row(run(BASE, redirect), ENTRIES, "HTTPRoute/shop/cart")[0].action == Forward(shares=())


SLICE = """
kind: EndpointSlice
metadata: {name: cart-1, namespace: shop, labels: {kubernetes.io/service-name: cart}}
addressType: IPv4
ports: [{name: http, port: 3000}]
endpoints: [{addresses: [10.0.0.1], conditions: {ready: true}}]
"""


def test_endpoints_come_from_the_slices_of_the_service() -> None:
    engine = run(BASE, ROUTE, SLICE)
    assert row(engine, ENDPOINTS, Use("Service", "shop/cart", 8080)).endpoints == (Endpoint("10.0.0.1", 3000),)


def test_a_slice_that_changes_runs_two_rules() -> None:
    engine = run(BASE, ROUTE, SLICE)
    before = engine.runs
    engine.apply(changes(objects(SLICE.replace("10.0.0.1", "10.0.0.2"))))
    assert engine.runs - before == 2


BACKEND = """
kind: Backend
metadata: {name: legacy, namespace: shop}
spec: {endpoints: [{ip: {address: 10.1.1.1, port: 80}}]}
"""


@pytest.mark.parametrize(
    ("endpoint", "discovery", "found"),
    [
        pytest.param("{ip: {address: 10.1.1.1, port: 80}}", "eds", Endpoint("10.1.1.1", 80), id="ip"),
        pytest.param("{unix: {path: /run/x.sock}}", "eds", Endpoint("/run/x.sock", 0), id="unix"),
        pytest.param("{fqdn: {hostname: x.example.com, port: 80}}", "dns", Endpoint("x.example.com", 80), id="fqdn"),
    ],
)
def test_a_backend_of_our_own_is_an_upstream(endpoint: str, discovery: str, found: Endpoint) -> None:
    backend = BACKEND.replace("{ip: {address: 10.1.1.1, port: 80}}", endpoint)
    engine = run(BASE, backend, ROUTE.replace("{name: cart, port: 8080}", "{name: legacy, kind: Backend, group: pointsman.io}"))
    use = Use("Backend", "shop/legacy")
    cluster = row(engine, CLUSTER, use)
    assert (cluster.name, cluster.discovery) == ("backend/shop/legacy", discovery)
    endpoints = cluster.endpoints if discovery == "dns" else row(engine, ENDPOINTS, use).endpoints
    assert endpoints == (found,)


def test_conflicting_listeners_are_both_told_and_neither_serves() -> None:
    engine = run(BASE, LISTENERS.replace("hostname: a.example.com", 'hostname: "*.example.com"'))
    states = {
        one.name: {c.type: (c.status, c.reason) for c in one.conditions}
        for one in row(engine, OUT_STATUS, ("Gateway", "infra/edge")).listeners
    }
    assert states["wild"]["Conflicted"] == states["one"]["Conflicted"] == (True, "HostnameConflict")
    assert states["wild"]["Accepted"] == (False, "HostnameConflict")
    assert states["any"]["Accepted"] == (True, "Accepted")
    assert conditions(engine, "Gateway", "infra/edge")["Accepted"] == (True, "ListenersNotValid")


def test_a_port_that_the_offset_moves_out_of_range_is_told_and_its_listener_is_not_served() -> None:
    engine = run(BASE)
    assert codes(engine) == set()
    engine.apply([(GROUP, "local", Group(port_offset=-80))])
    assert codes(engine) == {("infra/edge", "PM0307")}
    assert conditions(engine, "Gateway", "infra/edge")["Programmed"] == (False, "Invalid")
    (listener,) = row(engine, OUT_STATUS, ("Gateway", "infra/edge")).listeners
    assert ("Accepted", False, "PortUnavailable") in {(one.type, one.status, one.reason) for one in listener.conditions}
    assert engine.rows(CHAIN) == {}


def test_a_listener_that_envoy_would_refuse_is_accepted_and_not_programmed() -> None:
    engine = run(BASE)
    (chain,) = engine.rows(CHAIN).values()
    ((kind, key, path),) = chain[0].origins
    engine.apply([(REFUSED, (kind, key), Finding(code="PM0601", kind=kind, key=key, message="no", path=path))])
    assert conditions(engine, "Gateway", "infra/edge")["Programmed"] == (False, "Invalid")
    (listener,) = row(engine, OUT_STATUS, ("Gateway", "infra/edge")).listeners
    assert {one.type: one.status for one in listener.conditions}["Programmed"] is False
    assert codes(engine) == {("infra/edge", "PM0601")}


def test_a_static_address_is_bound_and_an_odd_one_is_refused() -> None:
    gateway = BASE.replace("gatewayClassName: pointsman\n", "gatewayClassName: pointsman\n  addresses: [{value: 127.0.0.9}]\n")
    assert [port.address for port in run(gateway).rows(CHAIN)] == ["127.0.0.9"]
    odd = gateway.replace("{value: 127.0.0.9}", "{type: Hostname, value: x.com}")
    assert conditions(run(odd), "Gateway", "infra/edge")["Accepted"] == (False, "UnsupportedAddress")


def test_session_that_cannot_be_kept_is_said_and_the_rule_works() -> None:
    engine = run(BASE, ROUTE.replace("rules: [{", "rules: [{sessionPersistence: {absoluteTimeout: 1h}, "))
    assert codes(engine) == {("shop/cart", "PM0404")}
    assert conditions(engine, "HTTPRoute", "shop/cart")["Accepted"] == (True, "Accepted")
