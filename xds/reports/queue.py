"""Which objects are to be written, and when: each once however often it changed, and never in a hot loop. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass

GAP = 0.1  # seconds between two writes of one object, longer each time while it goes on changing
LONGEST_GAP = 0.8  # a thousand routes that come one after another are a few writes of their Gateway, and soon right in the end
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
        self._last: dict[Name, tuple[float, float]] = {}  # when it was written, and how long to wait after that
        self._failures: dict[Name, int] = {}

    def __len__(self) -> int:
        return len(self._due)

    def put(self, name: Name, now: float) -> None:
        """It changed: what failed before may go through now."""
        self._failures.pop(name, None)
        last, gap = self._last.get(name, (now, 0.0))
        self._due[name] = max(now, last + gap)

    def take(self, now: float, most: int) -> list[Name]:
        """Those that are due, in the order in which they came; the caller writes them, and says what came of it."""
        found = [name for name, due in self._due.items() if due <= now][:most]
        for name in found:
            del self._due[name]
        return found

    def due(self) -> float | None:
        return min(self._due.values(), default=None)

    def wrote(self, name: Name, now: float) -> None:
        self._failures.pop(name, None)
        last, gap = self._last.get(name, (float("-inf"), 0.0))
        longer = min(LONGEST_GAP, max(GAP, gap * 1.5)) if now - last < 2 * LONGEST_GAP else GAP
        self._last[name] = (now, longer)

    def failed(self, name: Name, now: float) -> None:
        """To be tried again, later each time; unless it was put again meanwhile."""
        count = self._failures[name] = self._failures.get(name, 0) + 1
        least, most = BACKOFF
        self._due.setdefault(name, now + min(most, least * 2 ** min(count - 1, 10)))

    def forget(self, name: Name) -> None:
        """The object is gone."""
        self._failures.pop(name, None)
        self._last.pop(name, None)
