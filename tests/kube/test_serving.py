"""The folder of the demo, applied with kubectl: our server as a process, Envoy as another, requests through it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.server import Server
from tests.kube.cluster.cluster import Cluster
from tests.kube.planes import permitted
from tests.ports import free_port
from tests.waiting import wait_until
from translator.door.door import Door
from xds import crds
from xds.bootstrap import Bootstrap, bootstrap
from xds.dataplane import Envoy, binary, modules
from xds.demo.backends import Samples
from xds.demo.writing import GATEWAY_PORT, write
from xds.sources.documents import read, recalled

ACCEPTED = '.conditions[?(@.type=="Accepted")].status'
SOON = 60.0  # seconds; a quiet machine needs two


@dataclass
class Served:
    cluster: Cluster
    folder: Path
    server: Server
    port: int
    session: aiohttp.ClientSession

    async def get(self, path: str, key: str = "") -> str:
        """The answer, or its status where it is no 200, or nothing where nobody listens."""
        try:
            async with self.session.get(f"http://127.0.0.1:{self.port}{path}", headers={"X-Route-Key": key} if key else {}) as answer:
                return (await answer.text()).strip() if answer.status == 200 else str(answer.status)
        except aiohttp.ClientError:
            return ""

    async def answers(self, path: str, text: str, key: str = "") -> None:
        async def said() -> bool:
            return text in await self.get(path, key)

        await wait_until(said, SOON, f"{path} to answer {text}")

    async def kubectl(self, *arguments: str, text: str | None = None) -> str:
        return (await asyncio.to_thread(self.cluster.kubectl, *arguments, text=text)).stdout


@pytest.fixture
async def served(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Served]:
    folder, port = tmp_path / "demo", free_port()
    write(folder)
    async with contextlib.AsyncExitStack() as life:
        await asyncio.to_thread(cluster.kubectl, "apply", "-f", str(folder))
        life.push_async_callback(asyncio.to_thread, cluster.kubectl, "delete", "--ignore-not-found", "-f", str(folder))
        await life.enter_async_context(Samples(_objects(folder)))
        kubeconfig = await asyncio.to_thread(permitted, cluster)
        options = ("--kube", "--kubeconfig", str(kubeconfig), "--port-offset", str(port - GATEWAY_PORT))
        server = await life.enter_async_context(Server(None, tmp_path / "server.log", *options))
        home = tmp_path / "envoy"
        home.mkdir()
        config = bootstrap(Bootstrap(xds=server.xds, node="kube", admin="127.0.0.1:0", modules=("shard",) if modules() else ()))
        envoy = Envoy(config, home, binary())
        life.push_async_callback(envoy.stop)
        await envoy.start()
        session = await life.enter_async_context(aiohttp.ClientSession())
        yield Served(cluster, folder, server, port, session)


def _objects(folder: Path) -> list:  # type: ignore[type-arg]
    door = Door(crds.shipped())
    pieces = read((folder / "backends.yaml").read_bytes(), "yaml", {})
    return [door.admit(recalled(piece, document)).object for piece in pieces for document in piece.documents]


async def test_demo_applied_to_a_cluster_answers_and_follows_it(served: Served) -> None:
    await served.answers("/shop", "shop")
    await served.answers("/", "alice /", key="alice")
    await _statuses_are_written(served, 2)
    await served.kubectl("delete", "httproute", "alice")
    await served.answers("/", "404", key="alice")
    await _statuses_are_written(served, 1)
    await served.kubectl("apply", "-f", str(served.folder))
    await served.answers("/", "alice /", key="alice")

    await _status_is_looked_at_with_each_change(served)
    await _last_good_state_outlives_the_api_server(served)
    await _last_good_state_outlives_the_definition(served)


async def _statuses_are_written(served: Served, routes: int) -> None:
    async def written() -> bool:
        accepted = await served.kubectl("get", "httproute", "-o", f"jsonpath={{.items[*].status.parents[*]{ACCEPTED}}}")
        attached = await served.kubectl("get", "gateway", "edge", "-o", "jsonpath={.status.listeners[*].attachedRoutes}")
        of_class = await served.kubectl("get", "gatewayclass", "pointsman", "-o", f"jsonpath={{.status{ACCEPTED}}}")
        return (accepted.split(), attached, of_class) == (["True"] * routes, str(routes), "True")

    await wait_until(written, SOON, f"the statuses of {routes} routes")


async def _status_is_looked_at_with_each_change(served: Served) -> None:
    """As it has to be where a route is deleted and made anew between two looks: what we say of it is the same, and it says nothing."""
    await served.kubectl("patch", "httproute", "alice", "--subresource=status", "--type=merge", "-p", '{"status": {"parents": []}}')
    await served.kubectl("label", "httproute", "alice", "looked=at")
    await _statuses_are_written(served, 2)


async def _last_good_state_outlives_the_api_server(served: Served) -> None:
    served.cluster.apiserver.kill()
    for _ in range(20):
        assert "shop" in await served.get("/shop")
    assert (await served.server.get("/proxies"))[0]["node"]
    await asyncio.to_thread(served.cluster.start_apiserver)
    await served.kubectl("delete", "httproute", "alice")
    await served.answers("/", "404", key="alice")


async def _last_good_state_outlives_the_definition(served: Served) -> None:
    await served.kubectl("delete", "crd", "httproutes.gateway.networking.k8s.io")

    async def told() -> bool:
        return "PM0134" in str((await served.server.get("/status"))["findings"])

    await wait_until(told, SOON, "the server to say that it holds routes")
    assert "shop" in await served.get("/shop")
    await asyncio.to_thread(served.cluster.install, crds.folder())
    await served.kubectl("apply", "-f", str(served.folder))
    await served.answers("/", "alice /", key="alice")
