"""Claims about forks of Deployments: what they run, and that nobody without the key meets them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from translator.ir.copy import fork_name
from translator.workloads.fork import selecting
from xds.sandboxes.workloads import deployment, service
from xds.sandboxes.written import Misspelled

OWNER = {"apiVersion": "pointsman.io/v1alpha1", "kind": "Sandbox", "metadata": {"name": "alice", "namespace": "shop", "uid": "u1"}}
BASE: dict[str, Any] = {
    "metadata": {"name": "checkout", "namespace": "shop", "resourceVersion": "9", "uid": "x"},
    "spec": {
        "replicas": 7,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": {"app": "checkout", "pod": "p"}},
        "template": {
            "metadata": {"labels": {"app": "checkout", "pod": "p", "tier": "web", "team": "x"}, "annotations": {"a": "b"}},
            "spec": {
                "containers": [
                    {"name": "app", "image": "r/checkout:1", "env": [{"name": "A", "value": "1"}]},
                    {"name": "log", "image": "l"},
                ]
            },
        },
    },
}
SERVICE: dict[str, Any] = {
    "metadata": {"name": "checkout", "namespace": "shop"},
    "spec": {
        "selector": {"app": "checkout", "tier": "web"},
        "clusterIP": "10.0.0.1",
        "ports": [{"port": 80, "targetPort": "http", "nodePort": 30000}],
    },
}


def made(*images: str, env: tuple[str, ...] = (), base: dict[str, Any] = BASE) -> dict[str, Any]:
    return deployment(base, OWNER, images, env, [SERVICE])


def containers(of: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one for one in of["spec"]["template"]["spec"]["containers"]}


def test_pods_of_a_fork_are_found_by_no_selector_of_the_baseline() -> None:
    labels = made()["spec"]["template"]["metadata"]["labels"]
    assert labels == {"team": "x", "pointsman.io/fork-of": "checkout", "pointsman.io/sandbox": "alice"}
    assert selecting([SERVICE], labels) == []


def test_fork_selects_its_own_pods_and_no_others() -> None:
    fork = made()
    assert fork["spec"]["selector"]["matchLabels"].items() <= fork["spec"]["template"]["metadata"]["labels"].items()
    assert (fork["spec"]["replicas"], "strategy" in fork["spec"]) == (1, False)


def test_service_of_a_fork_leads_to_its_pods_by_the_same_ports() -> None:
    found = service(SERVICE, OWNER, "checkout")
    assert found["spec"]["ports"] == [{"port": 80, "targetPort": "http"}]
    assert selecting([found], made()["spec"]["template"]["metadata"]["labels"]) == [found]
    assert found["metadata"]["name"] == "checkout-alice"


def test_all_of_it_is_owned_by_the_sandbox_and_goes_with_it() -> None:
    for one in (made(), service(SERVICE, OWNER, "checkout")):
        (reference,) = one["metadata"]["ownerReferences"]
        assert (reference["kind"], reference["name"], reference["uid"]) == ("Sandbox", "alice", "u1")
        assert "resourceVersion" not in one["metadata"]


def test_image_and_environment_are_those_that_were_asked_for() -> None:
    fork = containers(made("app=r/checkout:2", env=("A=2", "log:B=3")))
    assert (fork["app"]["image"], fork["log"]["image"]) == ("r/checkout:2", "l")
    assert (fork["app"]["env"], fork["log"]["env"]) == (
        [{"name": "A", "value": "2"}],
        [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}],
    )


def test_baseline_is_left_as_it_was() -> None:
    before = copy.deepcopy(BASE)
    made("app=x", env=("A=2",))
    assert before == BASE


@pytest.mark.parametrize(("images", "env"), [(("r/x:2",), ()), (("other=x",), ()), ((), ("A",)), ((), ("other:A=1",))])
def test_what_could_mean_two_containers_or_none_is_told(images: tuple[str, ...], env: tuple[str, ...]) -> None:
    with pytest.raises(Misspelled):
        made(*images, env=env)


def test_name_of_a_fork_is_a_label_too() -> None:
    assert fork_name("checkout", "alice") == "checkout-alice"
    long = {fork_name("a" * 60, sandbox) for sandbox in ("b-c", "b-d", "b.c")}
    assert len(long) == 3
    assert all(len(one) <= 63 and "." not in one for one in long)


def test_service_without_a_selector_leads_to_no_pods() -> None:
    assert selecting([{"spec": {}}, SERVICE], {"app": "checkout", "tier": "web"}) == [SERVICE]
