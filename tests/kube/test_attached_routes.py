"""A thousand routes on one Gateway: it is told how many, and is written a few times only (B12)."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.e2e.server import Server
from tests.kube.cluster.cluster import Cluster
from tests.kube.planes import permitted
from tests.waiting import wait_until
from xds.sources.kube.access import loader
from xds.sources.kube.transport import Transport

ROUTES, AT_ONCE, WRITES = 1000, 16, 50
SOON = 120.0
API = "/apis/gateway.networking.k8s.io/v1"
GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: many}
spec: {controllerName: pointsman.io/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: many, listeners: [{name: http, port: 8080, protocol: HTTP}]}
"""


class Edge:
    """The Gateway as it is watched: what it says, and how often it was written."""

    def __init__(self, transport: Transport, namespace: str) -> None:
        self.transport, self.place = transport, f"{API}/namespaces/{namespace}"
        self.attached, self.writes = -1, 0

    async def watch(self) -> None:
        query = {"watch": "true", "fieldSelector": "metadata.name=edge"}
        async with self.transport.get(f"{self.place}/gateways", query) as response:
            rest = b""
            async for chunk in response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self.writes += 1
                    listeners = json.loads(line)["object"].get("status", {}).get("listeners") or [{}]
                    self.attached = listeners[0].get("attachedRoutes", -1)

    async def all(self, method: str) -> None:
        """Create or delete every route, some at a time."""
        numbers = iter(range(ROUTES))

        async def some() -> None:
            for number in numbers:
                body = route(number) if method == "POST" else None
                path = f"{self.place}/httproutes" + ("" if body else f"/r{number}")
                answer = await self.transport.call(method, path, body)
                assert answer.status in (200, 201), answer.body

        await asyncio.gather(*(some() for _ in range(AT_ONCE)))

    async def says(self, attached: int) -> None:
        await wait_until(lambda: self.attached == attached, SOON, f"{attached} routes to be told of")


def route(number: int) -> dict[str, Any]:
    spec = {"parentRefs": [{"name": "edge"}], "hostnames": [f"h{number}.example"], "rules": [{}]}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": f"r{number}"}, "spec": spec}


async def test_gateway_of_a_thousand_routes_is_written_a_few_times(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    await asyncio.to_thread(cluster.kubectl, "-n", namespace, "apply", "-f", "-", text=GATEWAY)
    transport = Transport(loader(str(cluster.kubeconfig), None))
    edge = Edge(transport, namespace)
    watching = asyncio.create_task(edge.watch())
    try:
        kubeconfig = await asyncio.to_thread(permitted, cluster)
        async with Server(None, tmp_path / "server.log", "--kube", "--kubeconfig", str(kubeconfig)):
            await edge.says(0)
            for method, attached in (("POST", ROUTES), ("DELETE", 0)):
                before = edge.writes
                await edge.all(method)
                await edge.says(attached)
                assert edge.writes - before <= WRITES
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await transport.close()
        await asyncio.to_thread(cluster.kubectl, "delete", "gatewayclass", "many")
