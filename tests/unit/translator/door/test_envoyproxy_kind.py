"""Claims about what the door lets through of an EnvoyProxy: what an API server with our CRD does."""

from __future__ import annotations

from typing import Any

import pytest

from translator.door import Admission, Door
from translator.ir.finding import field_path
from translator.resources.envoyproxy import OURS, EnvoyProxySpec
from xds.crds import shipped

DOOR = Door(shipped())
AFFINITY = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": []}]}}}


def proxy(**spec: Any) -> Admission:
    return DOOR.admit({"apiVersion": "pointsman.io/v1alpha1", "kind": "EnvoyProxy", "metadata": {"name": "it"}, "spec": spec})


def said(**spec: Any) -> EnvoyProxySpec:
    found = proxy(**spec)
    assert found.findings == ()
    assert found.object is not None
    return found.object.spec  # type: ignore[attr-defined, no-any-return]


def test_nothing_need_be_said() -> None:
    assert said() == EnvoyProxySpec()


def test_amounts_are_written_as_kubernetes_has_them() -> None:
    pod = said(pod={"resources": {"requests": {"cpu": 1, "memory": "256Mi"}, "limits": {"cpu": "1.5"}}}).pod
    assert pod
    assert pod.resources
    assert (pod.resources.requests, pod.resources.limits) == ({"cpu": 1, "memory": "256Mi"}, {"cpu": "1.5"})
    assert proxy(pod={"resources": {"requests": {"cpu": "much"}}}).findings[0].code == "PM0107"


def test_affinity_is_taken_as_it_is() -> None:
    pod = said(pod={"affinity": AFFINITY}).pod
    assert pod
    assert pod.affinity == AFFINITY


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        pytest.param({"autoscaling": {"minReplicas": 4, "maxReplicas": 2}}, ("PM0109", "spec.autoscaling"), id="least-above-most"),
        pytest.param({"autoscaling": {"minReplicas": 4}}, ("PM0108", "spec.autoscaling.maxReplicas"), id="no-most"),
        pytest.param({"disruption": {"minAvailable": 1, "maxUnavailable": 1}}, ("PM0109", "spec.disruption"), id="two-budgets"),
        pytest.param({"workload": "StatefulSet"}, ("PM0107", "spec.workload"), id="workload"),
        pytest.param({"service": {"type": "ExternalName"}}, ("PM0107", "spec.service.type"), id="service"),
        pytest.param({"logLevel": "loud"}, ("PM0107", "spec.logLevel"), id="level"),
        pytest.param({"replicas": -1}, ("PM0107", "spec.replicas"), id="replicas"),
        pytest.param({"pods": {}}, ("PM0106", "spec.pods"), id="unknown-field"),
    ],
)
def test_what_cannot_be_meant_is_told_by_its_field(spec: dict[str, Any], told: tuple[str, str]) -> None:
    assert [(one.code, field_path(one.path)) for one in proxy(**spec).findings] == [told]


@pytest.mark.parametrize("argument", [*OURS, "--service-node=other/proxy"])
def test_arguments_by_which_a_proxy_would_be_another_are_refused(argument: str) -> None:
    assert [one.code for one in proxy(extraArgs=["--cpuset-threads", argument]).findings] == ["PM0109"]


def test_other_arguments_are_taken() -> None:
    assert said(extraArgs=["--component-log-level", "http:debug"]).extra_args == ("--component-log-level", "http:debug")
