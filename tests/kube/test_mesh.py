"""Mesh output on a real API server, with Istio's own definition: what is a user's stays his, whoever writes beside it and meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.server import Server
from tests.kube.cluster.cluster import Cluster
from tests.kube.planes import SOON, permitted
from tests.kube.test_installing import pointsman
from tests.waiting import wait_until
from xds import roles
from xds.mesh.difference import collection
from xds.sources.kube.access import loader
from xds.sources.kube.transport import APPLY, Transport

ISTIO = Path(__file__).parents[1] / "crds" / "istio-virtualservice.yaml"
GOLDENS = Path(__file__).parents[1] / "unit" / "translator" / "mesh"
SHOP = """
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart-alice}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: cart-alice-1, labels: {kubernetes.io/service-name: cart-alice}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [10.0.0.9]}]
---
apiVersion: pointsman.io/v1alpha1
kind: Sandbox
metadata: {name: alice}
spec: {services: [{name: cart, targetRef: {name: cart-alice}}]}
"""
GROUP = """
apiVersion: pointsman.io/v1alpha1
kind: RouteGroup
metadata: {name: previews}
spec: {meshOutput: OUTPUT, headers: []}
"""
THEIRS = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart, labels: {team: web}, annotations: {example.com/note: kept}}
spec:
  hosts: [cart]
  http:
  - {name: slow, match: [{uri: {prefix: /slow}}], timeout: 30s, route: [{destination: {host: cart}}]}
  - {route: [{destination: {host: cart}, weight: 90}, {destination: {host: old}, weight: 10}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: slow}
spec:
  parentRefs: [{group: "", kind: Service, name: cart}]
  rules: [{matches: [{path: {type: PathPrefix, value: /slow}}], backendRefs: [{name: cart, port: 80}]}]
"""
BY_SERVER = ("resourceVersion", "generation", "managedFields")  # what an API server counts by itself


class Shop:
    """A namespace, by kubectl."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace

    async def kubectl(self, *arguments: str, text: str | None = None) -> str:
        return (await asyncio.to_thread(self.cluster.kubectl, "-n", self.namespace, *arguments, text=text)).stdout

    async def apply(self, text: str, *options: str) -> None:
        # Not checked against the schemas of all kinds, which an API server makes anew after a definition came
        await self.kubectl("apply", "--validate=false", *options, "-f", "-", text=text)

    async def served(self) -> None:
        """An established kind is known to the API server's discovery a moment later."""

        async def holds() -> bool:
            done = await asyncio.to_thread(self.cluster.kubectl, "-n", self.namespace, "get", "virtualservices", check=False)
            return done.returncode == 0

        await wait_until(holds, SOON, "VirtualServices to be served")

    async def object(self, kind: str, name: str) -> Any:
        """Without what the API server counts; nothing where it is not."""
        text = await self.kubectl("get", kind, name, "--ignore-not-found", "-o", "json")
        found = json.loads(text) if text else None
        if found:
            found["metadata"] = {name: value for name, value in found["metadata"].items() if name not in BY_SERVER}
            found.pop("status", None)
        return found

    async def routes(self) -> list[str]:
        """Names of those in the VirtualService of the user."""
        return [one.get("name", "") for one in (await self.object("virtualservice", "cart"))["spec"]["http"]]

    async def names(self, kinds: str) -> list[str]:
        return sorted((await self.kubectl("get", kinds, "-o", "name")).split())

    async def until_routes(self, *wanted: str) -> None:
        await self.until(self.routes, [*wanted])

    async def until(self, what: Callable[[], Awaitable[object]], wanted: object) -> None:
        async def holds() -> bool:
            return await what() == wanted

        await wait_until(holds, SOON, f"{wanted}")


FORKED = ("pointsman/alice/slow", "slow", "pointsman/alice/1", "")
PLAIN = ("slow", "")


