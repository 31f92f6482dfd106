"""What is gone from the API server and not yet let go: many objects of one kind at once, or a whole kind with its definition.

Nobody deletes more than half of a kind every day; an API server restored from an old copy, or a definition that was deleted
by mistake, does. So such objects stay in force for HOLD seconds, or until they are there again. No I/O and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable

HOLD = 300.0  # seconds
LEAST = 5
PART = 0.5


class Holding:
    """The keys of one kind that are held, and until when each."""

    def __init__(self, hold: float = HOLD) -> None:
        self._hold = hold
        self._until: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._until)

    def relisted(self, gone: set[str], there: int, now: float) -> set[str]:
        """Of those that a new list lacks, the ones to let go at once. `there` is how many objects were in force before."""
        fresh = gone - self._until.keys()
        if len(fresh) >= LEAST and len(fresh) > there * PART:
            return self.vanished(fresh, now)
        return fresh

    def vanished(self, keys: Iterable[str], now: float) -> set[str]:
        """Their kind is no longer served, or is about to go. Gives those that are not held."""
        if self._hold <= 0:
            return set(keys)
        self._until = dict.fromkeys(keys, now + self._hold) | self._until
        return set()

    def returned(self, key: str) -> None:
        self._until.pop(key, None)

    def due(self) -> float | None:
        return min(self._until.values(), default=None)

    def expired(self, now: float) -> list[str]:
        """Those to let go now; they are held no longer."""
        over = [key for key, until in self._until.items() if until <= now]
        for key in over:
            del self._until[key]
        return over
