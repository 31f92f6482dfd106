"""Rights are taken from a running server and given back, on a real API server: each is told by name, and nothing else stops."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp

from tests.e2e.server import Server
from tests.kube.cluster.cluster import Cluster
from tests.kube.planes import CLASS, SOON, Asked, permitted, serving
from tests.kube.test_planes import EDGE
from tests.waiting import wait_until
from xds.sources.kube.rights import Right

API = "gateway.networking.k8s.io"
TAKEN: dict[Right, str] = {  # and what makes the server need it
    ("coordination.k8s.io", "leases", "update"): "nothing, it is needed all the time",
    (API, "httproutes/status", "update"): "a route",
    ("", "events", "create"): "a route that is refused",
    ("apps", "deployments", "patch"): "a Gateway",
}


async def test_right_that_is_taken_from_a_running_server_is_missed_by_name_until_it_is_back(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    async with serving(cluster, tmp_path) as server, aiohttp.ClientSession() as session:
        asked = Asked(cluster, namespace, session)
        await asked.kubectl("apply", "-f", "-", text=f"{CLASS}\n---\n{EDGE}")
        await wait_until(lambda: _leads(server), SOON, "the Lease")
        for number, (group, resource, verb) in enumerate(TAKEN):
            name = f"{verb} {resource}.{group}" if group else f"{verb} {resource}"
            await asyncio.to_thread(permitted, cluster, (group, resource, verb))
            await _changed(asked, number)
            await wait_until(lambda name=name: _missed(server, name), SOON, f"{name} to be missed")  # type: ignore[misc]
            await asyncio.to_thread(permitted, cluster)
            await _changed(asked, number + len(TAKEN))
            await wait_until(lambda: _content(server), SOON, f"{name} to be back")


async def _leads(server: Server) -> bool:
    return "pointsman_leader 1.0" in await server.text("/metrics")


async def _changed(asked: Asked, number: int) -> None:
    """A Gateway is run differently, and a route is refused anew."""
    await asked.kubectl(
        "patch", "gateway", "edge", "--type=merge", "-p", json.dumps({"spec": {"infrastructure": {"labels": {"n": str(number)}}}})
    )
    section = {"parentRefs": [{"name": "edge", "sectionName": f"none-{number}"}]}
    route = {"apiVersion": f"{API}/v1", "kind": "HTTPRoute", "metadata": {"name": f"refused-{number}"}, "spec": section}
    await asked.kubectl("apply", "-f", "-", text=json.dumps(route))


async def _missing(server: Server) -> set[str]:
    return {one["key"] for one in (await server.get("/status"))["findings"] if one["code"] == "PM0137"}


async def _missed(server: Server, name: str) -> bool:
    return await _missing(server) == {name}


async def _content(server: Server) -> bool:
    return await _missing(server) == set()
