"""From YAML on disk to Envoy: a cold start with N routes in files, and one file saved until the first changed answer.

The server is a process of its own and Envoy is real. A save is a rename; the answer is polled every millisecond over one
kept connection, so a figure is at most a millisecond too high. The floor of the polling itself is printed beside it.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import yaml

from tests.bench import world
from tests.e2e.backends import WITH_MODULES, backends
from tests.e2e.envoy import Envoy
from tests.e2e.folder import Folder, rule
from tests.e2e.server import Server
from tests.ports import free_port
from tests.waiting import wait_until
from xds.bootstrap import Bootstrap, bootstrap

EACH = 10  # routes of a file, with their Services and EndpointSlices
Figures = dict[str, float]


def write(folder: Folder, size: int) -> None:
    for start in range(0, size, EACH):
        documents = [
            make(number) for number in range(start, min(start + EACH, size)) for make in (world.route, world.service, world.endpoint_slice)
        ]
        (folder.path / f"world-{start}.yaml").write_text(yaml.dump_all(map(at_home, documents), Dumper=Plain))


def at_home(document: world.Document) -> world.Document:
    """In the namespace of files that name none, on the Gateway there."""
    document["metadata"]["namespace"] = "default"
    if document["kind"] == "HTTPRoute":
        document["spec"]["parentRefs"] = [{"name": "edge"}]
    return document


class Plain(yaml.CSafeDumper):
    """Without anchors: files that have them are refused."""

    def ignore_aliases(self, _: object) -> bool:
        return True


class Probe:
    """One kept connection that asks over and over."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._pair: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self) -> str:
        if self._pair is None:
            self._pair = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._pair
        writer.write(b"GET /flip HTTP/1.1\r\nHost: shop.example.com\r\n\r\n")
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].split("\r\n")[0])
        if "connection: close" in head:
            writer.close()
            self._pair = None
        return head.split(" ")[1] + " " + (await reader.readexactly(length)).decode()

    async def close(self) -> None:
        if self._pair:
            self._pair[1].close()
            await self._pair[1].wait_closed()

    async def until(self, expected: str) -> float:
        """Seconds until it is answered, by a clock of our own."""
        start = time.perf_counter()
        while await self.ask() != expected:  # noqa: ASYNC110 - Envoy knows no events
            await asyncio.sleep(0.001)
        return time.perf_counter() - start


async def measure(size: int, saves: int) -> Figures:
    async with AsyncExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder, http = Folder(scratch / "config"), free_port()
        folder.base(http, free_port())
        await backends(stack, folder)
        folder.route("flip", rule("/flip", ("a", 1)))
        write(folder, size)
        start = time.perf_counter()
        server = await stack.enter_async_context(Server(folder.path, scratch / "log"))
        cold = time.perf_counter() - start
        assert await attached(server) == size + 1
        config = bootstrap(Bootstrap(xds=server.xds, admin="127.0.0.1:0", modules=("shard",)))
        envoy = await stack.enter_async_context(Envoy(config, scratch, env=WITH_MODULES))
        await envoy.ready(120)
        served = time.perf_counter() - start
        probe = Probe(http)
        await wait_until(lambda: _is(probe, "200 a"), 60, "the first answer")
        floor = statistics.median([await _timed(probe) for _ in range(50)])
        times = []
        for turn in range(saves):
            name = "ba"[turn % 2]
            folder.route("flip", rule("/flip", (name, 1)))
            times.append(await probe.until(f"200 {name}"))
        times.sort()
        return {
            "cold s": cold,
            "served by Envoy s": served,
            "poll ms": floor * 1e3,
            "save p50 ms": statistics.median(times) * 1e3,
            "save p99 ms": times[int(len(times) * 0.99)] * 1e3,
        }


async def attached(server: Server) -> int:
    """Routes that the Gateway counts: a world whose files were refused measures nothing."""
    (gateway,) = [one for one in (await server.get("/status"))["objects"] if one["kind"] == "Gateway"]
    return gateway["status"]["listeners"][0]["attachedRoutes"]


async def _is(probe: Probe, expected: str) -> bool:
    return await probe.ask() == expected


async def _timed(probe: Probe) -> float:
    start = time.perf_counter()
    await probe.ask()
    return time.perf_counter() - start


def main(sizes: tuple[int, ...] = (10, 1_000, 10_000), saves: int = 200) -> dict[int, Figures]:
    return {size: asyncio.run(measure(size, saves)) for size in sizes}
