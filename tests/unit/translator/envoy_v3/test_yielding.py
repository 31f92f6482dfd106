"""Claims about entries that are asked last: they are told where routes leave them nothing, or where a proxy refuses them."""

from __future__ import annotations

import pytest

from protos.v3 import unframed
from tests.objects import changes, objects
from tests.unit.translator.gatewayapi.test_links import SHOP, linked, served, told
from tests.unit.translator.gatewayapi.test_routegroups import BASE
from translator.engine import Engine
from translator.envoy_v3.between import ATTACHED, FIRST, NOTHING
from translator.envoy_v3.yielding import takes_all
from translator.inputs import HTTP_ROUTE
from translator.ir.output import Group, fingerprint
from translator.ir.quarantine import ROUTE, Poison, Quarantined
from translator.ir.route import LAST, Place
from translator.ir.tables import GROUP, QUARANTINE
from translator.program import engine as whole

HERE = Place("local/80/http", "shop.example")


def route(kind: str, rule: str, hosts: str = "hostnames: [shop.example]") -> str:
    head = f"kind: {kind}\nmetadata: {{name: r, creationTimestamp: '2026-01-01T00:00:00Z'}}\n"
    return f"{head}spec: {{parentRefs: [{{name: edge}}], {hosts}, rules: [{rule}]}}\n"


def run(*texts: str) -> Engine:
    engine = whole()
    engine.apply([(GROUP, "local", Group()), *changes(objects("---\n".join((BASE, linked(SHOP), *texts))))])
    assert engine.failures == {}
    return engine


@pytest.mark.parametrize(
    ("kind", "rule", "taken"),
    [
        ("HTTPRoute", "{backendRefs: [{name: web, port: 80}]}", True),
        ("GRPCRoute", "{backendRefs: [{name: web, port: 80}]}", True),
        ("HTTPRoute", "{matches: [{path: {value: /a}}], backendRefs: [{name: web, port: 80}]}", False),
        ("HTTPRoute", "{matches: [{path: {type: Exact, value: /}}], backendRefs: [{name: web, port: 80}]}", False),
        ("HTTPRoute", "{matches: [{method: GET}], backendRefs: [{name: web, port: 80}]}", False),
        ("HTTPRoute", "{matches: [{headers: [{name: a, value: b}]}], backendRefs: [{name: web, port: 80}]}", False),
        ("HTTPRoute", "{matches: [{queryParams: [{name: a, value: b}]}], backendRefs: [{name: web, port: 80}]}", False),
        ("GRPCRoute", "{matches: [{method: {service: a}}], backendRefs: [{name: web, port: 80}]}", False),
    ],
)
def test_endpoint_is_told_of_a_route_that_takes_all_requests_to_its_host(kind: str, rule: str, *, taken: bool) -> None:
    engine = run(route(kind, rule))
    assert (served(engine).status, served(engine).reason) == ((False, "Conflicted") if taken else (True, "Served"))
    assert told(engine) == ([("PM0720", "spec.endpoints[0].hostname")] if taken else [])
    last = engine.rows(ATTACHED)[HERE][-1]
    assert last.precedence.created.startswith(LAST)
    assert len(engine.rows(ATTACHED)[HERE]) == 3, "the refusal of wrong keys, the route, the endpoint"


def test_endpoint_is_served_when_the_route_goes() -> None:
    engine = run(route("HTTPRoute", "{backendRefs: [{name: web, port: 80}]}"))
    engine.apply([(HTTP_ROUTE, "default/r", None)])
    assert (served(engine).status, told(engine)) == (True, [])


def test_endpoint_whose_route_a_proxy_refuses_is_told_at_its_place() -> None:
    engine = run()
    ((_, _, body),) = unframed(engine.rows(ATTACHED)[HERE][-1].body)
    for doubted, reason, code in ((False, "RefusedByProxy", "PM0605"), (True, "Served", "PM0607")):
        poison = Poison(digest=fingerprint(body), message="no", doubted=doubted)
        engine.apply([(QUARANTINE, (ROUTE, "routegroup/default/previews"), Quarantined((poison,)))])
        assert served(engine).reason == reason
        assert told(engine) == [(code, "spec.endpoints[0]")]


def test_refusal_of_wrong_keys_takes_nothing_from_anybody() -> None:
    assert not takes_all(FIRST)
    assert not takes_all(NOTHING.precedence)
