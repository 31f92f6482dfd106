"""Proxies as an EnvoyProxy says: on each node, counted by an autoscaler, or one set of them for a whole class."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp

from tests.kube.cluster.cluster import Cluster
from tests.kube.planes import SOON, Asked, serving
from tests.kube.test_nodes import ECHO
from tests.waiting import wait_until

CLASS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: merged}
spec:
  controllerName: pointsman.io/gateway-controller
  parametersRef: {group: pointsman.io, kind: EnvoyProxy, name: all, namespace: NAMESPACE}
---
apiVersion: pointsman.io/v1alpha1
kind: EnvoyProxy
metadata: {name: all}
spec: {workload: DaemonSet, mergeGateways: true, service: {annotations: {told: "yes"}}}
"""
GATEWAYS = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: one}
spec:
  gatewayClassName: merged
  listeners:
    - {name: wide, port: 80, protocol: HTTP, hostname: "*.example.com"}
    - {name: own, port: 8081, protocol: HTTP}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: two}
spec:
  gatewayClassName: merged
  listeners: [{name: narrow, port: 80, protocol: HTTP, hostname: two.example.com}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: elsewhere}
spec:
  gatewayClassName: merged
  addresses: [{value: 172.18.0.99}]
  listeners: [{name: http, port: 8082, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: one}
spec:
  parentRefs: [{name: one}]
  rules: [{matches: [{path: {value: /one}}], backendRefs: [{name: echo, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: two}
spec:
  parentRefs: [{name: two}]
  rules: [{matches: [{path: {value: /two}}], backendRefs: [{name: echo, port: 80}]}]
"""
SHARED = ("-n", "default", "-l", "pointsman.io/shared=true,gateway.networking.k8s.io/gateway-class-name=merged")
NAME = "gateway.networking.k8s.io/gateway-name"
MADE = "serviceaccount,configmap,secret,service,poddisruptionbudget,deployment,daemonset,horizontalpodautoscaler"


async def test_class_is_served_by_one_set_of_proxies(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    """Whose hosts are kept apart as in proxies of their own, whose kind of workload may change, and which go with their class."""
    async with serving(cluster, tmp_path) as server, aiohttp.ClientSession() as session:
        asked = Asked(cluster, namespace, session)
        texts = [CLASS.replace("NAMESPACE", namespace), ECHO, GATEWAYS]
        await asked.kubectl("apply", "-f", "-", text="\n---\n".join(texts))
        address = await asked.programmed("one")
        assert address == await asked.programmed("two")
        await _keeps_hosts_apart(asked, address)
        await _asks_in_vain(asked)
        assert await kinds(asked) == ["ConfigMap", "DaemonSet", "PodDisruptionBudget", "Secret", "Service", "ServiceAccount"]
        nodes = {one["spec"]["nodeName"] for one in await shared(asked, "pod")}
        assert len(nodes) == len((await asked.get("node"))["items"]), "a proxy on each node"
        assert {one["group"] for one in await server.get("/proxies")} == {"class:merged"}
        await _goes_over_to_a_count(asked)
        address = await _gives_each_an_address(asked, address)
        await _stays_when_its_parameters_go(asked, address)
        await asked.kubectl("delete", "gatewayclass", "merged")
        await asked.kubectl("delete", "gateway", "--all")

        async def gone() -> bool:
            return not await shared(asked, f"{MADE},pod") and not await ways(asked)

        await wait_until(gone, SOON, "all objects of the shared data plane to be gone")


async def shared(asked: Asked, what: str) -> list[dict[str, Any]]:
    found = await asyncio.to_thread(asked.cluster.kubectl, "get", what, *SHARED, "-o", "json")
    return json.loads(found.stdout)["items"]  # type: ignore[no-any-return]


async def ways(asked: Asked) -> list[dict[str, Any]]:
    """Services of Gateways that share their proxies."""
    labels = f"pointsman.io/gateway-namespace={asked.namespace}"
    found = await asyncio.to_thread(asked.cluster.kubectl, "get", "service", "-n", "default", "-l", labels, "-o", "json")
    return json.loads(found.stdout)["items"]  # type: ignore[no-any-return]


async def kinds(asked: Asked) -> list[str]:
    return sorted(one["kind"] for one in await shared(asked, MADE))


async def answered(asked: Asked, url: str, host: str, status: int) -> None:
    async def holds() -> bool:
        return (await asked.answer(url, host))[0] == status

    await wait_until(holds, SOON, f"{status} of {url} for {host}")


async def _keeps_hosts_apart(asked: Asked, address: str) -> None:
    """Listener isolation: the most specific hostname of a port has its requests, whichever Gateway it belongs to."""
    await answered(asked, f"http://{address}/one", "any.example.com", 200)
    await answered(asked, f"http://{address}/two", "two.example.com", 200)
    await answered(asked, f"http://{address}:8081/one", "two.example.com", 200)
    assert await asked.reached(f"http://{address}/one", "two.example.com") == 404
    assert await asked.reached(f"http://{address}/two", "any.example.com") == 404


async def _asks_in_vain(asked: Asked) -> None:
    status = (await asked.get("gateway", "elsewhere"))["status"]
    assert ("Programmed", "False", "AddressNotUsable") in {(one["type"], one["status"], one["reason"]) for one in status["conditions"]}


async def _goes_over_to_a_count(asked: Asked) -> None:
    spec = {"spec": {"workload": "Deployment", "autoscaling": {"minReplicas": 2, "maxReplicas": 3}}}
    await asked.kubectl("patch", "envoyproxy", "all", "--type=merge", "-p", json.dumps(spec))

    async def counted() -> bool:
        found = await kinds(asked)
        return "DaemonSet" not in found and {"Deployment", "HorizontalPodAutoscaler"} <= set(found)

    await wait_until(counted, SOON, "a Deployment with an autoscaler in the place of the DaemonSet")
    await _leaves_the_count_to_the_autoscaler(asked)


async def _leaves_the_count_to_the_autoscaler(asked: Asked) -> None:
    """It sets the count by the same subresource as `kubectl scale`; here is nobody who measures, and so no one who would."""
    [deployment] = await shared(asked, "deployment")
    name = deployment["metadata"]["name"]
    await asyncio.to_thread(asked.cluster.kubectl, "-n", "default", "scale", "deployment", name, "--replicas=3")

    async def three() -> bool:
        [now] = await shared(asked, "deployment")
        return (now["spec"]["replicas"], now["status"].get("readyReplicas", 0)) == (3, 3)

    await wait_until(three, SOON, "three proxies")


async def _gives_each_an_address(asked: Asked, address: str) -> str:
    """The same proxies, and of two Gateways with the same port each answers at its own address alone. That of the first is given."""
    before = {one["metadata"]["name"] for one in await shared(asked, "deployment")}
    await asked.kubectl("patch", "envoyproxy", "all", "--type=merge", "-p", json.dumps({"spec": {"addresses": "PerGateway"}}))

    async def moved() -> bool:
        return {one["metadata"]["labels"][NAME] for one in await ways(asked)} == {"one", "two", "elsewhere"}

    await wait_until(moved, SOON, "a Service of each Gateway")

    async def apart() -> bool:
        return len({await asked.programmed("one"), await asked.programmed("two"), address}) == 3

    await wait_until(apart, SOON, "two addresses, and none of them the old one")
    first, second = await asked.programmed("one"), await asked.programmed("two")
    await answered(asked, f"http://{first}/one", "any.example.com", 200)
    await answered(asked, f"http://{second}/two", "two.example.com", 200)
    await answered(asked, f"http://{first}/one", "two.example.com", 200)
    after = await shared(asked, "deployment")
    assert before == {one["metadata"]["name"] for one in after}
    assert [one["spec"]["replicas"] for one in after] == [3], "as it was scaled, though all was applied anew"
    return first


async def _stays_when_its_parameters_go(asked: Asked, address: str) -> None:
    await asked.kubectl("delete", "envoyproxy", "all")

    async def told() -> bool:
        found = (await asked.get("gatewayclass", "merged"))["status"]["conditions"]
        return ("Accepted", "False", "InvalidParameters") in {(one["type"], one["status"], one["reason"]) for one in found}

    await wait_until(told, SOON, "the class to say that its parameters are gone")
    await answered(asked, f"http://{address}/one", "any.example.com", 200)
    assert "Deployment" in await kinds(asked)
