"""B12: a thousand routes attached to one Gateway, and gone again: seconds after the last answer until it says so, and its writes.

The test of the same (`tests/kube/test_attached_routes.py`) counts the writes; time is for here.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence

from tests.bench.apart import main
from tests.bench.rounds import row
from tests.bench.stand import HOME, Stand, stand
from tests.kube import test_attached_routes as attached

TURNS = 3


async def measure(at: Stand) -> None:
    await asyncio.to_thread(at.cluster.kubectl, "-n", HOME, "apply", "-f", "-", text=attached.GATEWAY)
    edge = attached.Edge(at.transport, HOME)
    watching = asyncio.create_task(edge.watch())
    try:
        async with at.serving():
            await edge.says(0)
            for _ in range(TURNS):
                for what, method, number in (("created", "POST", attached.ROUTES), ("deleted", "DELETE", 0)):
                    print(row(f"{attached.ROUTES} {what}", await _turn(edge, method, number)), flush=True)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _turn(edge: attached.Edge, method: str, number: int) -> dict[str, float]:
    before, start = edge.writes, time.perf_counter()
    await edge.all(method)
    asked = time.perf_counter()
    await edge.says(number)
    told = time.perf_counter()
    return {"s for the requests": asked - start, "s until it is told": told - asked, "writes of the Gateway": edge.writes - before}


async def _all() -> None:
    async with stand() as at:
        await measure(at)


def run(_: Sequence[str]) -> None:
    print("\nB12  a thousand routes on one Gateway; held to 1 s after the last answer, and 50 writes", flush=True)
    asyncio.run(_all())


if __name__ == "__main__":
    main(run, sys.argv[1:])
