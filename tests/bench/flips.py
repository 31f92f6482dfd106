"""B10: 500 changes of seven kinds at 1,000 requests a second among N routes. Open-loop, nothing retried, every failure is kept."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from tests.bench import files
from tests.bench.rounds import row
from tests.e2e import test_changes as changes
from tests.e2e.load import Load
from tests.waiting import wait_until

RATE = 1_000


async def measure(size: int, flips: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as scratch:
        async with changes.world(Path(scratch)) as at:
            before = await files.attached(at.server)
            files.write(at.folder, size)
            await wait_until(lambda: _attached(at, before + size), 120, f"{size} routes")
            async with Load(at.targets, RATE) as load:
                start = time.perf_counter()
                for turn in range(flips):
                    await changes.KINDS[turn % len(changes.KINDS)](at, turn // len(changes.KINDS))  # type: ignore[misc]
                seconds = time.perf_counter() - start
            for failure in load.failed[:5]:
                print(failure)
            return {
                "requests": load.sent,
                "requests/s": load.sent / seconds,
                "failed": len(load.failed),
                "ms a flip": seconds / flips * 1e3,
            }


async def _attached(at: changes.World, wanted: int) -> bool:
    return await files.attached(at.server) == wanted


def five_hundred(sizes: tuple[int, ...] = (100, 1_000, 10_000), flips: int = 500) -> None:
    print(f"\nB10  {flips} changes at {RATE} requests a second, among N routes")
    for size in sizes:
        print(row(f"{size:>6} routes", asyncio.run(measure(size, flips))), flush=True)
