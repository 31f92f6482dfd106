"""Claims about objects whose time is over in a cluster: who deletes them, when, and what if that is not let happen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from tests.waiting import wait_until
from xds import removal as module
from xds.lives import Key
from xds.removal import Removal
from xds.reports import queue
from xds.sources.kube.transport import Answer

ALICE: Key = ("Sandbox", "shop/alice")
PATH = "/apis/pointsman.io/v1alpha1/namespaces/shop/sandboxes/alice"
HEAD = {"uid": "u1", "resourceVersion": "7"}


class Server:
    """Holds objects by path; answers DELETE with `status`."""

    def __init__(self, *paths: str, status: int = 200) -> None:
        self.held, self.status = set(paths), status
        self.asked: list[tuple[str, str, Any]] = []

    async def call(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, *, content: str = "application/json"
    ) -> Answer:
        await asyncio.sleep(0)
        assert (query, content) == (None, "application/json")
        self.asked.append((method, path, body))
        if path not in self.held:
            return Answer(404, b"{}")
        if method == "GET":
            return Answer(200, msgspec.json.encode({"metadata": HEAD}))
        if self.status == 200:
            self.held.discard(path)
        return Answer(self.status, msgspec.json.encode({"message": "no"}))

    @property
    def deletes(self) -> list[tuple[str, str, Any]]:
        return [one for one in self.asked if one[0] == "DELETE"]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.05)
    monkeypatch.setattr(queue, "BACKOFF", (0.01, 0.01))


@asynccontextmanager
async def removing(server: Server, over: set[Key], leads: list[bool]) -> AsyncIterator[Removal]:
    one = Removal(server, lambda: over, lambda: leads[0], asyncio.get_running_loop().time)
    task = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_object_that_is_over_is_deleted_in_the_version_that_was_read() -> None:
    server = Server(PATH)
    async with removing(server, {ALICE}, [True]) as one:
        one.touch(ALICE)
        await wait_until(lambda: not server.held)
    assert server.deletes[0] == ("DELETE", PATH, {"preconditions": HEAD})


async def test_object_of_another_group_is_deleted_where_it_is() -> None:
    path = PATH.replace("pointsman.io", "previews.example.org")
    server = Server(path)
    one = Removal(server, lambda: {ALICE}, lambda: True, asyncio.get_running_loop().time, ("pointsman.io", "previews.example.org"))
    task = asyncio.create_task(one.run())
    await wait_until(lambda: not server.held)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [asked[1] for asked in server.asked][:2] == [PATH, path]


async def test_one_that_does_not_lead_deletes_nothing_and_does_so_once_it_leads() -> None:
    server, leads = Server(PATH), [False]
    async with removing(server, {ALICE}, leads) as one:
        one.touch(ALICE)
        await wait_until(lambda: one.queue.due() is not None)
        assert server.asked == []
        leads[0] = True
        one.touch(ALICE)
        await wait_until(lambda: not server.held)


async def test_object_that_lives_anew_is_left_alone() -> None:
    server = Server(PATH)
    async with removing(server, set(), [True]) as one:
        one.touch(ALICE)
        await wait_until(lambda: len(one.queue) == 0)
    assert server.asked == []


async def test_refusal_is_told_until_it_is_gone() -> None:
    server = Server(PATH, status=403)
    async with removing(server, {ALICE}, [True]) as one:
        one.touch(ALICE)
        await wait_until(lambda: "Sandbox/shop/alice" in one.problems.held)
        server.status = 200
        await wait_until(lambda: one.problems.held == {})
    assert not server.held


async def test_conflict_is_tried_again() -> None:
    server = Server(PATH, status=409)
    async with removing(server, {ALICE}, [True]) as one:
        one.touch(ALICE)
        await wait_until(lambda: len(server.deletes) > 1)
