"""B7: a route created on a real API server until Envoy answers for it, among N routes; and whether anything said so too early.

Beside it stands what is not ours: the POST itself, and from its start to the event of a bare watcher.

Counted from the answer to the POST, polled every millisecond over one kept connection. Half of the routes lead to a Service that
others use, half to one that is created with them. Wrong is: anything but 404 before the first 200, anything but 200 after it
(twenty more, each on a connection of its own), and anything but 200 at once after the route was said to be Programmed.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence

from tests.bench.apart import main
from tests.bench.programs import cpu
from tests.bench.rounds import row
from tests.bench.stand import ROUTES, SERVICES, SLICES, Probe, Stand, Watcher, endpoints, everywhere, host, route, service, stand, told

SIZES = (100, 1_000, 3_000, 10_000)
ADDS = 200  # of each sort
SORTS = ("shared backend", "new backend")
LIMIT, GROWTH = 15.0, 1.5  # ms at 3,000; last over first


class Added:
    """What came of routes of one sort: milliseconds."""

    def __init__(self) -> None:
        self.posted: list[float] = []
        self.watched: list[float] = []
        self.first: list[float] = []
        self.programmed: list[float] = []
        self.cpu: list[float] = []  # of the server
        self.wrong: list[str] = []  # when, of which route, and the status


class Truth:
    """Asks for each route in the moment in which it is said to be Programmed."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher, self.lies = watcher, list[str]()

    async def ask(self) -> None:
        probe = Probe()
        try:
            while True:
                name = await self.watcher.told.get()
                if await probe.ask(host(int(name[1:]))) != 200:
                    self.lies.append(name)
        finally:
            await probe.close()


async def add(at: Stand, server: int, watcher: Watcher, probe: Probe, number: int, into: Added, *, fresh: bool) -> None:
    if fresh:
        await at.post(SERVICES, service(number))
        await at.post(SLICES, endpoints(number, at.backend))
    used, sent = cpu(server), time.perf_counter()
    await at.post(ROUTES, route(number, number if fresh else None))
    answered = time.perf_counter()
    first, wrong = await probe.until_served(host(number))
    name = f"r{number}"
    into.wrong += [f"before {name} {status}" for status in wrong]
    into.wrong += [f"after {name} {status}" for status in await everywhere(host(number))]
    await told(watcher, [name])
    for times, moment in ((into.posted, answered), (into.watched, watcher.seen[name])):
        times.append((moment - sent) * 1e3)
    for times, moment in ((into.first, first), (into.programmed, watcher.served[name])):
        times.append((moment - answered) * 1e3)
    into.cpu.append((cpu(server) - used) * 1e3)


def percentile(times: Sequence[float], share: float) -> float:
    return sorted(times)[min(int(len(times) * share), len(times) - 1)]


def figures(one: Added) -> dict[str, float]:
    each = {"first 200": one.first, "Programmed": one.programmed, "POST": one.posted, "POST→event": one.watched, "CPU": one.cpu}
    found = {f"{name} p50": statistics.median(times) for name, times in each.items()}
    return {**found, "first 200 p99": percentile(one.first, 0.99), "wrong": len(one.wrong)}


async def measure(at: Stand, sizes: Sequence[int], adds: int) -> tuple[dict[str, list[dict[str, float]]], list[str]]:
    """By sort, one for each size; and the routes that were said to be Programmed too early."""
    found: dict[str, list[dict[str, float]]] = {sort: [] for sort in SORTS}
    async with at.serving() as server, at.proxy(server), at.watching() as watcher:
        await at.gateway()
        truth = Truth(watcher)
        asking, probe, there = asyncio.create_task(truth.ask()), Probe(), 0
        for size in sizes:
            await at.routes(range(there, size))
            await told(watcher, (f"r{number}" for number in range(size)))
            of = {sort: Added() for sort in SORTS}
            for number in range(adds * len(SORTS)):
                sort = SORTS[number % len(SORTS)]
                await add(at, server.pid, watcher, probe, 1_000_000 + size * 10 + number, of[sort], fresh=sort == SORTS[1])
            there = size
            for sort, one in of.items():
                found[sort].append(figures(one))
                print(row(f"{size:>6} routes, {sort}", found[sort][-1]), *one.wrong[:5], flush=True)
        asking.cancel()
        await asyncio.gather(asking, probe.close(), return_exceptions=True)
    return found, truth.lies


async def _alone(sizes: Sequence[int], adds: int) -> tuple[dict[str, list[dict[str, float]]], list[str]]:
    async with stand() as at:
        return await measure(at, sizes, adds)


def run(arguments: Sequence[str]) -> None:
    sizes = [int(one) for one in arguments[1:]] or list(SIZES)
    adds = int(arguments[0]) if arguments else ADDS
    print(f"\nB7  a route on a real API server until the first 200, ms; {adds} of each sort", flush=True)
    found, lies = asyncio.run(_alone(sizes, adds))
    print(f"said to be Programmed and not served: {len(lies)}")
    for sort, each in found.items():
        growth = each[-1]["first 200 p50"] / each[0]["first 200 p50"]
        print(f"{sort}: {sizes[-1]:,} / {sizes[0]:,} = {growth:.2f} (held to {GROWTH}); p50 held to {LIMIT:.0f} ms at 3,000")


if __name__ == "__main__":
    main(run, sys.argv[1:])
