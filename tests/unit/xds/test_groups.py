"""Which groups of proxies there are while Gateways come and go."""

from __future__ import annotations

from tests.objects import objects
from translator.ir.output import Group
from xds.groups import Groups
from xds.store import Change

RUN = Group(bind="10.0.0.1", port_offset=5)
FLAT = Group(bind="10.0.0.1", port_offset=5, flat=True)
GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec: {gatewayClassName: c, listeners: [{name: http, port: 80, protocol: HTTP}]}
"""
CLASS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: c}
spec: {controllerName: pointsman.io/gateway-controller}
"""
CAME, WENT = Change("Gateway", "infra/edge", objects(GATEWAY)[0]), Change("Gateway", "infra/edge", None)


def test_one_group_serves_all_gateways_unless_each_is_to_have_its_own() -> None:
    groups = Groups(RUN)
    assert groups.first() == ("local", RUN)
    assert groups.follow(CAME) is None
    assert groups.flatten("infra/edge") is None


def test_group_of_a_gateway_comes_and_goes_with_it() -> None:
    groups = Groups(RUN, each=True)
    assert groups.follow(CAME) == ("infra/edge", RUN)
    assert groups.follow(CAME) is None
    assert groups.follow(WENT) == ("infra/edge", None)
    assert groups.follow(WENT) is None
    assert groups.follow(Change("HTTPRoute", "infra/edge", None)) is None


def test_class_has_a_group_where_proxies_run_in_pods() -> None:
    [owner] = objects(CLASS)
    pods = Group(bind="10.0.0.1", pods=True)
    groups = Groups(pods, each=True)
    assert groups.follow(Change("GatewayClass", "c", owner)) == ("class:c", pods)
    assert groups.flatten("class:c") == ("class:c", Group(bind="10.0.0.1", pods=True, flat=True))
    assert groups.follow(Change("GatewayClass", "c", None)) == ("class:c", None)
    assert Groups(RUN, each=True).follow(Change("GatewayClass", "c", owner)) is None
    assert Groups(pods).follow(Change("GatewayClass", "c", owner)) is None


def test_second_view_is_made_once_and_for_the_group_that_needs_it() -> None:
    groups = Groups(RUN, each=True)
    groups.follow(CAME)
    assert groups.flatten("infra/edge") == ("infra/edge", FLAT)
    assert groups.flatten("infra/edge") is None
    assert groups.flatten("local") == ("local", FLAT)


def test_proxy_that_came_before_its_gateway_is_remembered() -> None:
    groups = Groups(RUN, each=True)
    assert groups.flatten("infra/edge") is None
    assert groups.follow(CAME) == ("infra/edge", FLAT)
