"""What is installed is what the files say, with the image that is wanted."""

from __future__ import annotations

import pytest

from xds.installation import manifests
from xds.installation.manifests import IMAGE, NAMESPACE, Manifest, base, definitions, place


def test_server_comes_after_what_it_needs() -> None:
    kinds = [one.kind for one in base()]
    assert kinds.index("Namespace") == 0
    assert kinds.index("ServiceAccount") < kinds.index("Deployment")
    assert kinds.index("ClusterRoleBinding") < kinds.index("Deployment")


def test_every_definition_that_is_shipped_is_installed() -> None:
    names = {one.name for one in definitions()}
    assert {"gatewayclasses.gateway.networking.k8s.io", "httproutes.gateway.networking.k8s.io", "backends.pointsman.io"} <= names


def test_image_is_that_of_the_server_and_of_proxies() -> None:
    (deployment,) = (one for one in base("registry.example/p:2") if one.kind == "Deployment")
    (container,) = deployment.document["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example/p:2"
    assert "--data-planes=registry.example/p:2" in container["args"]
    assert IMAGE not in str(deployment.document)


def test_image_is_changed_nowhere_else() -> None:
    others = [one.document for one in base("x") if one.kind != "Deployment"]
    assert others == [one.document for one in base() if one.kind != "Deployment"]


def test_every_object_has_a_path_of_its_own() -> None:
    paths = [one.path for one in (*definitions(), *base())]
    assert len(paths) == len(set(paths))


def test_objects_belong_to_our_namespace_or_to_none() -> None:
    assert {one.namespace for one in base()} == {"", NAMESPACE}


def test_paths_are_those_of_the_api() -> None:
    assert place("v1", "pods", "a", "b") == "/api/v1/namespaces/a/pods/b"
    assert place("apps/v1", "deployments") == "/apis/apps/v1/deployments"
    of_class = Manifest({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": {"name": "x"}})
    assert of_class.path == "/apis/gateway.networking.k8s.io/v1/gatewayclasses/x"


def test_broken_installation_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "PLACES", ())
    with pytest.raises(FileNotFoundError, match="no manifests"):
        base()
