"""What a proxy refused ends on the object that caused it, in its condition and findings, and on no other."""

from __future__ import annotations

from typing import Any

from protos.v3 import framed
from tests.objects import changes, objects
from translator.engine import Engine
from translator.envoy_v3.anatomy import ENDPOINTS, ROUTES, cut
from translator.ir.output import Group, Status, fingerprint
from translator.ir.quarantine import ROUTE, Poison, Quarantined
from translator.ir.tables import GROUP, OUT_CLUSTER, OUT_ENDPOINTS, OUT_FINDINGS, OUT_HELD, OUT_LISTENER, OUT_ROUTES, OUT_STATUS, QUARANTINE
from translator.program import engine

WORLD = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: pointsman}
spec: {controllerName: pointsman.io/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: pointsman, listeners: [{name: http, port: 8080, protocol: HTTP}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: cart-1, labels: {kubernetes.io/service-name: cart}}
addressType: IPv4
ports: [{name: http, port: 8000}]
endpoints: [{addresses: [10.0.0.1]}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: cart-2, labels: {kubernetes.io/service-name: cart}}
addressType: IPv4
ports: [{name: http, port: 8000}]
endpoints: [{addresses: [10.0.0.2]}]
---
apiVersion: pointsman.io/v1alpha1
kind: Backend
metadata: {name: old}
spec: {endpoints: [{ip: {address: 10.0.0.3, port: 1}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: cart}
spec:
  parentRefs: [{name: edge}]
  rules:
  - {matches: [{path: {type: PathPrefix, value: /cart}}], backendRefs: [{name: cart, port: 80}]}
  - {matches: [{path: {type: PathPrefix, value: /old}}], backendRefs: [{group: pointsman.io, kind: Backend, name: old}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: other}
spec:
  parentRefs: [{name: edge}]
  rules: [{matches: [{path: {type: PathPrefix, value: /other}}], backendRefs: [{name: cart, port: 80}]}]
"""
RC, CLUSTER = "local/8080/http/1/0", "service/default/cart/80"
OWNER = "httproute/default/cart"


def world() -> Engine:
    found = engine()
    found.apply([(GROUP, "local", Group()), *changes(objects(WORLD))])
    return found


def body(of: Engine, table: Any, name: str) -> bytes:
    made = of.get(table, ("local", name))
    assert made is not None
    return bytes(made.body)


def refuse(of: Engine, what: str, name: str, state: bytes, part: str = "", good: bytes = b"", *, doubted: bool = False) -> None:
    row = Quarantined((Poison(digest=fingerprint(state), message="no such thing", part=part, good=good, doubted=doubted),))
    of.apply([(QUARANTINE, (what, name), row)])
    assert not of.failures


def findings(of: Engine) -> dict[tuple[str, str], list[str]]:
    return {key: [one.code for one in found] for key, (found,) in of.rows(OUT_FINDINGS).items()}


def conditions(of: Engine, kind: str, key: str) -> dict[str, tuple[bool, str, str]]:
    status = of.get(OUT_STATUS, (kind, key))
    assert isinstance(status, Status)
    of_object = status.parents[0].conditions if status.parents else status.conditions
    return {one.type: (one.status, one.reason, one.message) for one in of_object}


def route(of: Engine, number: int) -> bytes:
    return next(one.body for one in cut(ROUTES, body(of, OUT_ROUTES, RC)).parts() if one.name == f"{OWNER}/{number}/0")


def test_one_rule_of_a_route() -> None:
    of = world()
    refuse(of, ROUTE, OWNER, route(of, 1))
    assert findings(of) == {("HTTPRoute", "default/cart"): ["PM0605"]}
    held = conditions(of, "HTTPRoute", "default/cart")
    assert held["Accepted"][0]
    assert held["PartiallyInvalid"][2] == "Dropped Rule 1: PM0605: Envoy refuses this route, it is left out: no such thing"
    assert conditions(of, "HTTPRoute", "default/other").keys() == {"Accepted", "ResolvedRefs"}
    assert list(of.rows(OUT_HELD)) == [(ROUTE, OWNER, fingerprint(route(world(), 1)))]


def test_one_rule_that_is_served_as_it_was() -> None:
    of = world()
    before = framed(ROUTES.part, route(of, 1))
    refuse(of, ROUTE, OWNER, route(of, 1), good=before)
    assert findings(of) == {("HTTPRoute", "default/cart"): ["PM0606"]}
    message = conditions(of, "HTTPRoute", "default/cart")["PartiallyInvalid"][2]
    assert message.startswith("Fall Back to the last accepted state of Rule 1: PM0606: Envoy refuses this route")


def test_all_rules_of_a_route() -> None:
    of = world()
    poisons = tuple(Poison(digest=fingerprint(route(of, number)), message="no such thing") for number in (0, 1))
    of.apply([(QUARANTINE, (ROUTE, OWNER), Quarantined(poisons))])
    accepted, reason, message = conditions(of, "HTTPRoute", "default/cart")["Accepted"]
    assert (accepted, reason) == (False, "UnsupportedValue")
    assert "no such thing" in message


def test_doubted_refusal_fails_no_condition() -> None:
    of = world()
    refuse(of, ROUTE, OWNER, route(of, 1), doubted=True)
    assert findings(of) == {("HTTPRoute", "default/cart"): ["PM0607"]}
    assert conditions(of, "HTTPRoute", "default/cart").keys() == {"Accepted", "ResolvedRefs"}


def test_listener() -> None:
    of = world()
    refuse(of, OUT_LISTENER.name, "local/8080", body(of, OUT_LISTENER, "local/8080"))
    assert findings(of) == {("Gateway", "default/edge"): ["PM0605"]}
    status = of.get(OUT_STATUS, ("Gateway", "default/edge"))
    assert status is not None
    (programmed,) = [one for one in status.listeners[0].conditions if one.type == "Programmed"]
    assert (programmed.status, programmed.reason) == (False, "Invalid")
    assert "PM0605: Envoy refuses this listener, it is left out: no such thing" in programmed.message


def test_cluster_of_a_service_is_told_to_no_slice() -> None:
    of = world()
    refuse(of, OUT_CLUSTER.name, CLUSTER, body(of, OUT_CLUSTER, CLUSTER))
    assert findings(of) == {("Service", "default/cart"): ["PM0605"]}


def test_cluster_of_a_backend() -> None:
    of = world()
    refuse(of, OUT_CLUSTER.name, "backend/default/old", body(of, OUT_CLUSTER, "backend/default/old"))
    assert findings(of) == {("Backend", "default/old"): ["PM0605"]}
    assert conditions(of, "Backend", "default/old")["Programmed"][:2] == (False, "RefusedByProxy")


def test_one_endpoint_is_told_to_its_slice_only() -> None:
    of = world()
    members = body(of, OUT_ENDPOINTS, CLUSTER)
    bad = next(one for one in cut(ENDPOINTS, members).parts() if one.name == "10.0.0.2:8000")
    refuse(of, OUT_ENDPOINTS.name, CLUSTER, bad.body, bad.name)
    assert findings(of) == {("EndpointSlice", "default/cart-2"): ["PM0605"]}
    assert [one.name for one in cut(ENDPOINTS, body(of, OUT_ENDPOINTS, CLUSTER)).parts()] == ["10.0.0.1:8000"]


def test_all_endpoints_are_told_to_all_slices() -> None:
    of = world()
    refuse(of, OUT_ENDPOINTS.name, CLUSTER, body(of, OUT_ENDPOINTS, CLUSTER))
    assert findings(of) == {("EndpointSlice", "default/cart-1"): ["PM0605"], ("EndpointSlice", "default/cart-2"): ["PM0605"]}


def test_endpoint_of_a_backend_is_told_to_it() -> None:
    of = world()
    name = "backend/default/old"
    refuse(of, OUT_ENDPOINTS.name, name, cut(ENDPOINTS, body(of, OUT_ENDPOINTS, name)).members[-1].parts[0].body, "10.0.0.3:1")  # type: ignore[union-attr]
    assert findings(of) == {("Backend", "default/old"): ["PM0605"]}
    assert "10.0.0.3:1" in conditions(of, "Backend", "default/old")["Programmed"][2]


def test_all_is_as_it_was_when_the_quarantine_is_lifted() -> None:
    of = world()
    before = {table: of.rows(table) for table in of.tables if table is not QUARANTINE}
    refuse(of, ROUTE, OWNER, route(of, 1))
    of.apply([(QUARANTINE, (ROUTE, OWNER), None)])
    assert {table: of.rows(table) for table in before} == before
