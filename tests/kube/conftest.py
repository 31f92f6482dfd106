"""The one cluster of all these tests, and why there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.kube.cluster.control_plane import ControlPlane, Temporary
from tests.kube.cluster.programs import NoProgramsError, programs
from xds import crds


@pytest.fixture(scope="session")
def cluster() -> Iterator[ControlPlane]:
    """With all our CustomResourceDefinitions. Whoever hurts it mends it."""
    try:
        programs()
    except NoProgramsError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    with Temporary() as started:
        started.install(crds.folder())
        yield started


@pytest.fixture
def namespace(cluster: ControlPlane, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of its own for each test; what belongs to none is for the test to remove."""
    name = request.node.name.replace("_", "-").lower()[:60].strip("-")
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")
