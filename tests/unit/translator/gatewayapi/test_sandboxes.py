"""Claims about RouteGroups at listeners: which they reach, how keys are read there, and who decides."""

from __future__ import annotations

from typing import Any

import pytest

from tests.objects import decoded
from translator.gatewayapi.sandboxes import first_of_namespaces, fork_names, forks, listeners, reading, speaker
from translator.gatewayapi.tables import Joined
from translator.ir.cluster import Use
from translator.ir.keys import Spelling
from translator.resources.gateway import Gateway
from translator.resources.sandbox import GatewayRef, RouteGroup

OPEN = {"namespaces": {"from": "All"}}
SELECTED = {"from": "Selector", "selector": {"matchLabels": {"t": "1"}}}
LISTENERS = [
    {"name": "web", "port": 80, "protocol": "HTTP", "allowedRoutes": OPEN},
    {"name": "own", "port": 81, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "Same"}}},
    {
        "name": "team",
        "port": 82,
        "protocol": "HTTPS",
        "allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"t": "1"}}}},
    },
    {"name": "tcp", "port": 83, "protocol": "TCP", "allowedRoutes": OPEN},
]
USUAL = [Spelling(name) for name in ("x-route-key", "x-routing-key", "ot-baggage-sd-routing-key", "uberctx-sd-routing-key")]
USUAL += [Spelling("baggage", "sd-routing-key"), Spelling("tracestate", "sd-routing-key")]


def gateway() -> Gateway:
    found = decoded(
        {"kind": "Gateway", "metadata": {"name": "edge", "namespace": "infra"}, "spec": {"gatewayClassName": "c", "listeners": LISTENERS}}
    )
    assert isinstance(found, Gateway)
    return found


def group(**spec: Any) -> RouteGroup:
    found = decoded({"kind": "RouteGroup", "metadata": {"name": "g"}, "spec": {"parentRefs": [{"name": "edge"}], **spec}})
    assert isinstance(found, RouteGroup)
    return found


@pytest.mark.parametrize(
    ("ref", "namespace", "labels", "expected"),
    [
        pytest.param(GatewayRef("edge"), "shop", {}, ["infra/edge/web"], id="those-that-admit-the-namespace"),
        pytest.param(GatewayRef("edge"), "infra", {}, ["infra/edge/web", "infra/edge/own"], id="own-namespace"),
        pytest.param(GatewayRef("edge"), "shop", {"t": "1"}, ["infra/edge/web", "infra/edge/team"], id="selected-namespace"),
        pytest.param(GatewayRef("edge", section_name="web"), "shop", {}, ["infra/edge/web"], id="by-section"),
        pytest.param(GatewayRef("edge", port=80), "shop", {}, ["infra/edge/web"], id="by-port"),
    ],
)
def test_group_reaches_listeners_as_a_route_would(ref: GatewayRef, namespace: str, labels: dict[str, str], expected: list[str]) -> None:
    assert listeners(gateway(), ref, namespace, labels) == ("", expected)


@pytest.mark.parametrize(
    ("ref", "why"),
    [
        pytest.param(GatewayRef("edge", section_name="gone"), "no listener of the Gateway matches", id="no-such-section"),
        pytest.param(GatewayRef("edge", section_name="tcp"), "no listener that it names speaks HTTP", id="no-requests"),
        pytest.param(GatewayRef("edge", section_name="own"), "no listener admits routes from namespace shop", id="not-admitted"),
    ],
)
def test_group_that_reaches_nothing_is_told_why(ref: GatewayRef, why: str) -> None:
    reason, found = listeners(gateway(), ref, "shop", {})
    assert reason.startswith(why)
    assert found == []


def test_keys_of_strangers_are_believed_by_nobody_unless_said() -> None:
    found = reading(group())
    assert (found.admit, found.wrong, found.secrets, found.hosts) == ("none", "reject", (), ())
    assert [*found.spellings] == USUAL


def test_reading_is_what_the_group_says() -> None:
    spec = {
        "routingKeyHeader": "X-Shop",
        "headers": [{"name": "Baggage", "format": "Baggage", "member": "k"}, {"name": "X-SHOP"}],
        "previewHosts": ["*.preview.example.com"],
        "admission": {"mode": "Signed", "secrets": ["team"], "wrong": "Strip"},
    }
    found = reading(group(**spec))
    assert [*found.spellings] == [Spelling("x-route-key"), Spelling("x-shop"), Spelling("baggage", "k")]
    assert (found.admit, found.wrong, found.secrets, found.hosts) == ("signed", "strip", ("team",), (".preview.example.com",))


def test_group_of_the_gateways_namespace_decides_and_else_the_oldest() -> None:
    joined = [Joined("2024", "shop/a"), Joined("2025", "infra/b"), Joined("2026", "shop/c")]
    assert speaker(joined, "infra").group == "infra/b"
    assert speaker(joined, "pay").group == "shop/a"
    assert {namespace: one.group for namespace, one in first_of_namespaces(joined).items()} == {"shop": "shop/a", "infra": "infra/b"}


def test_services_and_backends_of_namespaces_with_a_group_have_forks_and_no_others() -> None:
    uses = [
        Use("Service", "shop/cart", 80),
        Use("Service", "pay/card", 80),
        Use("Backend", "shop/old"),
        Use("Service", "shop/cart", 80, "h2"),
        Use("UDPRoute", "shop/game"),
    ]
    assert [*forks(uses, {"shop": "shop/g"})] == [(uses[0], "shop/g"), (uses[2], "shop/g"), (uses[3], "shop/g")]
    assert fork_names(uses[:1], {"shop": "shop/g"}) == (("service/shop/cart/80", "fork/shop/g/service/shop/cart/80/"),)
