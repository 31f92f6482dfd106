"""The test cluster itself: what others build on."""

from __future__ import annotations

import json

from tests.kube.cluster.cluster import Cluster
from tests.kube.cluster.programs import _version
from xds import crds


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
