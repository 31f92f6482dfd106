"""Wakes when the time of an object is over, and says so. Which objects there are, and when each ends, is for `lives` to know."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from translator.engine import Name
from xds.lives import Key, Lives

LONGEST = 3600.0  # seconds until the clock on the wall is asked again: it may have been set meanwhile


class Ending:
    """`say` is told of each that is over, with the mark of that life, and with None of each that is so no more."""

    def __init__(self, wall: Callable[[], float], say: Callable[[Key, str | None], None]) -> None:
        self._wall, self._say = wall, say
        self.lives = Lives()
        self._timer: asyncio.TimerHandle | None = None

    def settled(self, settled: Mapping[Name, Any]) -> None:
        for key in self.lives.settled(settled, self._wall()):
            self._say(key, None)
        self._again()

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _again(self) -> None:
        self.stop()
        due = self.lives.due()
        if due is not None:
            self._timer = asyncio.get_running_loop().call_later(min(LONGEST, max(0.0, due - self._wall())), self._look)

    def _look(self) -> None:
        for key, mark in self.lives.ended(self._wall()).items():
            self._say(key, mark)
        self._again()
