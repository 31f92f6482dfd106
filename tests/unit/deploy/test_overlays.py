"""Overlays, components and the chart, as far as no other program is needed: what they refer to is there, and fits the base.

What kustomize and helm make of them is for tests/kube/test_deploy.py.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from translator.planes.manifests import CLASS_LABEL, LABEL, OWNER
from translator.planes.pods import READY_PORT
from xds import roles
from xds.installation.manifests import IMAGE, NAME, NAMESPACE, PAGES_PORT, XDS_PORT, base

DEPLOY = Path(__file__).parents[3] / "deploy"
KUSTOMIZATIONS = sorted(DEPLOY.rglob("kustomization.yaml"))
CHART = DEPLOY / "helm" / "pointsman"
(SERVER,) = (one.document for one in base() if one.kind == "Deployment")
(CONTAINER,) = SERVER["spec"]["template"]["spec"]["containers"]


def read(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=lambda path: path.parent.name)
def test_everything_that_is_named_is_there(path: Path) -> None:
    (found,) = read(path)
    names = [*found.get("resources", []), *found.get("components", []), *(one["path"] for one in found.get("patches", []) if "path" in one)]
    assert names
    for name in names:
        assert (path.parent / name).exists(), name


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("components/*/*.yaml")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_component_is_about_pods_that_there_are(path: Path) -> None:
    labels = SERVER["spec"]["template"]["metadata"]["labels"]
    proxies = {**OWNER, LABEL: "any", CLASS_LABEL: "any"}
    for one in read(path):
        selector = one.get("spec", {}).get("podSelector") or one.get("spec", {}).get("selector")
        if selector:
            wanted = selector["matchLabels"]
            assert wanted.items() <= labels.items() or wanted.items() <= proxies.items()
            assert all(each["key"] in proxies for each in selector.get("matchExpressions", []))


def test_ports_are_those_by_which_everybody_else_knows_them() -> None:
    assert {one["name"]: one["containerPort"] for one in CONTAINER["ports"]} == {"xds": XDS_PORT, "metrics": PAGES_PORT}
    assert f"--metrics=0.0.0.0:{PAGES_PORT}" in CONTAINER["args"]
    assert f"--reach={NAME}.{NAMESPACE}.svc:{XDS_PORT}" in CONTAINER["args"]
    (monitor,) = read(DEPLOY / "components" / "monitoring" / "proxies.yaml")
    assert monitor["spec"]["podMetricsEndpoints"][0]["port"] == "ready"
    assert READY_PORT == 19003
    (policy,) = read(DEPLOY / "components" / "network-policy" / "proxies.yaml")
    assert {"protocol": "TCP", "port": XDS_PORT} in policy["spec"]["egress"][0]["ports"]


def test_server_fits_the_restricted_pod_security_standard() -> None:
    pod = SERVER["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert CONTAINER["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"]
    assert not CONTAINER["securityContext"]["allowPrivilegeEscalation"]


def test_demo_removes_the_budget_that_one_replica_cannot_keep() -> None:
    text = (DEPLOY / "overlays" / "demo" / "kustomization.yaml").read_text()
    assert "value: 1" in text
    assert "$patch: delete" in text


def test_roles_of_the_chart_are_fresh() -> None:
    assert roles.CHART.read_text() == roles.text(roles.roles(roles.OF_CHART)), "run `make roles`"


def test_values_of_the_chart_are_the_image_and_class_of_the_base() -> None:
    (values,) = read(CHART / "values.yaml")
    assert (values["image"], values["gatewayClass"]["name"]) == (IMAGE, NAME)
    assert values["replicas"] == SERVER["spec"]["replicas"]
    assert values["resources"] == CONTAINER["resources"]


def test_every_value_of_the_chart_is_used_and_none_that_is_not_there() -> None:
    (values,) = read(CHART / "values.yaml")
    used = {one for path in CHART.glob("templates/*.yaml") for one in re.findall(r"\.Values\.(\w+)", path.read_text())}
    assert used == set(values)


def test_versions_are_those_of_the_package() -> None:
    (chart,) = read(CHART / "Chart.yaml")
    assert chart["version"] == chart["appVersion"] == IMAGE.partition(":")[2]
    assert f'version = "{chart["version"]}"' in (DEPLOY.parent / "pyproject.toml").read_text()


def test_webhook_of_the_chart_is_that_of_the_component() -> None:
    text = (CHART / "templates" / "webhook.yaml").read_text()
    inner = "".join(text.splitlines(keepends=True)[1:-1])
    assert inner.replace(roles.OF_CHART, NAMESPACE) == (DEPLOY / "components" / "webhook" / "configuration.yaml").read_text()
