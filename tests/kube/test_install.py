"""The server installed as its own manifests say: from `kubectl apply -k` to an answer, and a roll of the server and of proxies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.kube.cluster.cluster import Cluster
from tests.kube.planes import SOON, Asked
from tests.kube.test_nodes import ECHO
from tests.kube.test_planes import EDGE
from tests.waiting import wait_until

BASE = Path(__file__).parents[2] / "deploy" / "base"
HOME = "pointsman-system"


@pytest.fixture
def installed(cluster: Cluster) -> Iterator[None]:
    cluster.kubectl("apply", "-k", str(BASE))
    cluster.kubectl("-n", HOME, "rollout", "status", "deployment/pointsman", f"--timeout={SOON:.0f}s")
    yield
    cluster.kubectl("delete", "-k", str(BASE), "--wait=false")


class Stream:
    """Requests one after another, each on a connection of its own, until it is ended; those without the right answer are kept."""

    def __init__(self, asked: Asked, url: str) -> None:
        self._asked, self._url = asked, url
        self.answers, self.wrong = 0, list[tuple[int, str]]()
        self._task = asyncio.create_task(self._go())

    async def _go(self) -> None:
        while True:
            status, text = await self._asked.answer(self._url)
            self.answers += 1
            if status != 200:
                self.wrong.append((status, text))

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.mark.usefixtures("installed")
async def test_installed_server_and_its_proxies_are_rolled_without_a_wrong_answer(cluster: Cluster, namespace: str) -> None:
    async with aiohttp.ClientSession() as session:
        asked = Asked(cluster, namespace, session)
        await asked.kubectl("apply", "-f", "-", text=f"{ECHO}\n---\n{EDGE.replace('pods', 'pointsman')}")
        url = f"http://{await asked.programmed('edge')}/hello"

        async def echoed() -> bool:
            return (await asked.answer(url))[0] == 200

        await wait_until(echoed, SOON, "an answer of the backend")
        stream = Stream(asked, url)
        await _rolled(cluster, "-n", HOME, "deployment/pointsman")
        await _rolled(cluster, "-n", namespace, "deployment/edge-pointsman")
        before = stream.answers
        await wait_until(lambda: stream.answers > before + 20, SOON, "requests after the roll")
        await stream.end()
        assert stream.wrong == []
        await asked.kubectl("delete", "httproute", "all")

        async def follows() -> bool:
            return (await asked.answer(url))[0] == 404

        await wait_until(follows, SOON, "the new server to be followed")


async def _rolled(cluster: Cluster, *what: str) -> None:
    await asyncio.to_thread(cluster.kubectl, "rollout", "restart", *what)
    await asyncio.to_thread(cluster.kubectl, "rollout", "status", f"--timeout={SOON:.0f}s", *what)
