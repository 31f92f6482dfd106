"""A Gateway gets proxies of its own: made, reached by its address, repaired, changed with it, and gone with it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp

from tests.kube.cluster.cluster import Cluster
from tests.kube.planes import CLASS, SOON, Asked, permitted, serving
from tests.kube.test_nodes import ECHO
from tests.waiting import wait_until

EDGE = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: pods
  infrastructure: {labels: {team: shop}, annotations: {told: "yes"}}
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: all}
spec:
  parentRefs: [{name: edge}]
  rules: [{backendRefs: [{name: echo, port: 80}]}]
"""
KINDS = "serviceaccount,configmap,secret,service,poddisruptionbudget,deployment"


async def test_gateway_is_served_by_pods_of_its_own(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    cluster.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    async with serving(cluster, tmp_path), aiohttp.ClientSession() as session:
        asked = Asked(cluster, namespace, session)
        await asked.kubectl("apply", "-f", "-", text=f"{CLASS}\n---\n{ECHO}\n---\n{EDGE}")
        address = await asked.programmed("edge")
        assert await asked.reached(f"http://{address}/hello") in (200, 503), "the backends may still be starting, the route is there"

        async def echoed() -> bool:
            return '"path": "/hello"' in (await asked.answer(f"http://{address}/hello"))[1]

        await wait_until(echoed, SOON, "an answer of the backend")
        await _tells_its_labels(asked)
        await _is_repaired(asked, address)
        await _follows_its_listeners(asked, address)
        await _leaves_nothing(asked)


async def _tells_its_labels(asked: Asked) -> None:
    found = (await asked.get(KINDS, "-l", "gateway.networking.k8s.io/gateway-name=edge"))["items"]
    assert sorted(one["kind"] for one in found) == ["ConfigMap", "Deployment", "PodDisruptionBudget", "Secret", "Service", "ServiceAccount"]
    assert {one["metadata"]["labels"]["team"] for one in found} == {"shop"}
    assert {one["metadata"]["annotations"]["told"] for one in found} == {"yes"}


async def _is_repaired(asked: Asked, address: str) -> None:
    await asked.kubectl("patch", "service", "edge-pods", "--type=merge", "-p", json.dumps({"spec": {"selector": {"nobody": "here"}}}))

    async def repaired() -> bool:
        return "nobody" not in (await asked.get("service", "edge-pods"))["spec"]["selector"]

    await wait_until(repaired, SOON, "the selector of the Service")


async def _follows_its_listeners(asked: Asked, address: str) -> None:
    listeners = [{"name": "http", "port": 80, "protocol": "HTTP"}, {"name": "more", "port": 8081, "protocol": "HTTP"}]
    await asked.kubectl("patch", "gateway", "edge", "--type=merge", "-p", json.dumps({"spec": {"listeners": listeners}}))

    async def echoed() -> bool:
        return '"path": "/more"' in (await asked.answer(f"http://{address}:8081/more"))[1]

    await wait_until(echoed, SOON, "an answer at the new port")


async def _leaves_nothing(asked: Asked) -> None:
    await asked.kubectl("delete", "gateway", "edge")

    async def gone() -> bool:
        return not (await asked.get(f"{KINDS},pod", "-l", "gateway.networking.k8s.io/gateway-name=edge"))["items"]

    await wait_until(gone, SOON, "all objects of the data plane to be gone")


PATCH_DEPLOYMENTS, UPDATE_GATEWAYS = ("apps", "deployments", "patch"), ("gateway.networking.k8s.io", "gateways/status", "update")


async def test_missing_verb_is_a_finding_until_it_is_allowed(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    async with serving(cluster, tmp_path) as server, aiohttp.ClientSession() as session:
        asked = Asked(cluster, namespace, session)

        async def codes() -> set[str]:
            return {one["code"] for one in (await server.get("/status"))["findings"]}

        async def told() -> bool:
            return {"PM0135", "PM0136"} <= await codes()

        async def silent() -> bool:
            return not {"PM0135", "PM0136"} & await codes()

        await asyncio.to_thread(permitted, cluster, PATCH_DEPLOYMENTS, UPDATE_GATEWAYS)
        await asked.kubectl("apply", "-f", "-", text=f"{CLASS}\n---\n{EDGE}")
        await wait_until(told, SOON, "both findings")
        await asyncio.to_thread(permitted, cluster)
        await asked.programmed("edge")
        await wait_until(silent, SOON, "no finding to be left")
