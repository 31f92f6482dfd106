"""What an API server is answered: which Pods get whose sidecar, which are left, and what is no question."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest

from translator.injection.admission import LONGEST, Verdict, answer, asked, patch, verdict
from translator.injection.workload import Beside, injected
from translator.ir.inbound import Pods

CART = {"shop/cart": Pods(selector=(("app", "cart"),), ports=("web", 9090))}
BESIDE = Beside("shop/cart", "registry.example/pointsman:1", (8080, 9090), "abc")


def pod(**more: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "cart", "image": "shop:1", "ports": [{"name": "web", "containerPort": 8080}]}]}
    metadata = {"generateName": "cart-", "labels": {"app": "cart", "tier": "web"}}
    return {"metadata": {**metadata, **more.pop("metadata", {})}, "spec": {**spec, **more}}


def review(one: object, **more: Any) -> dict[str, Any]:
    request = {
        "uid": "u1", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE", "namespace": "shop",
        "object": one, **more,
    }  # fmt: skip
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def judged(services: dict[str, Pods] | None = None, **more: Any) -> Verdict:
    found = asked(review(pod(**more)))
    assert found
    return verdict(found.pod, CART if services is None else services)


def applied(document: dict[str, Any], operations: list[dict[str, Any]]) -> dict[str, Any]:
    """As an API server does it; members of members that are there."""
    made = json.loads(json.dumps(document))
    for one in operations:
        *way, last = one["path"].split("/")[1:]
        place = made
        for name in way:
            place = place[name]
        assert one["op"] == "add"
        place[last] = one["value"]
    return dict(made)


def test_pod_that_a_service_selects_gets_the_sidecar_of_that_service() -> None:
    assert judged() == Verdict("shop/cart", (8080, 9090))


def test_patch_makes_of_a_pod_what_inject_makes_of_it() -> None:
    more = {"initContainers": [{"name": "migrate"}], "volumes": [{"name": "data"}], "metadata": {"annotations": {"a": "b"}}}
    for one in (pod(), pod(**more)):
        made = applied(one, patch({**one, "kind": "Pod"}, BESIDE))
        assert {**made, "kind": "Pod"} == injected({**one, "kind": "Pod"}, BESIDE)


def test_answer_is_yes_with_the_patch_and_what_is_to_be_said() -> None:
    said = answer("u1", [{"op": "add"}], "x" * 1000)
    assert (said["apiVersion"], said["response"]["uid"], said["response"]["allowed"]) == ("admission.k8s.io/v1", "u1", True)
    assert json.loads(b64decode(said["response"]["patch"])) == [{"op": "add"}]
    assert len(said["response"]["warnings"][0]) == LONGEST
    assert answer("u1")["response"] == {"uid": "u1", "allowed": True}


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"metadata": {"annotations": {"pointsman.io/inject": "false"}}}, id="spared"),
        pytest.param({"hostNetwork": True}, id="network-of-the-node"),
        pytest.param({"initContainers": [{"name": "pointsman-sidecar"}]}, id="has-one"),
    ],
)
def test_pod_is_left_as_it_is(more: dict[str, Any]) -> None:
    assert judged(**more) == Verdict()


def test_pod_that_nothing_selects_is_left_and_may_be_looked_at_again() -> None:
    assert judged({}) == Verdict(late=True)
    assert judged(metadata={"labels": {"app": "other"}}) == Verdict(late=True)
    assert judged(metadata={"labels": None}) == Verdict(late=True)


def test_of_several_services_the_one_that_the_pod_names_counts() -> None:
    two = {**CART, "shop/kart": CART["shop/cart"]}
    assert "Services cart, kart select this Pod" in judged(two).warning
    assert judged(two, metadata={"annotations": {"pointsman.io/service": "kart"}}).service == "shop/kart"
    named = judged(two, metadata={"annotations": {"pointsman.io/service": "none"}})
    assert (named.service, named.late, "no Service none" in named.warning) == ("", True, True)


def test_port_that_no_container_has_by_its_name_is_told() -> None:
    assert "no container has a port" in judged({"shop/cart": Pods(selector=(("app", "cart"),), ports=("rpc",))}).warning


@pytest.mark.parametrize(
    "more",
    [{"operation": "UPDATE"}, {"kind": {"group": "apps", "kind": "Deployment"}}, {"kind": None}, {"kind": "Pod"}],
)
def test_questions_about_something_else_are_none_of_ours(more: dict[str, Any]) -> None:
    assert asked(review(pod(), **more)) is None


@pytest.mark.parametrize(
    "one",
    [
        None,
        [],
        {},
        {"apiVersion": "admission.k8s.io/v1beta1", "request": {"uid": "u1"}},
        {"apiVersion": "admission.k8s.io/v1"},
        {"apiVersion": "admission.k8s.io/v1", "request": []},
        review(pod(), uid=7),
        review(pod(), uid=""),
        review(pod(), namespace=""),
        review(None),
        review({}),
        review({"spec": {}}),
        review(pod(metadata={"labels": ["app"]})),
        review(pod(metadata={"annotations": {"a": 1}})),
        review(pod(containers=[{"name": "a", "ports": [{"name": "web"}]}])),
        review(pod(containers="a")),
        review(pod(initContainers=[{}])),
        review(pod(volumes=[1])),
    ],
)
def test_what_is_no_question_is_said_to_be_none(one: object) -> None:
    with pytest.raises(ValueError, match=r"needed|namespace|holds none"):
        asked(one)
