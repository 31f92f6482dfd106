"""What objects say of themselves, read as precisely as they say it."""

from __future__ import annotations

from typing import Any

import pytest

from xds.installation.state import bundle, condition, endpoints, holds, is_newer, trouble, unavailable, version_of


def deployment(replicas: int = 2, generation: int = 1, **status: int) -> dict[str, Any]:
    return {"metadata": {"generation": generation}, "spec": {"replicas": replicas}, "status": status}


def pod(*conditions: dict[str, str], **container: Any) -> dict[str, Any]:
    return {"status": {"phase": "Pending", "conditions": list(conditions), "containerStatuses": [container] if container else []}}


def definition(version: str) -> dict[str, Any]:
    return {"metadata": {"annotations": {"gateway.networking.k8s.io/bundle-version": version}}}


def test_deployment_is_there_once_all_of_its_newest_pods_are() -> None:
    assert unavailable(deployment(observedGeneration=1, updatedReplicas=2, availableReplicas=2)) == ""
    assert unavailable(deployment(observedGeneration=1, updatedReplicas=1, availableReplicas=2)) == "1 of 2 Pods are ready"
    assert unavailable(deployment(observedGeneration=1)) == "0 of 2 Pods are ready"


def test_state_of_an_older_generation_does_not_count() -> None:
    assert "not been looked at" in unavailable(deployment(generation=2, observedGeneration=1, updatedReplicas=2, availableReplicas=2))
    stale = {"metadata": {"generation": 2}, "status": {"conditions": [{"type": "A", "status": "True", "observedGeneration": 1}]}}
    assert condition(stale, "A") == {}
    assert not holds(stale, "A")


def test_condition_of_nothing_is_empty() -> None:
    assert condition(None, "A") == {}
    assert condition({"metadata": {}}, "A") == {}


@pytest.mark.parametrize(
    ("of", "why"),
    [
        pytest.param(pod({"type": "Ready", "status": "True"}), "", id="ready"),
        pytest.param(
            pod(state={"waiting": {"reason": "ImagePullBackOff", "message": "none\n there"}}), "ImagePullBackOff: none there", id="image"
        ),
        pytest.param(
            pod(state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState={"terminated": {"exitCode": 3, "message": "no API server"}}),
            "CrashLoopBackOff: ended with 3: no API server", id="crash",
        ),
        pytest.param(pod(state={"terminated": {"exitCode": 1, "reason": "Error"}}), "ended with 1: Error", id="ended"),
        pytest.param(
            pod({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}), "Unschedulable: 0/3 nodes",
            id="unschedulable",
        ),
        pytest.param(
            pod({"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "probe"}, state={"running": {}}),
            "ContainersNotReady: probe", id="not-ready",
        ),
        pytest.param(pod(), "Pending", id="nothing-is-told"),
        pytest.param({"metadata": {}}, "Unknown", id="new"),
    ],
)  # fmt: skip
def test_trouble_of_a_pod_is_told_in_its_own_words(of: dict[str, Any], why: str) -> None:
    assert trouble(of) == why


def test_endpoints_count_when_they_are_ready() -> None:
    assert endpoints([]) == 0
    assert endpoints([{"endpoints": None}]) == 0
    assert endpoints([{"endpoints": [{"conditions": {"ready": True}}, {"conditions": {"ready": False}}, {}]}]) == 2


def test_versions_are_compared_as_numbers() -> None:
    assert version_of("v1.10.0") > version_of("v1.9.3") > version_of("v1.9.3-rc.1") > version_of("v1.9")
    assert version_of("nonsense") == ()


def test_only_a_definition_of_a_newer_bundle_is_newer() -> None:
    assert is_newer(definition("v1.7.0"), definition("v1.6.1"))
    assert not is_newer(definition("v1.6.1"), definition("v1.6.1"))
    assert not is_newer(definition("v1.5.0"), definition("v1.6.1"))
    assert not is_newer({"metadata": {}}, definition("v1.6.1"))
    assert bundle({"metadata": {}}) == ""
