"""Manifests with sidecars: whole in a golden, the same when it is done again, and only where Pods are."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from translator.injection.workload import Beside, companions, digest, injected, pod_of, ports, services, spared

HERE = Path(__file__).parent
CART = Beside("shop/cart", "registry.example/pointsman:1", (8080,), "abc")
POD = {
    "metadata": {"labels": {"app": "cart", "tier": "web"}},
    "spec": {
        "initContainers": [{"name": "migrate", "image": "shop:1"}],
        "containers": [{"name": "cart", "image": "shop:1", "ports": [{"name": "web", "containerPort": 8080}]}],
        "volumes": [{"name": "data", "emptyDir": {}}],
    },
}
DEPLOYMENT = {"kind": "Deployment", "metadata": {"name": "cart", "namespace": "shop"}, "spec": {"template": POD}}


def service(name: str = "cart", namespace: str = "shop", selector: dict[str, str] | None = None, *found: dict[str, Any]) -> dict[str, Any]:
    spec = {"selector": {"app": "cart"} if selector is None else selector, "ports": [*found]}
    return {"kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def test_deployment_with_a_sidecar_is_that_of_the_golden(request: pytest.FixtureRequest) -> None:
    golden, made = (
        HERE / "deployment.yaml",
        [injected(DEPLOYMENT, CART), *companions(CART.service, {"bootstrap.json": "{}\n"}, {"tls.crt": "QQ=="})],
    )
    if request.config.getoption("--update-golden"):
        golden.write_text(yaml.safe_dump_all(made, sort_keys=False))
    assert made == [*yaml.safe_load_all(golden.read_text())]


def test_input_is_left_as_it_is() -> None:
    before = deepcopy(DEPLOYMENT)
    injected(DEPLOYMENT, CART)
    assert before == DEPLOYMENT


def test_doing_it_again_changes_nothing_and_a_newer_one_takes_its_place() -> None:
    once = injected(DEPLOYMENT, CART)
    assert injected(once, CART) == once
    newer = Beside("shop/cart", "registry.example/pointsman:2", (8080,), "abc")
    assert injected(once, newer) == injected(DEPLOYMENT, newer)


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "Pod", **POD},
        {"kind": "Job", "metadata": {}, "spec": {"template": POD}},
        {"kind": "CronJob", "metadata": {}, "spec": {"jobTemplate": {"spec": {"template": POD}}}},
    ],
    ids=lambda one: one["kind"],
)
def test_pods_are_found_where_their_kind_has_them(document: dict[str, Any]) -> None:
    found = pod_of(injected(document, CART))
    assert found
    assert [one["name"] for one in found[1]["initContainers"]] == ["pointsman-intercept", "pointsman-sidecar", "migrate"]


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "Service", "metadata": {}, "spec": {}},
        {"kind": "Deployment", "metadata": {}},
        {"kind": "Deployment", "metadata": {}, "spec": {"template": None}},
        {"kind": "Deployment", "metadata": {}, "spec": {"template": {"metadata": {}}}},
        {"metadata": {}},
    ],
)
def test_what_has_no_pods_is_given_back(document: dict[str, Any]) -> None:
    assert injected(document, CART) == document


def test_sidecar_is_there_before_the_workload_and_ends_after_it() -> None:
    found = pod_of(injected(DEPLOYMENT, CART))
    assert found
    intercept, sidecar, _ = found[1]["initContainers"]
    assert "restartPolicy" not in intercept
    assert sidecar["restartPolicy"] == "Always"
    assert [*intercept["securityContext"]["capabilities"]["add"]] == ["NET_ADMIN"]


@pytest.mark.parametrize(
    ("one", "selects"),
    [
        (service(), True),
        (service(selector={"app": "other"}), False),
        (service(selector={}), False),
        (service(namespace="other"), False),
        (service(selector={"app": "cart", "more": "x"}), False),
    ],
)
def test_service_selects_by_labels_in_its_namespace(one: dict[str, Any], selects: bool) -> None:
    assert bool(services(DEPLOYMENT, [one])) is selects


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([{"port": 80}], (80,)),
        ([{"port": 80, "targetPort": 8080}], (8080,)),
        ([{"port": 80, "targetPort": "web"}], (8080,)),
        ([{"port": 80, "targetPort": "nobody"}], ()),
        ([{"port": 53, "protocol": "UDP"}, {"port": 81}, {"port": 80, "targetPort": 81}], (81,)),
    ],
)
def test_ports_are_those_that_the_workload_listens_on(found: list[dict[str, Any]], expected: tuple[int, ...]) -> None:
    assert ports(DEPLOYMENT, service("cart", "shop", None, *found)) == expected


def test_workload_may_be_spared() -> None:
    assert spared({"annotations": {"pointsman.io/inject": "false"}})
    assert not spared({"annotations": None})


def test_what_it_starts_with_has_one_name_for_all_its_parts() -> None:
    assert {one["metadata"]["name"] for one in companions(CART.service, {}, {})} == {"pointsman-sidecar-cart"}
    assert [one["kind"] for one in companions(CART.service, {}, None)] == ["ConfigMap"]
    assert digest({"a": "b", "c": "d"}) == digest({"c": "d", "a": "b"}) != digest({"a": "b", "c": "e"})
