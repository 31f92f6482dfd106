"""B11: a route that Envoy refuses though nothing of ours found it wrong. What others feel of it, how soon its object says so,
and how many tries it takes to find it among N.

The server is a process of its own with the checks off (`unchecked.py`), Envoy is real, and the poison stands in the virtual
host that the others are in: nobody could be nearer. A turn without it and a turn with it alternate.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import files
from tests.bench.rounds import row
from tests.e2e.backends import WITH_MODULES, backends
from tests.e2e.envoy import Envoy
from tests.e2e.folder import Folder, rule
from tests.e2e.server import Server
from tests.ports import free_port
from tests.waiting import wait_until
from xds.bootstrap import Bootstrap, bootstrap
from xds.kinds import ROUTE

AMONG = 16  # rules of the route that holds the poison: as many as the Gateway API allows
Figures = dict[str, float]


@dataclass
class World:
    folder: Folder
    server: Server
    probe: files.Probe
    log: Path
    saves: int = 0

    async def save(self, count: int) -> list[float]:
        """Saves of a route one after the other: milliseconds until each is answered."""
        times = []
        for _ in range(count):
            self.saves += 1
            name = "ab"[self.saves % 2]
            self.folder.route("flip", rule("/flip", (name, 1)))
            times.append(await self.probe.until(f"200 {name}") * 1e3)
        return times

    def poison(self, number: int) -> None:
        """A route with one bad rule among good ones; another one for each number."""
        good = [rule(f"/p{number}/{one}", ("a", 1)) for one in range(AMONG - 1)]
        bad = rule("/x", ("a", 1)).replace("PathPrefix", "RegularExpression").replace("/x", f"'/{number}a(b'")
        self.folder.route("poison", *good[: AMONG // 2], bad, *good[AMONG // 2 :])

    def mend(self) -> None:
        self.folder.delete("route-poison")

    async def until_told(self, event: str, count: int) -> None:
        """Until the log has told this so often of a route that was refused."""
        line = re.compile(rf" {event} .*code=PM0605")
        while len(line.findall(self.log.read_text())) < count:  # noqa: ASYNC110 - a log knows no events
            await asyncio.sleep(0.001)

    async def sent(self) -> int:
        """Responses of RouteConfigurations so far."""
        text = await self.server.text("/metrics")
        mine = (line for line in text.splitlines() if line.startswith(f'pointsman_xds_sent_total{{type="{ROUTE.type_url}"}}'))
        return int(float(next(mine).split(" ")[-1]))


@asynccontextmanager
async def world(size: int) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder, http = Folder(scratch / "config"), free_port()
        folder.base(http, free_port())
        await backends(stack, folder)
        folder.route("flip", rule("/flip", ("a", 1)))
        files.write(folder, size)
        server = await stack.enter_async_context(Server(folder.path, scratch / "log", module="tests.bench.unchecked"))
        config = bootstrap(Bootstrap(xds=server.xds, admin="127.0.0.1:0", modules=("shard",)))
        envoy = await stack.enter_async_context(Envoy(config, scratch, env=WITH_MODULES))
        await envoy.ready(120)
        one = World(folder, server, files.Probe(http), scratch / "log")
        stack.push_async_callback(one.probe.close)
        await wait_until(lambda: _answers(one, "200 a"), 60, "the first answer")
        yield one


async def _answers(one: World, expected: str) -> bool:
    return await one.probe.ask() == expected


async def measure(size: int, turns: int, saves: int) -> Figures:
    """`together` is a save beside the poison itself, in the same batch; `p99` over turns in which it came at the start."""
    async with world(size) as one:
        await one.save(10)
        without, beside, together, status, tries = [], [], [], [], []
        for turn in range(turns):
            without.append(await one.save(saves))
            before, start = await one.sent(), time.perf_counter()
            one.poison(turn)
            first = await one.save(1)
            await one.until_told("sources.finding", turn + 1)
            status.append(time.perf_counter() - start)
            tries.append(await one.sent() - before)
            together += first
            beside.append(first + await one.save(saves - 1))
            one.mend()
            await one.until_told("sources.finding-cleared", turn + 1)
        ratios = [quantile(b, 0.99) / quantile(a, 0.99) for a, b in zip(without, beside, strict=True)]
        return {
            "p99 ms": statistics.median(quantile(times, 0.99) for times in without),
            "beside": statistics.median(quantile(times, 0.99) for times in beside),
            "p99 ratio": statistics.median(ratios),
            "p50 ratio": statistics.median(statistics.median(b) / statistics.median(a) for a, b in zip(without, beside, strict=True)),
            "together ms": max(together),
            "status ms": max(status) * 1e3,
            "responses": max(tries),
        }


def quantile(times: list[float], share: float) -> float:
    return sorted(times)[min(int(len(times) * share), len(times) - 1)]


def one_route(sizes: tuple[int, ...] = (100, 1_000, 10_000), turns: int = 5, saves: int = 200) -> None:
    print(f"\nB11  a route that Envoy refuses, one rule of {AMONG}, among N routes (p99 ratio ≤ 1.2, status ≤ 1,000 ms)")
    for size in sizes:
        print(row(f"{size:>6} routes", asyncio.run(measure(size, turns, saves))), flush=True)
