"""Claims about Rollouts of Argo as baselines: whose template it is, and which Services lead to them."""

from __future__ import annotations

from typing import Any

import pytest

from translator.workloads.patch import UnfitError
from translator.workloads.rollout import HASH, as_deployment, unpinned

Json = dict[str, Any]
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app"}]}}
SELECTOR = {"matchLabels": {"app": "web"}}
DEPLOYMENT = {"metadata": {"name": "base"}, "spec": {"replicas": 0, "selector": SELECTOR, "template": TEMPLATE}}


def rollout(**spec: Any) -> Json:
    return {"metadata": {"name": "web"}, "spec": {"replicas": 9, "strategy": {"canary": {}}, **spec}}


def test_template_and_selector_are_those_of_the_rollout() -> None:
    found = as_deployment(rollout(template=TEMPLATE, selector=SELECTOR), [])
    assert found == {"metadata": {"name": "web"}, "spec": {"template": TEMPLATE, "selector": SELECTOR}}


@pytest.mark.parametrize("own", [{}, {"selector": {"matchLabels": {"x": "y"}}}])
def test_template_may_be_that_of_a_deployment_and_the_name_stays_that_of_the_rollout(own: Json) -> None:
    found = as_deployment(rollout(workloadRef={"apiVersion": "apps/v1", "kind": "Deployment", "name": "base"}, **own), [DEPLOYMENT])
    assert found == {"metadata": {"name": "web"}, "spec": {"template": TEMPLATE, "selector": own.get("selector", SELECTOR)}}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({}, "Rollout web has no template"),
        ({"template": {"spec": {}}}, "Rollout web has no template"),
        ({"workloadRef": {"kind": "Deployment", "name": "gone"}}, "Deployment gone, which Rollout web names, does not exist"),
        ({"workloadRef": {"kind": "ReplicaSet", "name": "base"}}, "names a ReplicaSet"),
    ],
)
def test_rollout_of_which_no_fork_can_be_made_is_told(spec: Json, words: str) -> None:
    with pytest.raises(UnfitError, match=words):
        as_deployment(rollout(**spec), [DEPLOYMENT])


def test_services_that_are_led_to_one_replica_set_lead_to_the_rollout() -> None:
    pinned, plain, none = (
        {"spec": {"selector": one}} if one else {"spec": {}} for one in ({"app": "web", HASH: "a"}, {"app": "web"}, None)
    )
    assert unpinned([pinned, plain, none]) == [plain, plain, none]
    assert pinned["spec"]["selector"] == {"app": "web", HASH: "a"}
