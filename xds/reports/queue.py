"""Which objects are to be written, and when: each once however often it changed, and never in a hot loop. No I/O, no clock.

Of those that are due, what came last and what came first have turns: news does not wait behind thousands that a first start
left to be written, and these are not put off for ever by news.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

GAP = 0.1  # seconds between two writes of one object, longer each time while it goes on changing
LONGEST_GAP = 0.4  # a thousand routes that come one after another are a few writes of their Gateway, and soon right in the end
BACKOFF = (0.5, 60.0)  # seconds after the first failure, and at most

Name = tuple[str, str]  # kind and key


@dataclass
class Counts:
    """What was done, since the start."""

    written: int = 0
    unchanged: int = 0
    conflicts: int = 0
    failed: int = 0


class Queue:
    def __init__(self) -> None:
        self._due: dict[Name, float] = {}
        self._last: OrderedDict[Name, tuple[float, float]] = OrderedDict()  # when it was written, and how long to wait after that
        self._failures: dict[Name, int] = {}
        self._newest = False  # whose turn it is

    def __len__(self) -> int:
        return len(self._due)

    def put(self, name: Name, now: float, patience: float = 0.0) -> None:
        """It changed: what failed before may go through now. `patience`: seconds that it may wait for more to be known of it."""
        self._failures.pop(name, None)
        last, gap = self._last.get(name, (now, 0.0))
        due = max(now + patience, last + gap)
        self._due[name] = min(due, self._due.get(name, due)) if patience else due

    def take(self, now: float, most: int) -> list[Name]:
        """Some that are due; the caller writes them, and says what came of it."""
        found: list[Name] = []
        while len(found) < most and (name := self._next(now)):
            del self._due[name]
            found.append(name)
        return found

    def _next(self, now: float) -> Name | None:
        self._newest = not self._newest
        order = reversed(self._due.items()) if self._newest else self._due.items()
        return next((name for name, due in order if due <= now), None)

    def due(self) -> float | None:
        return min(self._due.values(), default=None)

    def wrote(self, name: Name, now: float) -> None:
        self._failures.pop(name, None)
        self._forget(now)
        _, gap = self._last.pop(name, (now, 0.0))
        longer = min(LONGEST_GAP, max(GAP, gap * 1.5))
        self._last[name] = (now, longer)
        if name in self._due:  # it changed while it was written
            self._due[name] = max(self._due[name], now + longer)

    def failed(self, name: Name, now: float) -> None:
        """To be tried again, later each time; unless it was put again meanwhile."""
        count = self._failures[name] = self._failures.get(name, 0) + 1
        least, most = BACKOFF
        self._due.setdefault(name, now + min(most, least * 2 ** min(count - 1, 10)))

    def _forget(self, now: float) -> None:
        """What was written so long ago that it makes no difference: what is remembered follows how much is written, not how much is
        there or ever was.
        """
        while self._last and now - next(iter(self._last.values()))[0] >= 2 * LONGEST_GAP:
            self._last.popitem(last=False)
