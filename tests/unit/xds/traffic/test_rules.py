"""Names of routes as rules of objects, asked of a whole engine; and that requests are counted only where that is wanted."""

from __future__ import annotations

import pytest

from protos.v3 import HttpConnectionManager, Listener, StatsLog
from tests.objects import changes, objects
from translator.engine import Engine
from translator.envoy_v3.inbound import RULES_OF_KEYS
from translator.envoy_v3.validation import violations
from translator.inputs import GRPC_ROUTE, HTTP_ROUTE
from translator.ir.output import Group
from translator.ir.tables import GROUP, OUT_LISTENER
from translator.program import engine
from xds.traffic.rules import Rule, Rules, rule_of

SHOP = """
kind: GatewayClass
metadata: {name: pointsman}
spec: {controllerName: pointsman.io/gateway-controller}
---
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: pointsman
  listeners: [{name: http, port: 8080, protocol: HTTP}]
---
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: edge}]
  rules:
  - name: checkout
    matches: [{path: {value: /pay}}]
    backendRefs: [{name: cart, port: 80}]
  - backendRefs: [{name: cart, port: 80}]
  - {name: twice, matches: [{path: {value: /a}}], backendRefs: [{name: nobody, port: 80}]}
  - {name: twice, matches: [{path: {value: /b}}], backendRefs: [{name: cart, port: 80}]}
---
kind: GRPCRoute
metadata: {name: chat}
spec:
  parentRefs: [{name: edge}]
  hostnames: [chat.example]
  rules: [{backendRefs: [{name: cart, port: 80}]}]
---
kind: Service
metadata: {name: cart}
spec: {ports: [{name: http, port: 80, targetPort: 8080}]}
---
kind: EndpointSlice
metadata: {name: cart-1, labels: {kubernetes.io/service-name: cart}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [10.0.0.1]}]
"""
KEYS = """
---
kind: RouteGroup
metadata: {name: previews}
spec: {parentRefs: [{name: edge}], meshOutput: Sidecar, admission: {mode: All}}
"""
SANDBOX = """
---
kind: Sandbox
metadata: {name: alice}
spec: {services: [{name: cart, targetRef: {name: cart}}]}
"""


def told(text: str = SHOP, *groups_too: str, counted: bool = True) -> Engine:
    core = engine()
    groups = [(GROUP, name, Group(counted=counted)) for name in ("local", *groups_too)]
    core.apply([*groups, *changes(objects(text))])
    assert not core.failures
    return core


def rule(route: str) -> Rule:
    found = rule_of(route)
    assert found
    return found


@pytest.mark.parametrize(
    ("route", "label"),
    [
        ("httproute/default/shop/0/0", "HTTPRoute/default/shop/checkout"),
        ("httproute/default/shop/1/0", "HTTPRoute/default/shop/rule/1"),
        ("httproute/default/shop/2/0", "HTTPRoute/default/shop/rule/2"),
        ("grpcroute/default/chat/0/7", "GRPCRoute/default/chat/rule/0"),
        ("httproute/default/shop/4/0", ""),
        ("httproute/default/chat/0/0", ""),
        ("inbound/default/cart/8080", ""),
    ],
)
def test_rule_is_called_by_its_name_if_it_has_one_of_its_own(route: str, label: str) -> None:
    assert Rules(told()).label(rule(route)) == label


@pytest.mark.parametrize("text", [SHOP, SHOP + KEYS])
def test_rule_is_served_by_the_proxies_of_its_gateway_and_by_no_others(text: str) -> None:
    asked, shop = ("", "local", "default/edge", "default/other", "default/edg"), rule("httproute/default/shop/0/0")
    together, apart = Rules(told(text)), Rules(told(text, "default/edge", "default/other"))
    assert [group for group in asked if together.served(shop, group)] == ["", "local"]
    assert [group for group in asked if apart.served(shop, group)] == ["", "default/edge"]


LINKS = """
---
kind: RouteGroup
metadata: {name: previews}
spec:
  parentRefs: [{name: edge}]
  defaultRoutingKey: alice
  endpoints:
  - {name: web, hostname: a.example, target: "http://cart"}
  - {name: twice, hostname: b.example, target: "http://gone"}
  - {name: twice, hostname: c.example, target: "http://cart"}
  - {name: none, hostname: d.example}
"""


