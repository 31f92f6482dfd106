"""`pointsman install`, `doctor` and `uninstall` on a real cluster: it ends when a Gateway would work, and then nothing is left."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.kube.cluster.cluster import Cluster
from tests.kube.planes import SOON, Asked
from tests.kube.test_nodes import ECHO
from tests.kube.test_planes import EDGE
from tests.waiting import wait_until
from xds.installation.manifests import NAMESPACE

REPOSITORY = Path(__file__).parents[2]


def pointsman(cluster: Cluster, *arguments: str, by: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "xds", *arguments, "--kubeconfig", str(by or cluster.kubeconfig)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=2 * SOON, check=False)


def everything(cluster: Cluster) -> set[str]:
    """All objects that there are, but for what comes and goes by itself."""
    served = cluster.kubectl("api-resources", "--verbs=list", "-o", "name").stdout.split()
    kinds = ",".join(one for one in served if not one.startswith(("events", "componentstatuses", "endpoints", "leases")))
    columns = "custom-columns=:kind,:metadata.namespace,:metadata.name"
    return set(cluster.kubectl("get", kinds, "-A", "--no-headers", "-o", columns).stdout.splitlines())


def viewer(cluster: Cluster) -> Path:
    """The kubeconfig of somebody who may look at proxies, and nothing else."""
    cluster.kubectl("-n", NAMESPACE, "create", "rolebinding", "viewer", "--role=pointsman-view", "--user=viewer")
    return cluster.user("viewer")


def looked_at(cluster: Cluster, namespace: str) -> None:
    """By the commands that say the same of files."""
    assert pointsman(cluster, "check", "--kube").stdout.endswith("objects, no findings\n")
    status = pointsman(cluster, "status", "gateway/edge", "--kube", "-n", namespace, "-o", "json")
    assert json.loads(status.stdout)["metadata"]["namespace"] == namespace
    rendered = pointsman(cluster, "render", "--kube", "--gateway", f"{namespace}/edge", "-o", "name")
    assert rendered.stdout.startswith("listeners/")
    proxies = pointsman(cluster, "proxies", "--kube", "-o", "name", by=viewer(cluster))
    assert [one.startswith(f"{namespace}/edge/") for one in proxies.stdout.split()] == [True], proxies.stderr
    refused = pointsman(cluster, "proxies", "--kube", by=cluster.user("stranger"))
    assert (refused.returncode, "ask an administrator" in refused.stderr) == (3, True)


@pytest.fixture
def clean(cluster: Cluster) -> None:
    """Nothing of ours is there, whatever came before."""
    cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")


@pytest.mark.usefixtures("clean", "alone")
async def test_installed_by_one_command_works_and_is_removed_by_one_command(cluster: Cluster, namespace: str) -> None:
    before = await asyncio.to_thread(everything, cluster)
    done = await asyncio.to_thread(pointsman, cluster, "install")
    assert done.returncode == 0, done.stdout + done.stderr
    again = await asyncio.to_thread(pointsman, cluster, "install", "--dry-run")
    assert again.stdout.startswith("nothing would change"), again.stdout
    doctor = await asyncio.to_thread(pointsman, cluster, "doctor", "-o", "json")
    assert json.loads(doctor.stdout) == {"findings": []}
    async with aiohttp.ClientSession() as session:
        asked = Asked(cluster, namespace, session)
        await asked.kubectl("apply", "-f", "-", text=f"{ECHO}\n---\n{EDGE.replace('pods', 'pointsman')}")
        url = f"http://{await asked.programmed('edge')}/hello"

        async def echoed() -> bool:
            return (await asked.answer(url))[0] == 200

        await wait_until(echoed, SOON, "an answer of the backend")
        await asyncio.to_thread(looked_at, cluster, namespace)
        removed = await asyncio.to_thread(pointsman, cluster, "uninstall", "--yes")
        assert removed.returncode == 0, removed.stdout + removed.stderr
        gateway = await asked.get("gateway", "edge")
        assert [one["status"] for one in gateway["status"]["conditions"]] == ["Unknown", "Unknown"], "nobody says that it is served"
        route = (await asked.get("httproutes"))["items"][0]
        assert route["status"]["parents"] == []

        async def nothing_is_left() -> bool:
            left = await asyncio.to_thread(everything, cluster)
            return {one for one in left - before if f" {namespace} " not in one} == set()

        await asked.kubectl("delete", "gateway,httproute,deployment,service", "--all")
        await wait_until(nothing_is_left, SOON, "everything to be gone")
