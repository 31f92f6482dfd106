"""What a change costs, from Change to bytes, versions and statuses; what a cold build costs; how long it holds the event loop.

CPU time of this process. The collector runs as the server runs it: off during the cold build, then collect and freeze.
"""

from __future__ import annotations

import gc
import resource
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.bench import world
from tests.objects import changes, decoded
from translator.engine import Engine
from translator.ir.output import Group
from translator.ir.tables import GROUP
from translator.program import engine as new_engine
from xds.snapshot import Snapshots

SIZES = (100, 1_000, 10_000)


def rss() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def cpu(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


class Server:
    """The engine and the snapshots behind it: all that lies between a Change and bytes to send."""

    def __init__(self) -> None:
        self.engine: Engine = new_engine()
        self.snapshots = Snapshots()
        self.engine.apply([(GROUP, "local", Group())])

    def take(self, found: Iterable[Any]) -> dict[Any, Any]:
        settled = self.engine.apply(found)
        self.snapshots.apply(settled)
        return settled


def measure(size: int) -> dict[str, float]:
    """One world: microseconds of CPU for each edit (median), for a cold route, and KiB a route."""
    gc.collect()
    before = rss()
    found = changes(world.world(size))
    gc.disable()
    server = Server()
    start = time.process_time()
    server.take(found)
    cold = time.process_time() - start
    del found
    gc.collect()
    memory = rss() - before
    gc.freeze()
    gc.enable()
    picks = [(index * 7919 + 11) % size for index in range(201)]
    route = [edit(world.route(number, path=f"/e{index}")) for index, number in enumerate(picks)]
    endpoints = [edit(world.endpoint_slice(number, last=9 + index % 200)) for index, number in enumerate(picks)]
    touched = server.take(endpoints[0])
    assert {table.name for table, _ in touched} == {"envoy.ClusterLoadAssignment"}, touched
    figures = {"cold us/route": cold / size * 1e6, "KiB/route": memory / 1024 / size}
    for name, edits in (("edit route us", route), ("edit slice us", endpoints[1:])):
        figures[name] = statistics.median(cpu(lambda one=one: server.take(one)) for one in edits) * 1e6
    assert server.engine.failures == {}
    gc.unfreeze()
    return figures


def edit(document: dict[str, Any]) -> list[Any]:
    return changes([decoded(document)])


def main() -> dict[int, dict[str, float]]:
    measure(50)  # imports and first calls
    return {size: measure(size) for size in SIZES}
