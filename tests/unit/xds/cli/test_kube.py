"""`--kube`: what commands say of a cluster is what they say of files, and a cluster that cannot be read is a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.xds.cli.test_installing import pointsman, world  # noqa: F401 - fixtures
from tests.unit.xds.installation.world import TRUE, World
from tests.unit.xds.told import Told
from translator.gatewayapi.conditions import CONTROLLER
from xds.installation.manifests import NAME, NAMESPACE, place
from xds.sources.kube.forward import ForwardError

CLASS = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: pointsman}}
spec: {{controllerName: {CONTROLLER}}}
"""
GATEWAY = """
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}, namespace: default}}
spec: {{gatewayClassName: pointsman, listeners: [{{name: web, port: 80, protocol: HTTP}}]}}
"""
TWO = CLASS + GATEWAY.format(name="edge") + GATEWAY.format(name="inner")
ROUTE = """
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: default}
spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: none, port: 80}]}]}
"""


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, world: World) -> Any:  # noqa: F811
    def holds(text: str, forbidden: str = "") -> Told:
        told = Told(text, forbidden)
        monkeypatch.setattr("xds.cli.cluster.Kube", lambda *_, **__: told)
        return told

    assert world
    return holds


# check, render ---------------------------------------------------------------------------------------------------------


def test_cluster_without_fault_is_said_to_be_so(pointsman: Any, cluster: Any) -> None:  # noqa: F811
    cluster(TWO)
    done = pointsman("check", "--kube")
    assert (done.code, done.out) == (0, "3 objects, no findings\n")


def test_what_is_wrong_in_a_cluster_is_found_and_stands_in_no_file(pointsman: Any, cluster: Any) -> None:  # noqa: F811
    cluster(TWO + ROUTE)
    done = pointsman("check", "--kube")
    assert done.code == 1
    assert done.out.startswith("PM0201 HTTPRoute default/shop: ")


def test_two_gateways_with_one_port_do_not_conflict_for_each_has_its_own_proxies(pointsman: Any, cluster: Any) -> None:  # noqa: F811
    cluster(TWO)
    assert pointsman("check", "--kube", "-o", "json").code == 0


def test_secrets_are_read_where_something_refers_to_them_and_not_else(pointsman: Any, cluster: Any) -> None:  # noqa: F811
    secret = "\n---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: default}}\ndata: {{}}\n"
    tls = GATEWAY.format(name="edge").replace("protocol: HTTP", "protocol: HTTPS, tls: {certificateRefs: [{name: used}]}")
    told = cluster(CLASS + tls + secret.format(name="used") + secret.format(name="other"))
    pointsman("check", "--kube")
    assert told.wanted == {("Secret", "default/used")}


def test_cluster_that_may_not_be_read_as_a_whole_is_not_judged(pointsman: Any, cluster: Any) -> None:  # noqa: F811
    cluster(TWO, forbidden="Secret")
    done = pointsman("check", "--kube")
    assert (done.code, done.out) == (3, "")
    assert "may not list Secret" in done.err
    assert "use an account that may read all of it" in done.err


def test_gateway_is_rendered_as_its_own_proxies_get_it(pointsman: Any, cluster: Any) -> None:  # noqa: F811
    cluster(TWO)
    found = json.loads(pointsman("render", "--kube", "--gateway", "default/inner", "-o", "json").out)
    (listener,) = found["listeners"]
    assert listener["resource"]["address"]["socket_address"] == {"address": "0.0.0.0", "port_value": 80}
    assert "Gateway default/inner" in listener["from"]


def test_gateway_that_is_not_there_is_told_with_those_that_are(pointsman: Any, cluster: Any) -> None:  # noqa: F811
    cluster(TWO)
    done = pointsman("render", "--kube", "--gateway", "default/egde")
    assert done.code == 2
    assert "default/edge, default/inner" in done.err


# status ----------------------------------------------------------------------------------------------------------------


def route(world: World, name: str, namespace: str = "default") -> None:  # noqa: F811
    theirs = {"parentRef": {"name": "else"}, "controllerName": "example.com/c", "conditions": [{"type": "Accepted", **TRUE}]}
    ours = {"parentRef": {"name": "edge"}, "controllerName": CONTROLLER, "conditions": [{"type": "Accepted", **TRUE}]}
    path = place("gateway.networking.k8s.io/v1", "httproutes", namespace, name)
    world.put(path, {"spec": {}, "metadata": {"managedFields": [1]}, "status": {"parents": [theirs, ours]}})


def test_status_is_what_stands_in_the_cluster_by_us(pointsman: Any, world: World) -> None:  # noqa: F811
    route(world, "shop")
    rows = pointsman("status", "--kube").out.splitlines()
    assert rows[0].split()[:4] == ["KIND", "NAME", "PARENT", "ACCEPTED"]
    assert [row.split() for row in rows[1:]] == [["HTTPRoute", "default/shop", "Gateway/edge", "True", "-", "-"]]


