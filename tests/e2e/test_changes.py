"""Nothing fails because configuration changed, or because the server was killed: real Envoy, open-loop load, nothing retried."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.backends import WITH_MODULES, backends
from tests.e2e.envoy import Envoy, bootstrap
from tests.e2e.folder import Folder, rule
from tests.e2e.load import Load, Target
from tests.e2e.server import Server
from tests.ports import free_port
from tests.waiting import wait_until

CHANGES = 500
KILLS = 10
RATE = 500  # requests a second
HEADER = "{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: X-Filter, value: 'on'}]}}"


@dataclass
class World:
    folder: Folder
    server: Server
    envoy: Envoy
    http: int
    https: int
    session: aiohttp.ClientSession

    async def says(self, path: str) -> tuple[str, str]:
        """What is answered, and whether the filter was on."""
        headers = {"Host": "shop.example.com"}
        async with self.session.get(f"http://127.0.0.1:{self.http}{path}", headers=headers) as response:
            return await response.text(), response.headers.get("X-Filter", "off")

    async def serves(self, path: str, *expected: str) -> None:
        await wait_until(lambda: self._serves(path, expected), 10, f"{path} to answer {expected}")

    async def _serves(self, path: str, expected: tuple[str, ...]) -> bool:
        return (await self.says(path))[: len(expected)] == expected

    @property
    def targets(self) -> list[Target]:
        plain = [Target(self.http, path) for path in ("/flip", "/weight", "/filter", "/order", "/gone", "/fresh", "/still")]
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        return [*plain * 6, Target(self.https, "/still", tls=trusting)]


@asynccontextmanager
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        folder, http, https = Folder(tmp_path / "config"), free_port(), free_port()
        folder.base(http, https)
        await backends(stack, folder)
        folder.route("still", rule("/", ("a", 1)))
        for path in ("/flip", "/weight", "/filter", "/order", "/gone", "/fresh"):
            folder.route(path[1:], rule(path, ("a", 1)))
        server = await stack.enter_async_context(Server(folder.path, tmp_path / "server.log"))
        envoy = await stack.enter_async_context(Envoy(bootstrap(server.xds), tmp_path, env=WITH_MODULES))
        await envoy.ready()
        connector = aiohttp.TCPConnector(force_close=True)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        found = World(folder, server, envoy, http, https, session)
        await wait_until(lambda: found._serves("/fresh", ("a",)), 10, "the first answer")
        yield found


async def flip(at: World, turn: int) -> None:
    name = "ab"[turn % 2]
    at.folder.route("flip", rule("/flip", (name, 1)))
    await at.serves("/flip", name)


async def weight(at: World, turn: int) -> None:
    share = turn % 2 * 100
    at.folder.route("weight", rule("/weight", ("a", 100 - share), ("b", share)))
    await at.serves("/weight", "ab"[turn % 2])


async def switch(at: World, turn: int) -> None:
    at.folder.route("filter", rule("/filter", ("a", 1), filters=HEADER if turn % 2 else ""))
    await at.serves("/filter", "a", "on" if turn % 2 else "off")


async def order(at: World, turn: int) -> None:
    rules = [rule("/order", ("a", 1)), rule("/order", ("b", 1))]
    at.folder.route("order", *(rules if turn % 2 == 0 else reversed(rules)))
    await at.serves("/order", "ab"[turn % 2])


async def delete(at: World, turn: int) -> None:
    """Behind it stands `/`, which answers with a."""
    if turn % 2:
        at.folder.delete("route-gone")
    else:
        at.folder.route("gone", rule("/gone", ("b", 1)))
    await at.serves("/gone", "a" if turn % 2 else "b")


async def fresh(at: World, turn: int) -> None:
    """A route and a cluster that never were; those of the turn before go."""
    name, port = "ab"[turn % 2], await port_of(at, "ab"[turn % 2])
    at.folder.backend(f"fresh-{turn}", port)
    at.folder.route("fresh", rule("/fresh", (f"fresh-{turn}", 1)))
    await at.serves("/fresh", name)
    if turn:
        at.folder.delete(f"backend-fresh-{turn - 1}")


async def port_of(at: World, name: str) -> int:
    text = (at.folder.path / f"backend-{name}.yaml").read_text()
    return int(text.rpartition("port: ")[2].partition("}")[0])


async def certificate(at: World, turn: int) -> None:
    before = await presented(at)
    at.folder.certificate()
    await wait_until(lambda: changed(at, before), 10, f"certificate {turn}")


async def presented(at: World) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", at.https, ssl=context)
    found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return bytes(found)


async def changed(at: World, before: bytes) -> bool:
    return await presented(at) != before


KINDS: tuple[Callable[[World, int], object], ...] = (flip, weight, switch, order, delete, fresh, certificate)


@pytest.mark.e2e
async def test_no_request_fails_while_five_hundred_changes_are_made(tmp_path: Path) -> None:
    async with world(tmp_path) as at:
        async with Load(at.targets, RATE) as load:
            for turn in range(CHANGES):
                await KINDS[turn % len(KINDS)](at, turn // len(KINDS))  # type: ignore[misc]
        assert load.failed == []
        assert load.sent >= 2_000
        assert sum(load.answers.values()) >= load.sent - RATE  # the last ones were still on their way
        assert {"a", "b"} <= set(load.answers)


@pytest.mark.e2e
async def test_no_request_fails_while_the_server_is_killed_and_started_again(tmp_path: Path) -> None:
    async with world(tmp_path) as at:
        async with Load(at.targets, RATE) as load:
            for turn in range(KILLS):
                await at.server.kill()
                at.folder.route("flip", rule("/flip", ("ab"[turn % 2], 1)))  # changed while nobody looks
                await at.server.start()
                await at.serves("/flip", "ab"[turn % 2])
        assert load.failed == []
        assert load.sent >= 2_000
