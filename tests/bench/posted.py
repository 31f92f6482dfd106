"""B17 beside a real API server: a Sandbox is created there until its fork answers, among N keys; and the way back when it is deleted.

Counted from the answer to the POST, polled every millisecond over one kept connection. Beside it stands what is not ours: the POST
itself, and from its start to the event of a bare watcher. Wrong is: anything but the baseline before the fork first answers, and
anything but the fork after it, twenty times.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.bench.apart import main
from tests.bench.keys import Probe
from tests.bench.paired import quantile
from tests.bench.programs import cpu
from tests.bench.rounds import row
from tests.bench.stand import HOME, PORT, ROUTES, SERVICES, SLICES, SOON, Stand, Watcher, endpoints, host, route, service, stand
from tests.bench.world import Document
from tests.e2e.backends import answer
from tests.kube.cluster import isolation
from tests.waiting import wait_until

GROUP = "pointsman.io/v1alpha1"
SANDBOXES, ROUTEGROUPS = f"/apis/{GROUP}/namespaces/{HOME}/sandboxes", f"/apis/{GROUP}/namespaces/{HOME}/routegroups"
SIZES = (10, 1_000, 10_000)
ADDS, AFTER = 100, 20
LIMIT = 15.0  # ms beside the source's own share
BASE, FORK = 0, 1  # numbers of Services
BASELINE, FORKED = "ok", "fork"  # what they answer
GROUP_OF_ALL: Document = {
    "apiVersion": GROUP,
    "kind": "RouteGroup",
    "metadata": {"name": "previews"},
    "spec": {"parentRefs": [{"name": "edge"}], "admission": {"mode": "All"}, "selector": {}},
}


def sandbox(key: str) -> Document:
    spec = {"services": [{"name": f"s{BASE}", "targetRef": {"name": f"s{FORK}"}}]}
    return {"apiVersion": GROUP, "kind": "Sandbox", "metadata": {"name": key}, "spec": spec}


@dataclass
class Times:
    """Of keys that came: milliseconds."""

    first: list[float] = field(default_factory=list)
    posted: list[float] = field(default_factory=list)
    watched: list[float] = field(default_factory=list)
    gone: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # of the server
    wrong: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        each = {"fork answers": self.first, "baseline again": self.gone, "POST": self.posted, "POST→event": self.watched, "CPU": self.cpu}
        found = {f"{name} p50": statistics.median(times) for name, times in each.items()}
        return {**found, "fork answers p99": quantile(self.first, 0.99), "wrong": len(self.wrong)}


async def come_and_go(at: Stand, server: int, watcher: Watcher, probe: Probe, key: str, into: Times) -> None:
    used, sent = cpu(server), time.perf_counter()
    await at.post(SANDBOXES, sandbox(key))
    answered = time.perf_counter()
    first = await probe.until(key, FORKED, BASELINE)
    into.wrong += [f"after {key} {name}" for _ in range(AFTER) if (name := await probe.ask(key)) != FORKED]
    await wait_until(lambda: key in watcher.ready, SOON, f"{key} to be told of")
    into.cpu.append((cpu(server) - used) * 1e3)
    into.first.append((first - answered) * 1e3)
    into.posted.append((answered - sent) * 1e3)
    into.watched.append((watcher.seen[key] - sent) * 1e3)
    gone = await at.transport.call("DELETE", f"{SANDBOXES}/{key}")
    assert gone.status == 200, gone.body
    answered = time.perf_counter()
    into.gone.append((await probe.until(key, BASELINE, FORKED) - answered) * 1e3)


@asynccontextmanager
async def forking(at: Stand) -> AsyncIterator[None]:
    """A Gateway that reads keys, a baseline and what answers in its place."""
    fork = await asyncio.start_server(lambda *pair: answer(FORKED, *pair), isolation.NODES[0], 0, backlog=1024)
    try:
        await at.gateway(backends=1)
        await at.post(SERVICES, service(FORK))
        await at.post(SLICES, endpoints(FORK, fork.sockets[0].getsockname()[1]))
        await at.post(ROUTEGROUPS, GROUP_OF_ALL)
        await at.post(ROUTES, route(BASE))
        yield
    finally:
        fork.close()


async def measure(at: Stand, sizes: Sequence[int], adds: int) -> list[dict[str, float]]:
    """One for each size."""
    found, probe, there = [], Probe(PORT, host(BASE)), 0
    async with at.serving() as server, at.proxy(server), at.watching(SANDBOXES) as watcher, forking(at):
        for size in sizes:
            await at.create(SANDBOXES, (sandbox(f"k{number}") for number in range(there, size)))
            await wait_until(lambda size=size: {f"k{number}" for number in range(size)} <= watcher.ready.keys(), SOON, "all keys")
            there, times = size, Times()
            for number in range(adds):
                await come_and_go(at, server.pid, watcher, probe, f"among{size}-{number}", times)
            found.append(times.figures())
            print(row(f"{size:>6} keys", found[-1]), *times.wrong[:5], flush=True)
    probe.close()
    return found


async def _alone(sizes: Sequence[int], adds: int) -> list[dict[str, float]]:
    async with stand() as at:
        return await measure(at, sizes, adds)


def run(arguments: Sequence[str]) -> None:
    adds, *sizes = [int(one) for one in arguments] or (ADDS, *SIZES)
    print(f"\nB17 through a real API server: a Sandbox created until its fork answers, ms; {adds} of each", flush=True)
    found = asyncio.run(_alone(sizes, adds))
    growth = found[-1]["fork answers p50"] / found[0]["fork answers p50"]
    print(f"{sizes[-1]:,} / {sizes[0]:,} = {growth:.2f}; p50 held to {LIMIT:.0f} ms beside the source's share")


if __name__ == "__main__":
    main(run, sys.argv[1:])