@pytest.fixture
async def shop(cluster: Cluster, namespace: str, tmp_path: Path) -> AsyncIterator[tuple[Shop, Server]]:
    """A server with the rights of the shipped roles and no more. Istio's definition comes after it, and stays: nobody else minds."""
    found = Shop(cluster, namespace)
    kubeconfig = await asyncio.to_thread(permitted, cluster)
    mesh = json.dumps({"apiVersion": "v1", "kind": "List", "items": roles.mesh_roles("default")})
    try:
        await found.apply(mesh)
        async with Server(None, tmp_path / "server.log", "--kube", "--kubeconfig", str(kubeconfig), "--mesh") as server:
            await found.apply(ISTIO.read_text(), "--server-side")
            await found.kubectl("wait", "--for=condition=Established", "crd/virtualservices.networking.istio.io", f"--timeout={SOON:.0f}s")
            await found.served()
            await found.apply(SHOP)
            await found.apply(THEIRS)
            yield found, server
    finally:
        await found.kubectl("delete", "clusterrole,clusterrolebinding", "pointsman-mesh", "--ignore-not-found")


async def test_virtual_service_of_a_user_gets_our_routes_loses_nothing_and_is_what_it_was(shop: tuple[Shop, Server]) -> None:
    at, _ = shop
    before = await at.object("virtualservice", "cart")
    await at.apply(GROUP.replace("OUTPUT", "Istio"))
    await at.until_routes(*FORKED)
    during = await at.object("virtualservice", "cart")
    assert {**during, "spec": None, "metadata": None} == {**before, "spec": None, "metadata": None}
    assert [one for one in during["spec"]["http"] if not one.get("name", "").startswith("pointsman/")] == before["spec"]["http"]
    assert during["metadata"]["annotations"] == before["metadata"]["annotations"]
    assert during["metadata"]["labels"] == {"team": "web", "pointsman.io/mesh": "routes"}

    await _users_changes_are_kept(at)
    await _other_controller_is_not_damaged(at)

    await at.apply(THEIRS)
    await at.until_routes(*FORKED)
    await at.kubectl("delete", "sandbox", "alice")
    await at.until_routes(*PLAIN)
    # The count of the other controller is no part of the manifest, so it stays
    after = await at.object("virtualservice", "cart")
    assert after["metadata"]["annotations"].pop("example.com/count") == str(ROUNDS)
    assert after == before


async def _users_changes_are_kept(at: Shop) -> None:
    """However he makes them, and though each takes our routes out: they are back, and what he changed stays."""
    await at.apply(THEIRS.replace("30s", "20s"))
    await at.until_routes(*FORKED)
    assert {one.get("timeout") for one in (await at.object("virtualservice", "cart"))["spec"]["http"]} == {"20s", None}
    await at.apply(THEIRS.replace("30s", "10s"), "--server-side", "--force-conflicts")
    await at.until_routes(*FORKED)
    assert {one.get("timeout") for one in (await at.object("virtualservice", "cart"))["spec"]["http"]} == {"10s", None}
    await at.kubectl("annotate", "virtualservice", "cart", "pointsman.io/ignore=true")
    await at.until_routes(*PLAIN)
    await at.kubectl("annotate", "virtualservice", "cart", "pointsman.io/ignore-")
    await at.until_routes(*FORKED)


ROUNDS = 8


async def _other_controller_is_not_damaged(at: Shop) -> None:
    """It shifts weights and counts, while keys come and go: each of its writes is there in the end, and none of ours is lost."""
    done = asyncio.Event()

    async def shift() -> None:
        for turn in range(1, ROUNDS + 1):
            await at.kubectl("annotate", "--overwrite", "virtualservice", "cart", f"example.com/count={turn}")
        done.set()

    async def come_and_go() -> None:
        while not done.is_set():
            await at.kubectl("patch", "sandbox", "alice", "--type=merge", "-p", '{"spec": {"routingKey": "bob"}}')
            await at.kubectl("patch", "sandbox", "alice", "--type=merge", "-p", '{"spec": {"routingKey": ""}}')

    async with asyncio.TaskGroup() as group:
        group.create_task(shift())
        group.create_task(come_and_go())
    await at.until_routes(*FORKED)
    assert (await at.object("virtualservice", "cart"))["metadata"]["annotations"]["example.com/count"] == str(ROUNDS)


