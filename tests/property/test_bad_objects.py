"""A bad object removes only itself: with it or without it, Envoy is told the same bytes, and nobody else's status differs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from tests.objects import changes, decoded
from tests.property.test_translation import CASES, change, choices, started
from translator.ir.tables import OUT_FINDINGS, OUT_STATUS, RESOURCES

FEWER = settings(CASES, max_examples=60)
NEWER = {"name": "zz", "namespace": "zz", "creationTimestamp": "2099-01-01T00:00:00Z"}
PARENT = {"name": "g1", "namespace": "a"}
BACKEND = {"name": "s1", "namespace": "zz", "port": 80}


def route(**rule: Any) -> dict[str, Any]:
    spec = {"parentRefs": [PARENT], "hostnames": ["bad.example.com"], "rules": [{"backendRefs": [BACKEND], **rule}]}
    return {"kind": "HTTPRoute", "metadata": NEWER, "spec": spec}


def gateway(*listeners: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"kind": "Gateway", "metadata": NEWER, "spec": {"gatewayClassName": "c", "listeners": list(listeners), **spec}}


BAD: dict[str, dict[str, Any]] = {
    "expression that does not compile": route(matches=[{"path": {"type": "RegularExpression", "value": "/["}}]),
    "expression that is too large": route(matches=[{"path": {"type": "RegularExpression", "value": "/a{900}"}}]),
    "header that cannot be changed": route(
        filters=[{"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": [":path"]}}],
    ),
    "filter that is not served": route(filters=[{"type": "ExtensionRef", "extensionRef": {"name": "x"}}]),
    "parent that is not there": route() | {"spec": {"parentRefs": [{"name": "gone"}], "rules": [{}]}},
    "listener without a certificate": gateway({"name": "l", "port": 9443, "protocol": "HTTPS"}),
    "listeners in conflict": gateway(*({"name": name, "port": 9080, "protocol": "HTTP"} for name in "ab")),
    "protocol that is not served": gateway({"name": "l", "port": 9000, "protocol": "SCTP"}),
    "address that nobody can bind": gateway(
        {"name": "l", "port": 9080, "protocol": "HTTP"}, addresses=[{"type": "Hostname", "value": "x"}]
    ),
    "pair that does not belong together": {"kind": "Secret", "metadata": NEWER, "data": {}},
    "slice of nobody": {"kind": "EndpointSlice", "metadata": NEWER, "endpoints": [{"addresses": ["no"]}], "ports": [{"port": 1}]},
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_object_changes_nothing_but_what_is_said_of_it(name: str) -> None:
    bad = decoded(BAD[name])
    (added,) = changes([bad])
    own = (type(bad).__name__, bad.key)

    @FEWER
    @given(choices)
    def with_any_others(found: list[int]) -> None:
        engine = started(change(index) for index in found)
        differing = engine.apply([added])
        assert [key for table, key in differing if table in RESOURCES] == []
        assert {key for table, key in differing if table in (OUT_STATUS, OUT_FINDINGS)} <= {own}
        assert engine.failures == {}

    with_any_others()


def test_the_same_route_without_its_fault_is_served() -> None:
    engine = started()
    service = {"kind": "Service", "metadata": {"name": "s1", "namespace": "zz"}, "spec": {"ports": [{"port": 80}]}}
    differing = engine.apply(changes([decoded(service), decoded(route())]))
    assert {table.name for table, _ in differing} >= {"envoy.Cluster", "envoy.RouteConfiguration", "Status"}
