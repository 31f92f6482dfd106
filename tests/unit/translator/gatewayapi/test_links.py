"""Claims about endpoints that lead to a Service: what a target means, which host it has, who is heard, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.objects import decoded
from tests.unit.translator.gatewayapi.test_routegroups import BASE, PREVIEWS, codes, run
from translator.engine import Engine
from translator.gatewayapi.links import Aim, aim, url
from translator.ir.finding import field_path
from translator.ir.keys import KeyHost
from translator.ir.output import Condition, LinkStatus, Status
from translator.ir.route import Answer, Forward
from translator.ir.tables import ENTRIES, EXPIRED, KEY_HOST, KEYED, OUT_FINDINGS, OUT_STATUS, PLACED
from translator.resources.httproute import BackendRef
from translator.resources.sandbox import RouteGroup

ROUTE = "RouteGroup/default/previews/0"


def aimed(scheme: str, name: str, namespace: str, port: int) -> Aim:
    return Aim(scheme, BackendRef(name=name, namespace=namespace, port=port))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("http://web", aimed("http", "web", "shop", 80)),
        ("http://web:8080/", aimed("http", "web", "shop", 8080)),
        ("http://web.other:80", aimed("http", "web", "other", 80)),
        ("http://web.other.svc:80", aimed("http", "web", "other", 80)),
        ("http://web.other.svc.cluster.local:80", aimed("http", "web", "other", 80)),
        ("http://web.other.svc.cluster.local.:80", aimed("http", "web", "other", 80)),
        ("https://web", aimed("https", "web", "shop", 443)),
        ("grpc://web:50051", aimed("grpc", "web", "shop", 50051)),
        ("grpc://web", "grpc://web names no port"),
        ("http://web:0", aimed("http", "web", "shop", 80)),
        ("http://web:99999", "http://web:99999 has no port that there is"),
        ("http://web:http", "http://web:http has no port that there is"),
        ("http://10.0.0.1:80", "http://10.0.0.1:80 is no Service of the cluster"),
        ("http://[::1]:80", "http://[::1]:80 is no Service of the cluster"),
        ("http://www.shop.example.com", "http://www.shop.example.com is no Service of the cluster"),
        ("http://user@web:80", "http://user@web:80 is no Service of the cluster"),
        ("http://Web:80", "http://Web:80 is no Service of the cluster"),
        ("http://:80", "http://:80 is no Service of the cluster"),
    ],
)
def test_target_is_a_service_of_the_cluster_or_nothing(target: str, expected: Aim | str) -> None:
    assert aim(target, "shop") == expected


def test_port_that_is_usual_is_left_out_of_a_link() -> None:
    assert [url("http", "a", 80), url("https", "a", 443), url("https", "a", 80)] == ["http://a", "https://a", "https://a:80"]


def group(**spec: Any) -> RouteGroup:
    found = decoded({"kind": "RouteGroup", "metadata": {"name": "g"}, "spec": {"parentRefs": [{"name": "edge"}], **spec}})
    assert isinstance(found, RouteGroup)
    return found


@pytest.mark.parametrize(
    ("spec", "endpoint", "wildcards", "host"),
    [
        ({}, {"name": "e", "hostname": "h.example"}, ("*.x.example",), "h.example"),
        ({}, {"name": "e"}, (), ""),
        ({}, {"name": "e"}, ("x.example", "*.x.example", "*.y.example"), "e--g.x.example"),
        ({"previewHosts": ["*.p.example", "*.q.example"]}, {"name": "e"}, ("*.x.example",), "e--g.p.example"),
        ({"previewHosts": ["*.p.example"]}, {"name": "e.f"}, (), ""),
        ({"previewHosts": ["*.p.example"]}, {"name": "e" * 60}, (), "e" * 60 + "--g.p.example"),
        ({"previewHosts": ["*.p.example"]}, {"name": "e" * 61}, (), ""),
    ],
)
def test_host_is_the_one_named_or_one_below_a_wildcard(
    spec: dict[str, Any], endpoint: dict[str, Any], wildcards: tuple[str, ...], host: str
) -> None:
    one = group(endpoints=[endpoint], **spec)
    assert one.host_of(one.spec.endpoints[0], *wildcards) == host


# Rules -------------------------------------------------------------------------------------------------------------------


def linked(*endpoints: dict[str, Any], name: str = "previews", created: str = "2025-01-01T00:00:00Z", **spec: Any) -> str:
    whole = {"parentRefs": [{"name": "edge", "sectionName": "a"}], "admission": {"mode": "All"}, "endpoints": list(endpoints), **spec}
    return f"kind: RouteGroup\nmetadata: {{name: {name}, creationTimestamp: '{created}'}}\nspec: {whole}\n".replace("True", "true")


SHOP = {"name": "shop", "hostname": "shop.example", "target": "http://web:80", "routingKey": "alice"}


def status(engine: Engine, name: str = "previews") -> Status:
    found: Status = engine.rows(OUT_STATUS)["RouteGroup", f"default/{name}"][0]
    return found


def served(engine: Engine) -> Condition:
    return next(one for one in status(engine).conditions if one.type == "EndpointsServed")


def told(engine: Engine) -> list[tuple[str, str]]:
    rows = [one for (kind, _), (found,) in engine.rows(OUT_FINDINGS).items() for one in found if kind == "RouteGroup"]
    return [(one.code, field_path(one.path)) for one in rows]


def test_target_is_an_entry_at_the_listeners_of_its_group_with_forks_as_a_route_has_them() -> None:
    engine = run(BASE, linked(SHOP))
    ((entry,),) = engine.rows(ENTRIES)[ROUTE]
    assert isinstance(entry.action, Forward)
    assert (entry.name, entry.path, entry.action.shares[0].cluster) == (
        "routegroup/default/previews/0/0",
        ("spec", "endpoints", 0),
        "service/default/web/80",
    )
    assert [(one.place.table, one.place.host) for one in engine.rows(KEYED)[ROUTE]] == [("local/80/http", "shop.example")]
    assert ROUTE not in engine.rows(PLACED)
    assert engine.rows(KEY_HOST) == {("local", "default/previews/alice"): [KeyHost("default/previews", "shop.example", "alice")]}
    assert (status(engine).endpoints, served(engine).status) == ((LinkStatus(name="shop", url="http://shop.example"),), True)
    assert told(engine) == []


def test_group_without_targets_says_nothing_of_endpoints() -> None:
    engine = run(BASE, linked({**SHOP, "target": ""}))
    assert status(engine).endpoints == ()
    assert [one.type for one in status(engine).conditions] == ["Accepted", "Ready"]


@pytest.mark.parametrize(
    ("change", "reason", "finding", "answer"),
    [
        ({"target": "http://gone:80"}, "BackendNotFound", ("PM0201", "target"), 500),
        ({"target": "grpc://gone:80"}, "BackendNotFound", ("PM0201", "target"), 503),
        ({"target": "http://web:1"}, "BackendNotFound", ("PM0202", "target"), 500),
        ({"target": "http://web.other:80"}, "RefNotPermitted", ("PM0203", "target"), 500),
        ({"target": "https://web:80"}, "UnsupportedProtocol", ("PM0713", "target"), 500),
        ({"target": "http://a.b.c.example"}, "InvalidTarget", ("PM0713", "target"), None),
        ({"hostname": ""}, "NoHostname", ("PM0713", "hostname"), None),
    ],
)
def test_target_that_cannot_be_had_is_told_at_its_field(
    change: dict[str, str], reason: str, finding: tuple[str, str], answer: int | None
) -> None:
    engine = run(BASE, linked({**SHOP, **change}))
    assert (served(engine).status, served(engine).reason) == (False, reason)
    assert told(engine) == [(finding[0], f"spec.endpoints[0].{finding[1]}")]
    found = engine.rows(ENTRIES).get(ROUTE)
    assert [entry.action for (entry,) in found or ()] == ([Answer(answer)] if answer else [])


def test_endpoint_without_a_key_is_no_route() -> None:
    engine = run(BASE, linked({**SHOP, "routingKey": ""}))
    assert told(engine) == [("PM0708", "spec.endpoints[0]")]
    assert (ROUTE in engine.rows(ENTRIES), status(engine).endpoints) == (False, ())


def test_group_without_a_gateway_serves_no_endpoint() -> None:
    engine = run(BASE, linked(SHOP, parentRefs=[], meshOutput="Istio"))
    assert (served(engine).reason, told(engine)) == ("NoMatchingParent", [("PM0713", "spec.endpoints[0].hostname")])


def test_https_is_spoken_as_a_policy_says() -> None:
    policy = """
    kind: BackendTLSPolicy
    metadata: {name: web}
    spec:
      targetRefs: [{group: "", kind: Service, name: web}]
      validation: {hostname: web.example, wellKnownCACertificates: System}
    """
    engine = run(BASE, linked({**SHOP, "target": "https://web:80"}), policy)
    ((entry,),) = engine.rows(ENTRIES)[ROUTE]
    assert isinstance(entry.action, Forward)
    assert told(engine) == []


def test_group_whose_time_is_over_has_no_endpoints() -> None:
    engine = run(BASE, linked(SHOP, ttl={"duration": "1h", "offsetFrom": "createdAt"}))
    assert ROUTE in engine.rows(ENTRIES)
    engine.apply([(EXPIRED, ("RouteGroup", "default/previews"), "2025-01-01T00:00:00Z")])
    assert (ROUTE in engine.rows(ENTRIES), engine.rows(KEY_HOST), status(engine).endpoints) == (False, {}, ())


def test_endpoints_of_all_groups_of_the_namespace_that_decides_are_heard() -> None:
    younger = linked({**SHOP, "hostname": "other.example", "routingKey": "bob"}, name="later", created="2026-01-01T00:00:00Z")
    engine = run(BASE, linked(SHOP), younger)
    assert engine.rows(KEY_HOST) == {
        ("local", "default/previews/alice"): [KeyHost("default/previews", "shop.example", "alice")],
        ("local", "default/previews/bob"): [KeyHost("default/previews", "other.example", "bob")],
    }
    assert "RouteGroup/default/later/0" in engine.rows(ENTRIES)


def test_group_of_another_namespace_than_the_one_that_decides_is_routed_and_not_heard() -> None:
    open_edge = BASE.replace(
        "{name: a, port: 80, protocol: HTTP}", "{name: a, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}"
    )
    spec = "{parentRefs: [{name: edge, namespace: default, sectionName: a}], admission: {mode: All}, endpoints: [%s]}"
    endpoint = "{name: e, hostname: e.example, routingKey: k, target: 'http://cart:80'}"
    theirs = f"kind: RouteGroup\nmetadata: {{name: theirs, namespace: shop}}\nspec: {spec % endpoint}\n"
    cart = "kind: Service\nmetadata: {name: cart, namespace: shop}\nspec: {ports: [{name: http, port: 80}]}\n"
    engine = run(open_edge, PREVIEWS, theirs, cart)
    assert engine.rows(KEY_HOST) == {}
    assert "RouteGroup/shop/theirs/0" in engine.rows(ENTRIES)
    assert ("shop/theirs", "PM0702") in codes(engine)


def test_of_two_endpoints_for_one_host_the_oldest_gives_the_key_and_the_other_is_told() -> None:
    younger = linked({**SHOP, "routingKey": "bob"}, name="aaa", created="2026-01-01T00:00:00Z")
    engine = run(BASE, linked(SHOP), younger)
    assert [one.key for rows in engine.rows(KEY_HOST).values() for one in rows] == ["alice"]
    assert ("default/aaa", "PM0720") in codes(engine)
    assert ("default/previews", "PM0720") not in codes(engine)
