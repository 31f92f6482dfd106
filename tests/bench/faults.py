"""What a fault costs beside a real API server, under 500 requests a second: how long until all is right again, and what failed.

`outage`: the API server is away for a minute, and a route is created when it is back. `killed`: the server is killed and started
again, with a route created meanwhile. `lease`: of two servers the one that writes is killed; until the other one writes.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence

from tests.bench.apart import main
from tests.bench.rounds import row
from tests.bench.stand import PORT, ROUTES, SOON, Probe, Stand, Watcher, host, parsed, route, stand, told
from tests.e2e.load import Load, Target
from tests.e2e.server import Server
from tests.waiting import wait_until

AWAY = 60  # seconds
SIZE, RATE = 1_000, 500
LEASE = "/apis/coordination.k8s.io/v1/namespaces/default/leases/pointsman"


async def outage(at: Stand, load: Load, number: int, away: float) -> dict[str, float]:
    at.cluster.apiserver.kill()
    before = load.sent
    await wait_until(lambda: load.sent - before >= away * RATE, SOON, "a minute without an API server")
    await asyncio.to_thread(at.cluster.start_apiserver)
    back = time.perf_counter()
    await at.post(ROUTES, route(number))
    return {"s away": away, "s from its return to a new route": await _served(number) - back}


async def killed(at: Stand, server: Server, number: int) -> dict[str, float]:
    await server.kill()
    await at.post(ROUTES, route(number))
    start = time.perf_counter()
    await server.start()
    synced = time.perf_counter() - start
    return {"s to synced": synced, "s to what was created meanwhile": await _served(number) - start}


async def lease(at: Stand, first: Server, watcher: Watcher, number: int) -> dict[str, float]:
    """The first leads, for the second has just been started."""
    async with at.serving():
        holder = await _holder(at)
        assert holder
        await first.kill()
        start = time.perf_counter()

        async def another() -> bool:
            return await _holder(at) not in ("", holder)

        await wait_until(another, SOON, "another leader")
        leads = time.perf_counter() - start
        await at.post(ROUTES, route(number))
        await wait_until(lambda: f"r{number}" in watcher.accepted, SOON, "a status")
        return {"s until another leads": leads, "s until it writes": time.perf_counter() - start}


async def _holder(at: Stand) -> str:
    answer = await at.transport.call("GET", LEASE)
    return str(parsed(answer)["spec"].get("holderIdentity") or "") if answer.status == 200 else ""


async def _served(number: int) -> float:
    probe = Probe()
    first, _ = await probe.until_served(host(number))
    await probe.close()
    return first


async def measure(size: int, away: float) -> None:
    async with stand() as at, at.serving() as server, at.proxy(server), at.watching() as watcher:
        await at.gateway()
        await at.routes(range(size))
        await told(watcher, [f"r{number}" for number in range(size)])
        async with Load([Target(PORT, host=host(0))], RATE, patience=20.0) as load:
            print(row("outage", await outage(at, load, size, away)), flush=True)
            print(row("killed", await killed(at, server, size + 1)), flush=True)
        print(row("requests", {"sent": load.sent, "failed": len(load.failed)}))
    async with stand() as at, at.serving() as server, at.watching() as watcher:
        await at.gateway()
        await wait_until(lambda: _holder(at), SOON, "a leader")
        print(row("lease", await lease(at, server, watcher, 0)), flush=True)


def run(arguments: Sequence[str]) -> None:
    size, away = [int(one) for one in arguments] or (SIZE, AWAY)
    print(f"\nFaults among {size:,} routes; held to 5 s until all is right, 15 s until another leads, and no failure", flush=True)
    asyncio.run(measure(size, away))


if __name__ == "__main__":
    main(run, sys.argv[1:])