def test_one_kind_is_asked_for_alone_and_in_its_namespace(pointsman: Any, world: World) -> None:  # noqa: F811
    route(world, "shop")
    route(world, "shop", "other")
    one = json.loads(pointsman("status", "route/shop", "--kube", "-n", "other", "-o", "json").out)
    assert (one["kind"], one["metadata"]["namespace"]) == ("HTTPRoute", "other")
    assert "managedFields" not in one["metadata"]
    assert {path for _, path in world.asked} == {"/apis/gateway.networking.k8s.io/v1/namespaces/other/httproutes"}


def test_status_of_what_is_not_there_is_a_finding(pointsman: Any, world: World) -> None:  # noqa: F811
    assert world
    done = pointsman("status", "route/none", "--kube")
    assert (done.code, "HTTPRoute none not found" in done.err) == (1, True)


def test_names_of_a_cluster_are_one_a_line(pointsman: Any, world: World) -> None:  # noqa: F811
    route(world, "shop")
    assert pointsman("status", "--kube", "-o", "name").out == "httproute/shop\n"


def test_folder_of_the_name_of_a_kind_is_not_taken_for_the_cluster(
    pointsman: Any, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,  # noqa: F811
) -> None:  # fmt: skip
    (tmp_path / "route").mkdir()
    monkeypatch.chdir(tmp_path)
    route(world, "shop")
    assert "default/shop" in pointsman("status", "route", "--kube").out


# proxies ---------------------------------------------------------------------------------------------------------------

PROXY = {
    "node": "default/edge/a", "view": "default/edge",
    "types": [{"type": "type.googleapis.com/envoy.x", "state": "SYNCED", "held": 1, "sent": "1", "acked": "1", "error": ""}],
}  # fmt: skip


def server(world: World, name: str, *, ready: bool = True) -> None:  # noqa: F811
    status = {"conditions": [{"type": "Ready", "status": str(ready)}]}
    metadata = {"labels": {"app.kubernetes.io/name": NAME}}
    world.put(place("v1", "pods", NAMESPACE, name), {"metadata": metadata, "status": status})


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What each server answers."""
    answers: dict[str, Any] = {}

    async def page(_: object, namespace: str, pod: str, port: int, path: str) -> bytes:
        assert (namespace, port) == (NAMESPACE, 19000)
        return json.dumps(answers[f"{pod}{path}"]).encode()

    monkeypatch.setattr("xds.cli.live.page", page)
    return answers


def test_proxies_of_all_replicas_are_one_table(pointsman: Any, world: World, told: dict[str, Any]) -> None:  # noqa: F811
    server(world, "a")
    server(world, "b")
    server(world, "starting", ready=False)
    told |= {"a/proxies": [PROXY], "b/proxies": [{**PROXY, "node": "default/edge/b"}]}
    rows = pointsman("proxies", "--kube").out.splitlines()
    assert [row.split()[0] for row in rows] == ["NODE", "default/edge/a", "default/edge/b"]
    assert pointsman("proxies", "--kube", "-o", "name").out.split() == ["default/edge/a", "default/edge/b"]


def test_loads_of_all_replicas_are_added(pointsman: Any, world: World, told: dict[str, Any]) -> None:  # noqa: F811
    for name in "ab":
        server(world, name)
        told[f"{name}/loads"] = {"clusters": {"c": {"succeeded": 2, "failed": 1}}, "passed_over": 0}
    found = json.loads(pointsman("proxies", "--kube", "--load", "-o", "json").out)
    assert found == {"clusters": {"c": {"succeeded": 4, "failed": 2}}, "passed_over": 0, "counted": False, "forks": {}}


def test_cluster_without_a_server_says_where_to_look(pointsman: Any, world: World) -> None:  # noqa: F811
    assert world
    done = pointsman("proxies", "--kube")
    assert done.code == 3
    assert "pointsman doctor" in done.err


def test_who_may_not_ask_a_server_is_told_what_is_needed(
    pointsman: Any, world: World, monkeypatch: pytest.MonkeyPatch,  # noqa: F811
) -> None:  # fmt: skip
    async def refused(*_: object) -> bytes:
        raise ForwardError("Pod a/b: you may not: get and create of pods/portforward are needed")

    server(world, "a")
    monkeypatch.setattr("xds.cli.live.page", refused)
    done = pointsman("proxies", "--kube")
    assert (done.code, "pods/portforward are needed" in done.err) == (3, True)


# Misuse ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check"], "DIR, or --kube"),
        (["check", ".", "--kube"], "DIR, or --kube"),
        (["render", ".", "--gateway", "a/b"], "--gateway goes with --kube"),
        (["render", ".", "--context", "x"], "go with --kube"),
        (["status", "--kubeconfig", "x"], "go with --kube"),
        (["proxies", "--context", "x"], "go with --kube"),
    ],
)
def test_misuse_is_a_sentence(pointsman: Any, arguments: list[str], words: str) -> None:  # noqa: F811
    done = pointsman(*arguments)
    assert (done.code, words in done.err) == (2, True)
