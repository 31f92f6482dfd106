"""What kustomize and helm make of deploy/ is what `pointsman install` applies, and an API server takes all of it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kube.cluster.cluster import Cluster
from tests.kube.cluster.programs import NoProgramsError, programs
from tests.kube.helm import helm
from xds.installation.manifests import COMPONENTS, NAMESPACE, base

DEPLOY = Path(__file__).parents[2] / "deploy"
MONITORS = ("ServiceMonitor", "PodMonitor")  # of the Prometheus operator, which is not here


def told(command: list[str]) -> list[dict[str, Any]]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def by_name(documents: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["kind"], one["metadata"]["name"]): one for one in documents}


@pytest.fixture(scope="module")
def kustomize() -> Any:
    try:
        kubectl = programs()["kubectl"]
    except NoProgramsError as error:
        _missing(str(error))
    return lambda folder: by_name(told([kubectl, "kustomize", str(DEPLOY / folder)]))


@pytest.fixture(scope="module")
def chart() -> Any:
    """Rendered with these values."""
    try:
        program = helm()
    except NoProgramsError as error:
        _missing(str(error))
    of = ["--kube-version", "1.31.0", "--namespace", NAMESPACE]  # the oldest that the chart allows
    command = [str(program), "template", "pointsman", str(DEPLOY / "helm" / "pointsman"), *of]
    return lambda *values: by_name(told([*command, *(word for one in values for word in ("--set", one))]))


def _missing(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def test_kustomize_makes_of_the_base_what_install_applies(kustomize: Any) -> None:
    assert kustomize("base") == by_name([one.document for one in base()])


def test_chart_is_the_base_but_for_the_namespace_which_helm_makes(kustomize: Any, chart: Any) -> None:
    wanted = {name: one for name, one in kustomize("base").items() if name[0] != "Namespace"}
    assert chart() == wanted


def test_webhook_is_the_same_by_every_way(kustomize: Any, chart: Any) -> None:
    wanted = by_name([one.document for one in base(components=["webhook"])])
    assert kustomize("overlays/webhook") == wanted
    assert chart("webhook=true") == {name: one for name, one in wanted.items() if name[0] != "Namespace"}


@pytest.mark.parametrize("chosen", [["forks"], ["signadot", "webhook", "mesh", "forks"]], ids=len)
def test_components_are_the_same_by_every_way(kustomize: Any, chart: Any, tmp_path: Path, chosen: list[str]) -> None:
    """Kustomize puts them in the order in which they are named; the others have one of their own."""
    inside = [COMPONENTS[one] for one in COMPONENTS if one in chosen]
    of = {"resources": ["base"], "components": inside}
    of = {name: [os.path.relpath(DEPLOY / one, tmp_path) for one in those] for name, those in of.items()}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(of))
    wanted = by_name([one.document for one in base(components=chosen)])
    assert kustomize(tmp_path) == wanted
    assert chart(*(f"{one}=true" for one in chosen)) == {name: one for name, one in wanted.items() if name[0] != "Namespace"}


def test_groups_of_sandboxes_are_the_same_by_install_and_by_the_chart(chart: Any) -> None:
    groups = ["pointsman.io", "sandbox.example.com", "previews.example.org"]
    wanted = by_name([one.document for one in base(groups=groups)])
    found = chart(f"sandboxGroups={{{','.join(groups)}}}")
    assert found == {name: one for name, one in wanted.items() if name[0] != "Namespace"}


def test_chart_puts_every_value_where_it_belongs(chart: Any) -> None:
    found = chart(
        "image=other:2", "replicas=5", "proxies.replicas=3", "gatewayClass.name=mine", "podDisruptionBudget=false",
        "networkPolicy=true", "serviceMonitor=true", "extraArgs={--mesh}", "nodeSelector.disk=fast", "imagePullSecrets[0].name=pull",
        "resources.limits.memory=2Gi",
    )  # fmt: skip
    server = found["Deployment", "pointsman"]["spec"]
    pod = server["template"]["spec"]
    arguments = pod["containers"][0]["args"]
    assert (server["replicas"], pod["containers"][0]["image"], pod["nodeSelector"]) == (5, "other:2", {"disk": "fast"})
    assert {"--data-planes=other:2", "--replicas=3", "--mesh"} <= set(arguments)
    assert pod["containers"][0]["resources"]["limits"] == {"memory": "2Gi"}
    assert found["ServiceAccount", "pointsman"]["imagePullSecrets"] == [{"name": "pull"}]
    assert ("PodDisruptionBudget", "pointsman") not in found
    assert {("GatewayClass", "mine"), ("NetworkPolicy", "pointsman"), ("ServiceMonitor", "pointsman")} <= set(found)


def test_options_of_the_chart_are_the_components_of_kustomize(chart: Any) -> None:
    found = chart("networkPolicy=true", "serviceMonitor=true")
    for name in ("network-policy/server.yaml", "monitoring/server.yaml", "monitoring/proxies.yaml"):
        for wanted in yaml.safe_load_all((DEPLOY / "components" / name).read_text()):
            assert found[wanted["kind"], wanted["metadata"]["name"]] == wanted


def test_overlays_are_what_they_say(kustomize: Any) -> None:
    demo, production = kustomize("overlays/demo"), kustomize("overlays/production")
    assert demo["Deployment", "pointsman"]["spec"]["replicas"] == 1
    assert ("PodDisruptionBudget", "pointsman") not in demo
    server = production["Deployment", "pointsman"]["spec"]
    assert server["replicas"] == 3
    assert "podAntiAffinity" in server["template"]["spec"]["affinity"]
    both = [one["Deployment", "pointsman"]["spec"]["template"]["spec"]["containers"][0]["args"] for one in (demo, production)]
    assert both[0] == both[1]
    assert {("NetworkPolicy", "pointsman"), ("PodDisruptionBudget", "pointsman")} <= set(production)


def test_api_server_takes_every_overlay_and_every_example(cluster: Cluster, kustomize: Any, chart: Any, namespace: str) -> None:
    made = [
        *kustomize("overlays/demo").values(),
        *kustomize("overlays/production").values(),
        *kustomize("overlays/webhook").values(),
        *chart("networkPolicy=true").values(),
    ]
    for path in (DEPLOY / "examples").glob("*.yaml"):
        made += yaml.safe_load_all(path.read_text())
    made += yaml.safe_load_all((DEPLOY / "components" / "network-policy" / "proxies.yaml").read_text())
    for one in made:
        if "namespace" in one["metadata"] or one["kind"] == "NetworkPolicy":
            one["metadata"]["namespace"] = namespace  # that is there
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": made})
    done = cluster.kubectl("apply", "--server-side", "--dry-run=server", "--force-conflicts", "--validate=strict", "-f", "-", text=text)
    assert done.returncode == 0
