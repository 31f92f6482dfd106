"""The work of whoever leads: names that are due, a few at a time, and all of them again every so often. No I/O of its own.

For all that is written to a cluster beside statuses, which are many and have a way of their own (`writer.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from math import inf

from xds.reports.queue import Counts, Name, Queue

AT_ONCE = 4
LEAST = 0.05  # seconds of rest
TURN = 1.0  # seconds at most between two questions who leads


class Rounds:
    def __init__(self, leads: Callable[[], bool], clock: Callable[[], float]) -> None:
        self._leads, self._clock = leads, clock
        self.queue, self.counts = Queue(), Counts()
        self._put = asyncio.Event()
        self._look = 0.0  # when to look at everything

    def put(self, names: Iterable[Name]) -> None:
        """These are to be looked at."""
        now = self._clock()
        for one in names:
            self.queue.put(one, now)
        self._put.set()

    def look(self) -> None:
        """At everything, soon: nobody knows what was done meanwhile."""
        self._look = 0.0
        self._put.set()

    async def run(self, work: Callable[[Name], Awaitable[bool]], everything: Callable[[], Awaitable[float]]) -> None:
        """Without end. `work` tells whether a name is as it should be, or else is to be tried again; `everything` puts all there is, and
        gives the seconds until it is asked again. Who begins to lead looks at all: its predecessor may have left off anywhere.
        """
        while True:
            if not self._leads():
                self._look = 0.0
            elif self._clock() >= self._look:
                self._look = inf
                self._look = min(self._clock() + await everything(), self._look)
            while self._leads() and (names := self.queue.take(self._clock(), AT_ONCE)):
                await asyncio.gather(*(self._one(work, name) for name in names))
            await self._until()

    async def _one(self, work: Callable[[Name], Awaitable[bool]], name: Name) -> None:
        if await work(name):
            self.queue.wrote(name, self._clock())
        else:
            self.counts.failed += 1
            self.queue.failed(name, self._clock())

    async def _until(self) -> None:
        now = self._clock()
        due = min(self._look, now + TURN, self.queue.due() or inf) if self._leads() else now + TURN
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(LEAST, due - now)):
                await self._put.wait()
        self._put.clear()
