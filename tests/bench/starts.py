"""First starts beside a real API server: N routes that are there already are taken in, served, and told of.

`statuses`: until each of N routes says that it is served, beside how fast the API server takes as many writes from a client that does
nothing else; and a route that is added meanwhile. `cold`: server and Envoy start together; until the last of N routes is served.
`source`: what following N routes and N EndpointSlices costs, without translation.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any

from tests.bench.apart import main
from tests.bench.programs import cpu
from tests.bench.rounds import row
from tests.bench.stand import (
    AT_ONCE,
    ROUTES,
    SLICES,
    SOON,
    Probe,
    Stand,
    endpoints,
    everywhere,
    host,
    memory,
    parsed,
    route,
    stand,
    told,
)
from tests.waiting import wait_until
from translator.gatewayapi.conditions import ACCEPTED

SAMPLE = 200  # hosts that are asked until they are served; then each is asked once
ADDED = 10  # routes while statuses are written
FOREIGN = "bench.example/controller"


async def statuses(size: int) -> dict[str, float]:
    async with stand() as at:
        await at.gateway()
        await at.routes(range(size))
        async with at.watching() as watcher:
            await wait_until(lambda: len(watcher.seen) == size, SOON)
            start = time.perf_counter()
            async with at.serving() as server, at.proxy(server):
                await wait_until(lambda: len(watcher.accepted) > size // 20, SOON, "the first statuses")
                late = [await _late(at, size + number) for number in range(ADDED)]
                await told(watcher, [f"r{number}" for number in range(size)])
                written = max(watcher.served[f"r{number}"] for number in range(size)) - start
                await told(watcher, [f"r{size + number}" for number in range(ADDED)])
                waits = [watcher.served[f"r{size + number}"] - answered for number, (answered, _) in enumerate(late)]
        floor = await _floor(at, size)
        return {
            "s until all are told of": written,
            "s that the API server takes": floor,
            "ratio": written / floor,
            "added meanwhile, s to 200, most": max(first for _, first in late),
            "s to its status, p50": statistics.median(waits),
            "most": max(waits),
        }


async def _late(at: Stand, number: int) -> tuple[float, float]:
    """When it was created, and seconds until it was served."""
    await at.post(ROUTES, route(number))
    answered, probe = time.perf_counter(), Probe()
    first, _ = await probe.until_served(host(number))
    await probe.close()
    return answered, first - answered


async def _floor(at: Stand, size: int) -> float:
    """Seconds for as many reads and writes by a client that decides nothing."""
    start = time.perf_counter()
    condition = {"type": ACCEPTED, "status": "True", "reason": ACCEPTED, "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    entry = {"parentRef": {"name": "edge"}, "controllerName": FOREIGN, "conditions": [condition]}

    async def write(number: int) -> None:
        path = f"{ROUTES}/r{number}"
        found = parsed(await at.transport.call("GET", path))
        parents = [*found.get("status", {}).get("parents", []), entry]
        answer = await at.transport.call("PUT", f"{path}/status", {**found, "status": {"parents": parents}})
        assert answer.status == 200, answer.body

    await _each(range(size), write)
    return time.perf_counter() - start


async def cold(size: int) -> dict[str, float]:
    async with stand() as at:
        await at.gateway()
        await at.routes(range(size))
        start = time.perf_counter()
        async with at.serving() as server:
            synced = time.perf_counter() - start
            async with at.proxy(server) as envoy:
                step = max(1, size // SAMPLE)
                wrong: list[int] = []

                async def ask(number: int) -> None:
                    probe = Probe()
                    wrong.extend([status for status in (await probe.until_served(host(number)))[1] if status])
                    await probe.close()

                await _each([*range(0, size, step), size - 1], ask)
                served, used = time.perf_counter() - start, (cpu(server.pid), cpu(envoy.pid))
                for number in range(size):
                    wrong += await everywhere(host(number), 1)
                return {
                    "s to synced": synced,
                    "s to the last route served": served,
                    "wrong": len(wrong),
                    "server CPU s": used[0],
                    "Envoy CPU s": used[1],
                    "server MiB": memory(server.pid),
                    "Envoy MiB": memory(envoy.pid),
                }


async def source(size: int) -> dict[str, float]:
    async with stand() as at:
        await at.gateway()
        await at.routes(range(size))
        await at.create(SLICES, (endpoints(10_000_000 + number, at.backend, "10.244.9.9") for number in range(size)))
        command = [sys.executable, "-m", "tests.bench.source", str(at.cluster.kubeconfig)]
        child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        found = json.loads((await child.communicate())[0])
        more = found["after"] - found["before"]
        return {"objects": found["objects"], "s to synced": found["seconds"], "CPU s": found["cpu"], "MiB more": more}


async def _each(numbers: Iterable[int], do: Callable[[int], Awaitable[None]]) -> None:
    waiting = iter(numbers)

    async def some() -> None:
        for number in waiting:
            await do(number)

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


KINDS: dict[str, tuple[Callable[[int], Coroutine[Any, Any, dict[str, float]]], tuple[int, ...], str]] = {
    "statuses": (statuses, (3_000,), "3,000 within 15 s; one added meanwhile within 1 s"),
    "cold": (cold, (10_000,), "served within 7 s, Envoy within 150 MiB"),
    "source": (source, (10_000,), "within 2 s and 120 MiB"),
}


def run(arguments: Sequence[str]) -> None:
    name, *sizes = arguments
    measure, usual, limit = KINDS[name]
    print(f"\n{name}: routes that are there when the server starts; held to {limit}", flush=True)
    for size in [int(one) for one in sizes] or usual:
        print(row(f"{size:>6} routes", asyncio.run(measure(size))), flush=True)


if __name__ == "__main__":
    main(run, sys.argv[1:])
