"""How long a cold build holds the event loop: the most that another task had to wait for while 10,000 routes were built.

In CPU time of this process, so that a busy neighbour is not counted.
"""

from __future__ import annotations

import asyncio
import time

from tests.bench import world
from tests.objects import changes
from translator.ir.output import Group
from translator.ir.tables import GROUP
from translator.program import engine
from xds.snapshot import Snapshots
from xds.store import Store
from xds.translation import Translation, without_collector


async def longest(size: int) -> float:
    """Milliseconds between two turns of a task that only ever yields."""
    store, snapshots = Store(), Snapshots()
    translation = Translation(engine(), store, snapshots.apply)
    store.declare(GROUP, "local", Group())
    for table, key, one in changes(world.world(size)):
        store.declare(table, key, one)
    worst, done = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal worst
        last = time.process_time()
        while not done.is_set():
            await asyncio.sleep(0)
            now = time.process_time()
            worst, last = max(worst, now - last), now

    watcher = asyncio.create_task(watch())
    await asyncio.sleep(0)
    with without_collector():
        await translation.build()
    done.set()
    await watcher
    return worst * 1e3


def main(size: int = 10_000) -> float:
    return asyncio.run(longest(size))
