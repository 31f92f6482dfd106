"""Forks in meshes: which key leads to which Service, and what a Sandbox is told."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.objects import changes, objects
from translator.engine import Engine
from translator.ir.keys import KeyRule
from translator.ir.mesh import Branch, MeshRoute, Way
from translator.ir.output import Group, Status
from translator.ir.tables import GROUP, OUT_CLUSTER, OUT_FINDINGS, OUT_MESH, OUT_STATUS
from translator.program import engine

CART = {"kind": "Service", "metadata": {"name": "cart"}, "spec": {"ports": [{"name": "http", "port": 80}]}}
FORK = {**CART, "metadata": {"name": "cart-alice"}}
SLICE = {
    "kind": "EndpointSlice",
    "metadata": {"name": "cart-alice-1", "labels": {"kubernetes.io/service-name": "cart-alice"}},
    "addressType": "IPv4",
    "ports": [{"name": "http", "port": 8080}],
    "endpoints": [{"addresses": ["10.0.0.1"]}],
}


def group(name: str = "previews", created: str = "", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "creationTimestamp": created}
    return {"kind": "RouteGroup", "metadata": metadata, "spec": {"meshOutput": "Istio", "headers": [], **spec}}


def sandbox(name: str = "alice", created: str = "", /, **target: Any) -> dict[str, Any]:
    services = [{"name": "cart", "targetRef": {"name": "cart-alice", **target}}]
    return {"kind": "Sandbox", "metadata": {"name": name, "creationTimestamp": created}, "spec": {"services": services}}


def told(*documents: dict[str, Any]) -> Engine:
    core = engine()
    core.apply([(GROUP, "local", Group()), *changes(objects(yaml.safe_dump_all(documents)))])
    assert not core.failures
    return core


def route(core: Engine, output: str = "Istio") -> MeshRoute | None:
    return core.get(OUT_MESH, (output, "default/cart"))


def branches(core: Engine) -> list[tuple[str, str]]:
    found = route(core)
    return [(one.key, one.target) for one in found.branches] if found else []


def ready(core: Engine, name: str = "alice") -> tuple[bool, str]:
    status = core.get(OUT_STATUS, ("Sandbox", f"default/{name}"))
    assert isinstance(status, Status)
    return status.conditions[0].status, status.conditions[0].reason


def codes(core: Engine) -> list[str]:
    return sorted(one.code for (found,) in core.rows(OUT_FINDINGS).values() for one in found)


def test_fork_that_answers_is_ready_for_the_mesh_and_its_sandbox_runs() -> None:
    core = told(CART, FORK, SLICE, group(), sandbox())
    found = route(core)
    assert found
    [branch] = found.branches
    assert branch == Branch(key="alice", spellings=branch.spellings, target="cart-alice", ways=(Way(80, 80, ready=True),))
    assert ready(core) == (True, "Ready")
    assert codes(core) == []


def test_fork_without_endpoints_is_there_and_not_ready() -> None:
    core = told(CART, FORK, group(), sandbox())
    assert [way.ready for one in (route(core) or pytest.fail("no route")).branches for way in one.ways] == [False]
    assert ready(core) == (False, "NoEndpoints")


def test_group_of_gateways_alone_has_nothing_for_meshes() -> None:
    core = told(CART, FORK, group(meshOutput="None", parentRefs=[{"name": "edge"}]), sandbox())
    assert core.rows(OUT_MESH) == {}
    assert "PM0707" in codes(core)


def test_group_of_a_mesh_alone_is_accepted() -> None:
    [status] = told(group()).rows(OUT_STATUS)[("RouteGroup", "default/previews")]
    assert [(one.type, one.status) for one in status.conditions] == [("Accepted", True), ("Ready", True)]


def test_nothing_of_it_reaches_proxies_of_ours() -> None:
    assert told(CART, FORK, SLICE, group(), sandbox()).rows(OUT_CLUSTER) == {}


@pytest.mark.parametrize(
    ("documents", "code"),
    [
        pytest.param((FORK, group(), sandbox()), "PM0706", id="no-baseline"),
        pytest.param((CART, group(), sandbox()), "PM0706", id="no-target"),
        pytest.param((CART, FORK, group(), sandbox(port=9)), "PM0706", id="no-such-port"),
        pytest.param((CART, FORK, group(), sandbox(kind="Backend")), "PM0731", id="target-is-no-service"),
    ],
)
def test_fork_that_a_mesh_cannot_send_to_is_told(documents: tuple[dict[str, Any], ...], code: str) -> None:
    core = told(*documents)
    assert core.rows(OUT_MESH) == {}
    assert codes(core) == [code]
    assert ready(core) == (False, "InvalidTarget")


def test_older_sandbox_has_the_key() -> None:
    other = {**FORK, "metadata": {"name": "cart-bob"}}
    young, old = sandbox("young", "2026-02-01T00:00:00Z"), sandbox("old", "2026-01-01T00:00:00Z", name="cart-bob")
    for one in (young, old):
        one["spec"]["routingKey"] = "k"
    assert branches(told(CART, FORK, other, group(), young, old)) == [("k", "cart-bob")]


def test_of_two_groups_with_one_key_the_older_decides() -> None:
    young = group(
        "a", "2026-02-01T00:00:00Z", selector={"matchLabels": {"team": "a"}}, routes=[{"targetSandbox": "bob", "routingKey": "k"}]
    )
    old = group(
        "z", "2026-01-01T00:00:00Z", selector={"matchLabels": {"team": "z"}}, routes=[{"targetSandbox": "alice", "routingKey": "k"}]
    )
    other = {**FORK, "metadata": {"name": "cart-bob"}}
    assert branches(told(CART, FORK, other, young, old, sandbox(), sandbox("bob", name="cart-bob"))) == [("k", "cart-alice")]


def test_outputs_of_two_groups_stand_for_themselves() -> None:
    core = told(CART, FORK, group(), group("linkerd", meshOutput="GatewayAPI"), sandbox())
    assert sorted(of for of, _ in core.rows(OUT_MESH)) == ["GatewayAPI", "Istio"]


def test_everything_goes_with_the_sandbox() -> None:
    core = told(CART, FORK, SLICE, group(), sandbox())
    [removed] = objects(yaml.safe_dump(sandbox()))
    core.apply([(table, key, None) for table, key, _ in changes([removed])])
    assert core.rows(OUT_MESH) == {}


BOB = {**FORK, "metadata": {"name": "cart-bob"}}
PAY = {"targetSandbox": "alice", "routingKey": "k", "paths": [{"prefix": "/pay"}], "weight": 30, "additionalHeaders": {"X-Env": "a"}}
REST = {"targetSandbox": "bob", "routingKey": "k"}


def test_rules_of_a_key_stand_in_their_order() -> None:
    core = told(CART, FORK, BOB, SLICE, group(routes=[PAY, REST]), sandbox(), sandbox("bob", name="cart-bob"))
    found = route(core)
    assert found
    first, second = found.branches
    assert (first.target, first.rule, first.sets) == ("cart-alice", KeyRule(prefixes=("/pay",), weight=30), (("x-env", "a"),))
    assert (second.target, second.rule, second.sets) == ("cart-bob", KeyRule(), ())
    assert [way.ready for one in found.branches for way in one.ways] == [True, False]
    assert codes(core) == []


def test_rule_without_a_fork_keeps_its_requests_from_the_next() -> None:
    core = told(CART, BOB, group(routes=[PAY, REST]), sandbox(), sandbox("bob", name="cart-bob"))
    found = route(core)
    assert found
    assert [(one.target, one.ways) for one in found.branches] == [("", (Way(80, 0),)), ("cart-bob", (Way(80, 80),))]
    assert codes(core) == ["PM0706"]
    assert ready(core) == (False, "InvalidTarget")


def test_sandbox_behind_one_that_takes_all_of_a_key_is_none() -> None:
    core = told(CART, FORK, BOB, group(routes=[REST, PAY]), sandbox(), sandbox("bob", name="cart-bob"))
    assert branches(core) == [("k", "cart-bob")]