def test_endpoint_of_a_group_is_a_rule_of_its_own() -> None:
    rules = Rules(told(SHOP + LINKS))
    found = [rules.label(rule(f"routegroup/default/previews/{number}/0")) for number in range(5)]
    head = "RouteGroup/default/previews"
    assert found == [f"{head}/web", f"{head}/rule/1", f"{head}/rule/2", "", ""]
    one, gone = rule("routegroup/default/previews/0/0"), rule("routegroup/default/previews/1/0")
    assert [rules.served(one, group) for group in ("", "local", "default/edge")] == [True, True, False]
    assert (rules.lacks_backend(gone, "500"), rules.lacks_backend(one, "500")) == (True, False)
    assert rules.label(rule("routegroup/default/nobody/0/0")) == ""


def test_rule_without_a_backend_is_known_by_what_it_answers() -> None:
    rules = Rules(told())
    assert rules.lacks_backend(rule("httproute/default/shop/2/0"), "500")
    assert not rules.lacks_backend(rule("httproute/default/shop/2/0"), "200")
    assert not rules.lacks_backend(rule("httproute/default/shop/0/0"), "500")


def test_route_that_has_gone_has_no_rule() -> None:
    core = told()
    core.apply([(HTTP_ROUTE, "default/shop", None), (GRPC_ROUTE, "default/chat", None)])
    assert Rules(core).label(rule("httproute/default/shop/0/0")) == ""
    assert not Rules(core).served(rule("httproute/default/shop/0/0"), "local")


def test_port_of_a_sidecar_is_a_rule_that_only_its_sidecars_serve() -> None:
    rules, port = Rules(told(SHOP + KEYS + SANDBOX)), rule("inbound/default/cart/8080")
    assert rules.label(port) == "Service/default/cart/8080"
    assert rules.label(rule("inbound/default/cart/8081")) == ""
    assert [rules.served(port, group) for group in ("", "sidecar/default/cart", "local", "sidecar/default/other")] == [
        True, True, False, False
    ]  # fmt: skip
    assert not rules.lacks_backend(port, "500")


def test_fork_is_one_that_the_proxies_are_given() -> None:
    rules = Rules(told(SHOP + KEYS + SANDBOX))
    at_gateway, beside = "fork/default/previews/service/default/cart/80/alice", "beside/default/cart/80/alice"
    for cluster, groups in (
        (at_gateway, ["", "local"]),
        (beside, ["", "sidecar/default/cart"]),
        ("service/default/cart/80", []),
        ("fork", []),
    ):
        assert [one for one in ("", "local", "sidecar/default/cart", "default/other") if rules.has_fork(cluster, one)] == groups, cluster


def connections(core: Engine) -> list[HttpConnectionManager]:
    """Of all listeners, those of sidecars too, where requests come by."""
    found = []
    for [packed] in core.rows(OUT_LISTENER).values():
        message = Listener.FromString(packed.body)
        assert violations(message) == ()
        filters = [one for chain in message.filter_chains for one in chain.filters if chain.name != RULES_OF_KEYS]
        found += [
            HttpConnectionManager.FromString(one.typed_config.value)
            for one in filters
            if one.name == "envoy.filters.network.http_connection_manager"
        ]
    return found


def test_requests_are_counted_everywhere_or_nowhere() -> None:
    counted, plain = (connections(told(SHOP + KEYS + SANDBOX, counted=one)) for one in (True, False))
    assert len(counted) == len(plain) == 2
    assert not any(one.access_log for one in plain)
    for with_log, without in zip(counted, plain, strict=True):
        assert [one.name for one in with_log.access_log] == ["count"]
        del with_log.access_log[:]
        for host in with_log.route_config.virtual_hosts:
            host.routes[0].ClearField("name")
        assert with_log == without, "and nothing else is different"


def test_nothing_that_a_client_says_is_a_tag() -> None:
    plain = {"%ROUTE_NAME%", "%RESPONSE_CODE%", "%RESPONSE_FLAGS%"}
    for text, formats in ((SHOP, plain), (SHOP + KEYS, plain | {"%UPSTREAM_CLUSTER_RAW%"})):
        [one] = connections(told(text))[0].access_log
        config = StatsLog.FromString(one.typed_config.value)
        stats = [*(one.stat for one in config.counters), *(one.stat for one in config.histograms)]
        assert {tag.value_format for stat in stats for tag in stat.tags} == formats
