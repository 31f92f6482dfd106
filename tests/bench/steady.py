"""B14: N routes on a real API server, and a world that goes on changing: CPU and memory of the server while it lasts.

Each second one route gets another header to set and ten EndpointSlices another address; statuses are written, Envoy is told.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence

from tests.bench.apart import main
from tests.bench.programs import cpu
from tests.bench.rounds import row
from tests.bench.stand import BACKENDS, ROUTES, SLICES, Stand, endpoints, memory, route, stand, told

SIZE, SECONDS = 5_000, 300
SLICES_EACH = 10  # a second
CORE, MEMORY = 0.2, 300


async def measure(size: int, seconds: int) -> dict[str, float]:
    async with stand() as at, at.serving() as server, at.proxy(server) as envoy, at.watching() as watcher:
        await at.gateway()
        await at.routes(range(size))
        await told(watcher, [f"r{number}" for number in range(size)])
        pid = server.pid
        await _churn(at, size, 10)
        used, start, before = cpu(pid), time.perf_counter(), memory(pid)
        await _churn(at, size, seconds)
        spent = time.perf_counter() - start
        return {
            "cores": (cpu(pid) - used) / spent,
            "MiB": memory(pid),
            "MiB an hour more": (memory(pid) - before) / spent * 3600,
            "Envoy MiB": memory(envoy.pid),
            "s": spent,
        }


async def _churn(at: Stand, size: int, seconds: int) -> None:
    start = time.perf_counter()
    for second in range(seconds):
        changed = route(second % size)
        value = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-turn", "value": str(second)}]}}
        changed["spec"]["rules"][0]["filters"] = [value]
        await _put(at, f"{ROUTES}/r{second % size}", changed)
        for number in range(SLICES_EACH):
            turn = second * SLICES_EACH + number
            slice_ = endpoints(turn % BACKENDS, at.backend, f"10.244.9.{turn // BACKENDS % 200 + 1}")
            await _put(at, f"{SLICES}/s{turn % BACKENDS}", slice_)
        await asyncio.sleep(max(0.0, start + second + 1 - time.perf_counter()))


async def _put(at: Stand, path: str, document: dict[str, object]) -> None:
    answer = await at.transport.call("PATCH", path, document, content="application/merge-patch+json")
    assert answer.status == 200, answer.body


def run(arguments: Sequence[str]) -> None:
    size, seconds = [int(one) for one in arguments] or (SIZE, SECONDS)
    print(
        f"\nB14  {size:,} routes, a route and {SLICES_EACH} EndpointSlices a second, {seconds} s; held to {CORE} cores, {MEMORY} MiB",
        flush=True,
    )
    print(row(f"{size:>6} routes", asyncio.run(measure(size, seconds))), flush=True)


if __name__ == "__main__":
    main(run, sys.argv[1:])