MADE = ["httproute.gateway.networking.k8s.io/pointsman.cart.80.alice.slow", "httproute.gateway.networking.k8s.io/slow"]
OWN = [f"httproute.gateway.networking.k8s.io/pointsman.cart.80{key}" for key in ("", ".alice")]


async def test_routes_of_the_gateway_api_are_made_put_right_and_removed(shop: tuple[Shop, Server]) -> None:
    at, server = shop
    await _all_that_is_ever_written_is_taken(at)

    async def routes() -> list[str]:
        return await at.names("httproutes,grpcroutes")

    async def backend() -> str:
        found = await at.object("httproute", "pointsman.cart.80.alice.slow")
        return str(found and found["spec"]["rules"][0]["backendRefs"][0]["name"])

    theirs = await at.object("httproute", "slow")
    await at.apply(GROUP.replace("OUTPUT", "GatewayAPI"))
    await at.until(routes, MADE)
    patch = [{"op": "replace", "path": "/spec/rules/0/backendRefs/0/name", "value": "cart"}]
    await at.kubectl("patch", "httproute", "pointsman.cart.80.alice.slow", "--type=json", "-p", json.dumps(patch))
    await at.until(backend, "cart-alice")
    await at.kubectl("delete", "httproute", "slow")
    await at.until(routes, OWN)
    await at.apply(THEIRS)
    await at.until(routes, MADE)
    await at.apply(GROUP.replace("meshOutput: OUTPUT", "parentRefs: [{name: edge}]"))
    await at.until(routes, MADE[1:])
    now = await at.object("httproute", "slow")
    assert (now["spec"], now["metadata"]["annotations"]) == (theirs["spec"], theirs["metadata"]["annotations"])
    found = (await server.get("/status"))["findings"]
    assert [one for one in found if (one["code"], one["key"]) == ("PM0732", at.namespace)] == []
    await _what_is_left_behind_goes_when_it_is_uninstalled(at, server)


async def _all_that_is_ever_written_is_taken(at: Shop) -> None:
    """The goldens of both outputs, each field known and each rule of the definitions kept."""
    made = [one for path in sorted(GOLDENS.glob("*.*.yaml")) if ".in." not in path.name for one in yaml.safe_load_all(path.read_text())]
    assert {one["kind"] for one in made} == {"VirtualService", "HTTPRoute", "GRPCRoute"}
    for one in made:
        one["metadata"]["namespace"] = at.namespace
    transport = Transport(loader(str(at.cluster.kubeconfig), None))
    try:
        for one in made:
            path = f"{collection(one['kind'], at.namespace)}/golden.{one['metadata']['name']}"
            document = {**one, "metadata": {**one["metadata"], "name": f"golden.{one['metadata']['name']}"}}
            query = {"fieldManager": "golden", "dryRun": "All", "fieldValidation": "Strict"}
            answer = await transport.call("PATCH", path, document, query, content=APPLY)
            assert answer.status == 201, answer.said()
    finally:
        await transport.close()


async def _what_is_left_behind_goes_when_it_is_uninstalled(at: Shop, server: Server) -> None:
    before = await at.object("virtualservice", "cart")
    other = GROUP.replace("OUTPUT", "GatewayAPI").replace("previews", "linkerd")
    await at.apply(f"{GROUP.replace('OUTPUT', 'Istio')}---{other}")
    await at.until_routes(*FORKED)
    await at.until(lambda: at.names("httproutes"), MADE)
    await server.kill()
    done = await asyncio.to_thread(pointsman, at.cluster, "uninstall", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert await at.object("virtualservice", "cart") == before
    assert await at.names("httproutes") == MADE[1:]
