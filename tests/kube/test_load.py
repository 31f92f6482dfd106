"""The server installed as its own manifests say, under load from outside: whatever is scaled, rolled, killed or away, no request
fails.

One open-loop load lasts from the first answer to the last fault; nothing of it is retried, and every answer that is no 200 counts.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.load import Load, Target
from tests.kube.cluster.cluster import Cluster
from tests.kube.planes import SOON, Asked
from tests.waiting import wait_until

BASE = Path(__file__).parents[2] / "deploy" / "base"
HOME = "pointsman-system"
RATE, AT_ONCE = 500, 64  # requests a second, on a machine that can; and how many may be under way on one that cannot
AWAY = 5 * RATE  # requests that are answered while there is no API server
GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: pointsman, listeners: [{name: http, port: 80, protocol: HTTP}]}
"""
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: NAME}
spec:
  parentRefs: [{name: edge}]
  rules: [{matches: [{path: {type: PathPrefix, value: /NAME}}], backendRefs: [{name: echo, port: 80}]}]
"""
BACKENDS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: echo}
spec:
  replicas: 2
  selector: {matchLabels: {app: echo}}
  strategy: {rollingUpdate: {maxUnavailable: 0}}
  template:
    metadata: {labels: {app: echo}}
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: echo
          image: pointsman-echo
          ports: [{containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
          lifecycle: {preStop: {exec: {command: [sleep, "10"]}}}  # as every backend that must lose no request
---
apiVersion: v1
kind: Service
metadata: {name: echo}
spec: {selector: {app: echo}, ports: [{port: 80, targetPort: 8080}]}
"""


@pytest.fixture
def installed(cluster: Cluster) -> Iterator[None]:
    cluster.kubectl("apply", "-k", str(BASE))
    cluster.kubectl("-n", HOME, "rollout", "status", "deployment/pointsman", f"--timeout={SOON:.0f}s")
    yield
    cluster.kubectl("delete", "-k", str(BASE), "--wait=false")


@dataclass
class World:
    """What is served, and the load on it."""

    cluster: Cluster
    asked: Asked
    address: str
    load: Load

    async def kubectl(self, *arguments: str) -> str:
        return (await asyncio.to_thread(self.cluster.kubectl, *arguments)).stdout

    async def steady(self, stage: str, requests: int = RATE) -> None:
        """So many have been answered since, and none otherwise than by 200."""
        before = sum(self.load.answers.values())
        await wait_until(lambda: sum(self.load.answers.values()) >= before + requests or self.load.failed, SOON, "answers")
        assert self.load.failed == [], f"{stage}: {len(self.load.failed)} of {self.load.sent} failed"

    async def rolled(self, namespace: str, deployment: str) -> None:
        await self.kubectl("-n", namespace, "rollout", "restart", f"deployment/{deployment}")
        await self.settled(namespace, deployment)

    async def settled(self, namespace: str, deployment: str) -> None:
        await self.kubectl("-n", namespace, "rollout", "status", f"--timeout={SOON:.0f}s", f"deployment/{deployment}")

    async def follows(self, name: str) -> None:
        """A route that is made now is served, one that is deleted is not: the server is there and is listened to."""
        await self.asked.kubectl("apply", "-f", "-", text=ROUTE.replace("NAME", name))
        await self._answers(name, 200)
        await self.asked.kubectl("delete", "httproute", name)
        await self._answers(name, 404)

    async def _answers(self, name: str, status: int) -> None:
        async def so() -> bool:
            return (await self.asked.answer(f"http://{self.address}/{name}"))[0] == status

        await wait_until(so, SOON, f"/{name} to answer {status}")

    async def leader(self) -> str:
        """The Pod that writes, or nothing where none does."""
        lease = json.loads(await self.kubectl("-n", HOME, "get", "lease", "pointsman", "-o", "json"))
        return str(lease["spec"].get("holderIdentity") or "").partition("_")[0]


@pytest.mark.usefixtures("installed")
async def test_no_request_fails_whatever_is_scaled_rolled_killed_or_away(cluster: Cluster, namespace: str) -> None:
    async with aiohttp.ClientSession() as session:
        asked = Asked(cluster, namespace, session)
        await asked.kubectl("apply", "-f", "-", text="---\n".join((BACKENDS, GATEWAY, ROUTE.replace("NAME", "still"))))
        address = await asked.programmed("edge")

        async def answered() -> bool:
            return (await asked.answer(f"http://{address}/still"))[0] == 200

        await wait_until(answered, SOON, "the first answer")
        async with Load([Target(80, "/still", address=address)], RATE, patience=20.0, most=AT_ONCE) as load:
            world = World(cluster, asked, address, load)
            for fault in (backends_come_and_go, proxies_and_servers_are_rolled, api_server_is_away, leader_is_killed, all_are_killed):
                await fault(world)
                await world.steady(fault.__name__)
        assert load.failed == []
        assert load.sent > 10 * RATE


async def backends_come_and_go(world: World) -> None:
    """F12: endpoints appear, leave gracefully, and are replaced one by one."""
    for replicas in (4, 1, 3):
        await world.asked.kubectl("scale", "deployment/echo", f"--replicas={replicas}")
        await world.settled(world.asked.namespace, "echo")
    await world.rolled(world.asked.namespace, "echo")


async def proxies_and_servers_are_rolled(world: World) -> None:
    await asyncio.gather(world.rolled(HOME, "pointsman"), world.rolled(world.asked.namespace, "edge-pointsman"))
    await world.follows("rolled")


async def api_server_is_away(world: World) -> None:
    """F1: what was served last is served on, and the next change arrives when it is back."""
    world.cluster.apiserver.kill()
    await world.steady("without an API server", AWAY)
    await asyncio.to_thread(world.cluster.start_apiserver)
    await world.follows("back")


async def leader_is_killed(world: World) -> None:
    """F17: another takes over, without a word from the first."""

    async def led() -> str:
        return await world.leader()

    leader = await wait_until(led, SOON, "a leader")
    await world.kubectl("-n", HOME, "delete", "pod", leader, "--force", "--grace-period=0")

    async def another() -> bool:
        return await world.leader() not in ("", leader)

    await wait_until(another, SOON, "another leader")
    await world.settled(HOME, "pointsman")


async def all_are_killed(world: World) -> None:
    """F5: proxies serve on without a control plane, and follow the next one."""
    await world.kubectl("-n", HOME, "delete", "pod", "--all", "--force", "--grace-period=0")
    await world.steady("without a server")
    await world.settled(HOME, "pointsman")
    await world.follows("again")
