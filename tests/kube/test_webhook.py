"""Sidecars put into Pods by the installed server: asked by a real API server, started by nodes, leading keys to a fork."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from tests.kube.cluster.cluster import Cluster
from tests.kube.planes import SOON, Asked
from tests.kube.test_installing import clean, pointsman
from tests.waiting import wait_until
from xds.installation.manifests import NAMESPACE

__all__ = ["clean"]
SERVICES = """
apiVersion: pointsman.io/v1alpha1
kind: RouteGroup
metadata: {name: previews}
spec: {meshOutput: Sidecar}
---
apiVersion: pointsman.io/v1alpha1
kind: Sandbox
metadata: {name: alice}
spec: {services: [{name: cart, targetRef: {name: cart-alice}}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {selector: {app: cart}, ports: [{port: 80, targetPort: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart-alice}
spec: {selector: {app: cart-alice}, ports: [{port: 80, targetPort: web}]}
"""
WORKLOAD = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}, annotations: {{pointsman.io/inject: "{inject}"}}}}
    spec:
      containers:
        - name: echo
          image: pointsman-echo
          ports: [{{name: web, containerPort: 8080}}]
          readinessProbe: {{httpGet: {{path: /, port: 8080}}}}
"""
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "tried", "labels": {"app": "cart"}},
    "spec": {"containers": [{"name": "echo", "image": "pointsman-echo", "ports": [{"name": "web", "containerPort": 8080}]}]},
}
TRIED = ("create", "--dry-run=server", "-o", "json", "-f", "-")


async def sidecars(asked: Asked, **metadata: Any) -> list[str]:
    """What a Pod would be given that is like this one."""
    pod = {**POD, "metadata": {**POD["metadata"], **metadata}}
    made = json.loads(await asked.kubectl(*TRIED, text=json.dumps(pod)))
    return [one["name"] for one in made["spec"].get("initContainers", ())]


async def becomes(asked: Asked, key: str, name: str) -> None:
    """Until this Deployment answers what is sent to the Service, by a connection of its own: an older one may have missed the sidecar."""
    address = (await asked.get("service", "cart"))["spec"]["clusterIP"]
    headers = {"X-Route-Key": key} if key else {}

    async def is_so() -> bool:
        try:
            async with asked.session.get(f"http://{address}/", headers=headers, timeout=aiohttp.ClientTimeout(total=3)) as answer:
                return (await answer.json())["pod"].rsplit("-", 2)[0] == name
        except (aiohttp.ClientError, TimeoutError):
            return False

    await wait_until(is_so, SOON, f"{key or 'no key'} to be answered by {name}")


async def asked_by_strangers(asked: Asked) -> list[int]:
    """What is no question at all."""
    found = await asyncio.to_thread(asked.cluster.kubectl, "-n", NAMESPACE, "get", "service", "pointsman", "-o", "json")
    url, statuses = f"https://{json.loads(found.stdout)['spec']['clusterIP']}:19443/inject", []
    for body in (b"", b"{}", b'{"apiVersion": "admission.k8s.io/v1", "request": {"uid": 7}}'):
        async with asked.session.post(url, data=body, ssl=False) as answer:
            statuses.append(answer.status)
            assert "Traceback" not in await answer.text()
    return statuses


async def injected(asked: Asked) -> bool:
    """On a machine that is busy enough the server answers too late, and a Pod is made without: then the next one."""
    pods = (await asked.get("pods", "-l", "app=cart"))["items"]
    missed = [one["metadata"]["name"] for one in pods if "pointsman.io/sidecar" not in one["metadata"]["labels"]]
    if missed:
        await asked.kubectl("delete", "pod", "--wait=false", *missed, check=False)
    assert "PRIVATE KEY" not in json.dumps(pods)
    return bool(pods) and not missed


async def looked_at_forks(asked: Asked) -> None:
    workloads = [WORKLOAD.format(name=name, inject=inject) for name, inject in (("cart", "true"), ("cart-alice", "false"))]
    await asked.kubectl("apply", "-f", "-", text="---".join(workloads))
    await wait_until(lambda: injected(asked), SOON, "a Pod with a sidecar")
    await becomes(asked, "", "cart")
    await becomes(asked, "alice", "cart-alice")
    await becomes(asked, "bob", "cart")


async def removed(asked: Asked) -> None:
    done = await asyncio.to_thread(pointsman, asked.cluster, "uninstall", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    left = await asked.kubectl("get", "mutatingwebhookconfigurations,clusterroles,clusterrolebindings,secrets,configmaps", "-o", "name")
    assert not [one for one in left.split() if "webhook" in one or "pointsman-sidecar" in one]


@pytest.mark.usefixtures("clean")
async def test_pods_that_ask_for_it_get_sidecars_and_are_made_whatever_becomes_of_the_server(cluster: Cluster, namespace: str) -> None:
    done = await asyncio.to_thread(pointsman, cluster, "install", "--webhook")
    assert done.returncode == 0, done.stdout + done.stderr
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        asked = Asked(cluster, namespace, session)
        await asked.kubectl("apply", "-f", "-", text=SERVICES)

        async def provided() -> bool:
            return "pointsman-sidecar-cart" in await asked.kubectl("get", "secrets", "-o", "name")

        await wait_until(provided, SOON, "what sidecars of the Service start with")
        assert await sidecars(asked) == [], "nobody has asked for any"

        async def given() -> bool:
            return await sidecars(asked, labels={"app": "cart", "pointsman.io/inject": "true"}) != []

        await wait_until(given, SOON, "the API server to ask")  # it hears of its configuration by a watch of its own
        await asked.kubectl("label", "namespace", namespace, "pointsman.io/inject=true")

        async def given_to_all() -> bool:
            return await sidecars(asked) == ["pointsman-intercept", "pointsman-sidecar"]

        await wait_until(given_to_all, SOON, "the label to count")
        assert await sidecars(asked, annotations={"pointsman.io/inject": "false"}) == []
        assert await sidecars(asked, labels={"app": "cart", "pointsman.io/inject": "false"}) == []
        assert await sidecars(asked, labels={"app": "other"}) == []
        await looked_at_forks(asked)
        assert await asked_by_strangers(asked) == [400, 400, 400]
        doctor = await asyncio.to_thread(pointsman, cluster, "doctor", "-o", "json")
        assert "PM0917" not in doctor.stdout
        await asyncio.to_thread(cluster.kubectl, "-n", NAMESPACE, "scale", "deployment/pointsman", "--replicas=0")

        async def is_away() -> bool:
            return await sidecars(asked) == []

        await wait_until(is_away, SOON, "a Pod to be made without the server")
        await becomes(asked, "alice", "cart-alice")  # a sidecar goes on without the server
        await removed(asked)
