"""Feeds the engine without ever holding up the loop: batches from the store, in slices; outputs to whoever wants them.

The only writer of the engine. Who reads its tables takes `calm` first: inside a batch they are half new.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from translator.engine import Engine, Name
from xds.store import Store

SLICE = 0.002  # seconds of work at a time: a timer passes three turns of the loop, so lag is about three slices
PIECE = 200  # outputs: some 10 ms of hashing, framing and statuses
FREEZE_AFTER = 5_000  # runs of rules after which their answers are put out of the collector's sight, when idle

Settled = Mapping[Name, Any]
Batch = list[tuple[Any, Any, Any]]  # table, key and row


class Translation:
    def __init__(
        self,
        engine: Engine,
        store: Store,
        settled: Callable[[Settled], None],
        clock: Callable[[], float] = time.perf_counter,
        taken: Callable[[Batch], None] = lambda _: None,
    ) -> None:
        """`settled` is told outputs that differ, and `taken` each batch after all of its outputs."""
        self.engine, self.store, self.calm = engine, store, asyncio.Lock()
        self._settled, self._clock, self._taken = settled, clock, taken
        self._wake = asyncio.Event()
        self._frozen = 0

    def wake(self) -> None:
        """Something was put into the store."""
        self._wake.set()

    async def run(self) -> None:
        """Take in what comes, without end."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.drain()
            if self.engine.runs - self._frozen > FREEZE_AFTER:
                self._freeze()

    async def drain(self) -> None:
        """Take in all that waits; what comes meanwhile as well."""
        while batch := self.store.take():
            async with self.calm:
                await self._batch(batch)

    async def build(self) -> None:
        """The first time, with everything in one batch: no rule meets half of what it asks for, and runs again for the rest.

        Nobody is served yet, so the outputs are handed on in pieces. Call it with the collector off (`without_collector`).
        """
        async with self.calm:
            await self._batch(self.store.take(len(self.store)), PIECE)
        await self.drain()
        self._freeze()

    async def _batch(self, batch: Batch, piece: int | None = None) -> None:
        """`piece` is the number of outputs to hand on at a time; without it all of the batch is handed on as one state."""
        due = self._clock() + SLICE
        for _ in self.engine.steps(batch):
            if self._clock() > due:
                await asyncio.sleep(0)
                due = self._clock() + SLICE
        while self.engine.unsettled:
            self._settled(self.engine.settled(piece))
            await asyncio.sleep(0)
        self._taken(batch)

    def _freeze(self) -> None:
        """Edits leave no cyclic garbage (a law of the engine), so nothing is lost by not collecting first."""
        gc.freeze()
        self._frozen = self.engine.runs


@contextmanager
def without_collector() -> Iterator[None]:
    """For the first read and the first build: it would look at millions of objects over and over, and find nothing.

    Freeze before the end of it, or the collector begins with all of them.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
