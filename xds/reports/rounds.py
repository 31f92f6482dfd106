"""The work of whoever leads: names that are due, a few at a time, and all of them again every so often. No I/O of its own.

For all that is written to a cluster beside statuses, which are many and have a way of their own (`writer.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable

from xds.reports.queue import Name, Queue

AT_ONCE = 4
LEAST = 0.05  # seconds of rest
FOLLOWING = 1.0  # seconds between two looks at whether to lead by now


class Rounds:
    def __init__(self, leads: Callable[[], bool], clock: Callable[[], float]) -> None:
        self._leads, self._clock = leads, clock
        self.queue = Queue()
        self._put = asyncio.Event()

    def put(self, names: Iterable[Name]) -> None:
        """These are to be looked at."""
        now = self._clock()
        for one in names:
            self.queue.put(one, now)
        self._put.set()

    async def run(self, work: Callable[[Name], Awaitable[None]], everything: Callable[[], Awaitable[None]], every: float) -> None:
        """Without end. `work` tells the queue what came of a name; `everything` puts all there is, `every` so many seconds."""
        look = self._clock()
        while True:
            if self._leads() and self._clock() >= look:
                await everything()
                look = self._clock() + every
            while self._leads() and (names := self.queue.take(self._clock(), AT_ONCE)):
                await asyncio.gather(*map(work, names))
            await self._until(look)

    async def _until(self, look: float) -> None:
        due = min(look, self.queue.due() or look)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(LEAST, due - self._clock()) if self._leads() else FOLLOWING):
                await self._put.wait()
        self._put.clear()
