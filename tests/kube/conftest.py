"""The one cluster of all these tests, and why there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.kube.cluster import isolation
from tests.kube.cluster.cluster import Cluster
from tests.kube.cluster.control_plane import Temporary
from tests.kube.cluster.programs import NoProgramsError, programs
from xds import crds

TEST = "pointsman.io/test=true"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """With all our CustomResourceDefinitions. Whoever hurts it mends it. From here on these tests are in a network of their own."""
    try:
        isolation.check()
        found = programs()
        isolation.enter()
    except (NoProgramsError, isolation.NoIsolationError) as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    with Temporary(lambda folder: Cluster(folder, found)) as started:
        started.install(crds.folder())
        yield started


@pytest.fixture
def alone(cluster: Cluster, namespace: str) -> None:
    """Nothing of earlier tests is left, for a test that looks at all namespaces. They end while later ones run."""
    there = cluster.kubectl("get", "namespace", "-l", TEST, "-o", "name").stdout.split()
    if others := [one for one in there if one != f"namespace/{namespace}"]:
        cluster.kubectl("delete", *others, "--ignore-not-found")


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of its own for each test; what belongs to none is for the test to remove."""
    name = request.node.name.replace("_", "-").lower()[:60].strip("-")
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("label", "namespace", name, TEST)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")
