"""The objects of a data plane, whole: what is applied is what stands in edge.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from translator.ir.plane import Plane, PlanePort
from translator.planes.manifests import KINDS, Made, Terms, collection, objects, secret, selector

HERE = Path(__file__).parent
EDGE = Plane(
    gateway="infra/edge",
    gateway_class="pods",
    ports=(PlanePort(53, "udp"), PlanePort(80, "tcp"), PlanePort(443, "tcp")),
    addresses=("172.18.0.9",),
    labels=(("team", "shop"),),
    annotations=(("told", "yes"),),
)
FILES = {"bootstrap.json": "{}\n"}
TERMS = Terms("registry.example/pointsman:1", 2)


def made(plane: Plane = EDGE, files: dict[str, str] = FILES, terms: Terms = TERMS) -> dict[str, Made]:
    return {one.kind: one for one in objects(plane, "uid-1", files, terms)}


def pod(plane: Plane = EDGE, files: dict[str, str] = FILES) -> dict[str, Any]:
    return made(plane, files)["Deployment"].document["spec"]["template"]  # type: ignore[no-any-return]


def test_objects_are_those_of_the_golden_file() -> None:
    """Read the difference, then write the file anew: it is what a cluster is told."""
    golden = list(yaml.safe_load_all((HERE / "edge.yaml").read_text()))
    assert [one.document for one in made().values()] == golden


def test_every_object_is_owned_by_the_gateway_and_found_by_it() -> None:
    for one in [*made().values(), secret(EDGE, "uid-1", {})]:
        [owner] = one.document["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["uid"], owner["controller"]) == ("Gateway", "edge", "uid-1", True)
        assert one.document["metadata"]["labels"].items() >= {**selector(EDGE), "app.kubernetes.io/managed-by": "pointsman"}.items()
        assert (one.document["apiVersion"], one.document["kind"]) == (KINDS[one.kind][0], one.kind)


def test_labels_of_the_gateway_never_take_the_place_of_those_by_which_it_is_found() -> None:
    bold = Plane(
        gateway="infra/edge", gateway_class="pods", ports=EDGE.ports, labels=(("gateway.networking.k8s.io/gateway-name", "other"),)
    )
    assert pod(bold)["metadata"]["labels"].items() >= selector(bold).items()


def test_path_of_an_object_is_that_of_its_kind() -> None:
    assert made()["Deployment"].path == "/apis/apps/v1/namespaces/infra/deployments/edge-pods"
    assert made()["Service"].path == "/api/v1/namespaces/infra/services/edge-pods"
    assert collection("PodDisruptionBudget", "infra") == "/apis/policy/v1/namespaces/infra/poddisruptionbudgets"


def test_pods_start_anew_when_they_would_start_with_something_else() -> None:
    assert pod()["metadata"]["annotations"] != pod(files={"bootstrap.json": "{ }\n"})["metadata"]["annotations"]
    assert pod()["metadata"]["annotations"] == pod(files=dict(FILES))["metadata"]["annotations"]


def test_pod_asks_for_no_privilege() -> None:
    """Kubernetes, Pod Security Standards, restricted."""
    spec = pod()["spec"]
    [container] = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert spec["automountServiceAccountToken"] is False


def test_address_is_asked_for_only_where_the_gateway_does() -> None:
    free = Plane(gateway="infra/edge", gateway_class="pods", ports=EDGE.ports)
    assert "loadBalancerIP" not in made(free)["Service"].document["spec"]
    assert made()["Service"].document["spec"]["externalIPs"] == ["172.18.0.9"]


@pytest.mark.parametrize("kind", ["Service", "ConfigMap"])
def test_equal_declarations_give_equal_objects(kind: str) -> None:
    assert made()[kind].document == made()[kind].document


def test_secret_holds_what_it_is_given() -> None:
    found = secret(EDGE, "uid-1", {"tls.crt": "eA=="})
    assert found.document["data"] == {"tls.crt": "eA=="}
    assert found.document["type"] == "kubernetes.io/tls"
