"""What is installed is what the files say, with the image that is wanted."""

from __future__ import annotations

import pytest

from xds import roles
from xds.installation import manifests
from xds.installation.manifests import COMPONENTS, IMAGE, NAMESPACE, Manifest, base, definitions, place
from xds.webhook.server import PATH, PATIENCE


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


def test_with_the_webhook_the_server_answers_where_the_api_server_asks() -> None:
    found = {(one.kind, one.name): one.document for one in base("x", ["webhook"])}
    configuration = found["MutatingWebhookConfiguration", "pointsman"]
    (container,) = found["Deployment", "pointsman"]["spec"]["template"]["spec"]["containers"]
    ports = {one["name"]: one["port"] for one in found["Service", "pointsman"]["spec"]["ports"]}
    for hook in configuration["webhooks"]:
        assert hook["clientConfig"] == {"service": {"name": "pointsman", "namespace": NAMESPACE, "port": ports["webhook"], "path": PATH}}
    assert f"--webhook=0.0.0.0:{ports['webhook']}" in container["args"]
    assert {"name": "webhook", "containerPort": ports["webhook"]} in container["ports"]
    assert [one.kind for one in base(components=["webhook"])][-1] == "MutatingWebhookConfiguration"


def test_no_pod_waits_long_or_is_refused_and_who_does_not_ask_is_not_asked_about() -> None:
    [configuration] = [one.document for one in base(components=["webhook"]) if one.kind == "MutatingWebhookConfiguration"]
    for hook in configuration["webhooks"]:
        assert (hook["failurePolicy"], hook["sideEffects"]) == ("Ignore", "None")
        assert PATIENCE < hook["timeoutSeconds"] <= 3
        assert "caBundle" not in hook["clientConfig"]
        assert "pointsman.io/inject" in {*hook["namespaceSelector"].get("matchLabels", ()), *hook["objectSelector"].get("matchLabels", ())}


def test_without_the_webhook_nothing_of_it_is_there() -> None:
    assert "webhook" not in str([one.document for one in base()])


def arguments(*components: str, groups: tuple[str, ...] = ()) -> list[str]:
    (deployment,) = (one.document for one in base(components=components, groups=groups) if one.kind == "Deployment")
    found: list[str] = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    return found


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_component_is_an_option_of_the_server_and_a_role_for_it(name: str) -> None:
    (said,) = set(arguments(name)) - set(arguments())
    assert said.partition("=")[0] == f"--{name}"
    more = {str(one) for one in base(components=[name])} - {str(one) for one in base()}
    assert {f"ClusterRole/pointsman-{name}", f"ClusterRoleBinding/pointsman-{name}"} <= more


def test_components_come_in_one_order_and_once() -> None:
    several = ["signadot", "forks", "mesh", "webhook", "forks"]
    assert [one.document for one in base(components=several)] == [one.document for one in base(components=COMPONENTS)]


def test_group_of_sandboxes_has_its_role_its_definitions_and_is_told_to_the_server() -> None:
    groups = ("pointsman.io", "previews.example.org")
    assert arguments(groups=groups)[-2:] == ["--sandbox-group=pointsman.io", "--sandbox-group=previews.example.org"]
    assert [one.document for one in base(groups=groups)[-2:]] == roles.group_roles("previews.example.org")
    assert len(base(groups=groups)) == len(base()) + 2
    more = [one.name for one in definitions(groups)[len(definitions()) :]]
    assert {*more} == {f"{plural}.previews.example.org" for plural in ("localworkloads", "routegroups", "sandboxes")}
