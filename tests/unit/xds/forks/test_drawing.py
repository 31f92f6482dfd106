"""Claims about what is made anew of the forks of a namespace: what a change is about, and nothing else."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from translator.ir.copy import Copies, Copy, OfFork, Source
from translator.workloads.patch import UnfitError
from xds.forks.difference import plan
from xds.forks.drawing import Drawing, There

Json = dict[str, Any]


def deployment(name: str, image: str = "r/x:1") -> Json:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app", "image": image}]}}
    return {"metadata": {"name": name, "namespace": "shop"}, "spec": {"selector": {"matchLabels": {"app": name}}, "template": template}}


def service(name: str, **selector: str) -> Json:
    return {"metadata": {"name": name, "namespace": "shop"}, "spec": {"selector": selector, "ports": [{"port": 80}]}}


def rollout(name: str, of: str) -> Json:
    return {"metadata": {"name": name}, "spec": {"workloadRef": {"kind": "Deployment", "name": of}}}


WEB, CART = Copy(of="web"), Copy(of="cart", env=(("*", "A", Source("fieldRef", (("fieldPath", "x"),))),))
ROW = Copies(namespace="shop", sandbox="alice", born="1", copies=(WEB, CART))
SERVICES = [service("web", app="web"), service("cart", app="cart")]
BOTH = There([deployment("web"), deployment("cart")], SERVICES)


def drawn(drawing: Drawing, there: There, row: Copies = ROW) -> dict[str, list[Json]]:
    drawing.look(there)
    return {one.of: drawing.documents(one, row) for one in row.copies}


def test_nothing_is_made_anew_while_nothing_changes() -> None:
    drawing = Drawing()
    first, second = (drawn(drawing, There([*BOTH.deployments], [*SERVICES])) for _ in range(2))
    assert all(first[name] is second[name] for name in ("web", "cart"))
    assert [one["kind"] for one in first["web"]] == ["Deployment", "Service"]


def test_fork_is_made_anew_when_its_baseline_changes_and_others_are_not() -> None:
    drawing = Drawing()
    first = drawn(drawing, BOTH)
    second = drawn(drawing, There([deployment("web", "r/x:2"), BOTH.deployments[1]], SERVICES))
    assert second["web"][0]["spec"]["template"]["spec"]["containers"][0]["image"] == "r/x:2"
    assert second["cart"] is first["cart"]


def test_fork_is_made_anew_when_the_sandbox_says_something_else() -> None:
    drawing = Drawing()
    first = drawn(drawing, BOTH)
    images = Copies(namespace="shop", sandbox="alice", born="1", copies=(Copy(of="web", images=(("", "r/y:1"),)),))
    assert drawn(drawing, BOTH, images)["web"][0]["spec"]["template"]["spec"]["containers"][0]["image"] == "r/y:1"
    assert drawn(drawing, BOTH)["web"] == first["web"]


def test_services_that_come_or_go_are_about_every_fork() -> None:
    drawing = Drawing()
    drawn(drawing, BOTH)
    found = drawn(drawing, There(BOTH.deployments, [*SERVICES, service("front", app="web")]))
    assert [one["metadata"]["name"] for one in found["web"]] == ["web-alice", "web-alice", "front-alice"]
    with pytest.raises(UnfitError, match="no Service leads to Deployment shop/web"):
        drawn(drawing, There(BOTH.deployments, SERVICES[1:]))


def test_services_of_forks_are_about_none() -> None:
    drawing = Drawing()
    first = drawn(drawing, BOTH)
    made = [one for those in first.values() for one in those if one["kind"] == "Service"]
    second = drawn(drawing, There(BOTH.deployments, [*SERVICES, *made]))
    assert all(first[name] is second[name] for name in ("web", "cart"))


def test_fork_of_a_rollout_is_about_the_deployment_that_it_names() -> None:
    drawing, row = Drawing(), Copies(namespace="shop", sandbox="alice", born="1", copies=(Copy(of="api", kind="Rollout"),))
    rolled = [rollout("api", "web")]
    first = drawn(drawing, There(BOTH.deployments, SERVICES, rolled), row)
    assert drawn(drawing, There([*BOTH.deployments], SERVICES, rolled), row)["api"] is first["api"]
    second = drawn(drawing, There([deployment("web", "r/x:2")], SERVICES, rolled), row)
    assert second["api"][0]["spec"]["template"]["spec"]["containers"][0]["image"] == "r/x:2"
    with pytest.raises(UnfitError, match="Deployment web, which Rollout api names, does not exist"):
        drawn(drawing, There([], SERVICES, rolled), row)


def test_what_one_fork_is_told_of_another_follows_the_other() -> None:
    drawing, env = Drawing(), (("*", "WEB", OfFork("web", "{{ .Service.Host }}")),)
    row = Copies(namespace="shop", sandbox="alice", born="1", copies=(Copy(of="cart", env=env), WEB))
    drawn(drawing, BOTH, row)
    moved = copy.deepcopy(BOTH.deployments[0])
    moved["spec"]["template"]["metadata"]["labels"] = {"app": "cart"}
    (container,) = drawn(drawing, There([moved, BOTH.deployments[1]], SERVICES), row)["cart"][0]["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "WEB", "value": "cart-alice.shop.svc"}]


def test_what_is_declared_no_more_is_not_kept() -> None:
    drawing, known = Drawing(), dict[tuple[str, str], str]()
    assert len(plan([ROW], BOTH, known, drawing).applied) == 4
    first = drawing.documents(WEB, ROW)
    assert plan([], BOTH, known, drawing).applied == []
    assert drawing.documents(WEB, ROW) is not first
