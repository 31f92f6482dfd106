"""The test cluster itself: what others build on."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.kube.cluster.cluster import Cluster
from tests.kube.cluster.programs import _version
from tests.unit.translator.door.test_sandbox_rules import REFUSED
from xds import crds

LAPTOP = """
apiVersion: pointsman.io/v1alpha1
kind: LocalWorkload
metadata: {name: laptop}
spec: {sandboxRef: {name: alice}, service: {name: cart}, connection: {target: "tunnels:8080"}}
"""


def test_server_is_of_the_pinned_version(cluster: Cluster) -> None:
    told = json.loads(cluster.kubectl("version", "-o", "json").stdout)
    assert told["serverVersion"]["gitVersion"] == told["clientVersion"]["gitVersion"] == _version()


def test_every_definition_that_we_ship_is_served(cluster: Cluster) -> None:
    served = cluster.kubectl("api-resources", "-o", "name").stdout.split()
    assert {one["metadata"]["name"] for one in crds.shipped()} <= set(served)


def test_controllers_answer_a_new_namespace(cluster: Cluster, namespace: str) -> None:
    cluster.controllers.wait(lambda: cluster.kubectl("-n", namespace, "get", "serviceaccount", "default", check=False).returncode == 0, 30)


def test_server_that_was_killed_comes_back_with_all_it_had(cluster: Cluster, namespace: str) -> None:
    cluster.apiserver.kill()
    cluster.start_apiserver()
    assert cluster.kubectl("get", "namespace", namespace, "-o", "name").stdout.strip() == f"namespace/{namespace}"


def test_stranger_may_nothing(cluster: Cluster) -> None:
    refused = cluster.kubectl("--kubeconfig", str(cluster.user("stranger")), "get", "secrets", "-A", check=False)
    assert refused.returncode != 0
    assert "forbidden" in refused.stderr


def test_kinds_of_ours_are_found_and_shown_as_people_ask_for_them(cluster: Cluster, namespace: str) -> None:
    text = (Path(__file__).parents[2] / "deploy" / "examples" / "sandbox.yaml").read_text()
    for one in yaml.safe_load_all(text):
        if one["apiVersion"].startswith("pointsman.io/"):
            cluster.kubectl("apply", "-f", "-", text=json.dumps({**one, "metadata": {**one["metadata"], "namespace": namespace}}))
    cluster.kubectl("-n", namespace, "apply", "-f", "-", text=LAPTOP)
    heads = {word: cluster.kubectl("-n", namespace, "get", word).stdout.splitlines()[0].split() for word in ("sb", "rg", "lw")}
    assert heads == {
        "sb": ["NAME", "KEY", "PHASE", "READY", "AGE"],
        "rg": ["NAME", "HEADER", "READY", "AGE"],
        "lw": ["NAME", "SANDBOX", "SERVICE", "KEY", "PHASE", "AGE"],
    }
    shown = cluster.kubectl("-n", namespace, "get", "gateway-api", "-o", "name").stdout.split()
    assert {"sandbox.pointsman.io/alice", "routegroup.pointsman.io/staging"} <= set(shown)
    assert "The Sandbox that answers" in cluster.kubectl("explain", "routegroup.spec.routes.targetSandbox").stdout


def test_rules_of_our_kinds_refuse_what_they_are_there_for(cluster: Cluster, namespace: str) -> None:
    everything = json.dumps({"apiVersion": "v1", "kind": "List", "items": [*REFUSED.values()]})
    done = cluster.kubectl("-n", namespace, "apply", "--dry-run=server", "-f", "-", text=everything, check=False)
    assert [words for words in REFUSED if words not in done.stderr] == []
    assert done.stdout == ""
