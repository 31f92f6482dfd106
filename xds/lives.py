"""When objects that end by themselves are over. No I/O; the clock is an argument, and gives seconds since 1970."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from translator.engine import Name
from translator.ir.life import Life
from translator.ir.tables import OUT_LIFE

Key = tuple[str, str]  # kind and key


class Lives:
    """`over` are those that have ended, with the mark of that life: rows of EXPIRED."""

    def __init__(self) -> None:
        self._ends: dict[Key, tuple[float, str]] = {}
        self.over: dict[Key, str] = {}

    def settled(self, settled: Mapping[Name, Any], now: float) -> list[Key]:
        """Take in what the engine settled. Gives those that are over no more, since they are gone or live anew."""
        back = []
        for (table, key), row in settled.items():
            if table is not OUT_LIFE:
                continue
            self._ends.pop(key, None)
            if row is not None and self.over.get(key) != row.mark:
                self._ends[key] = (_begins(row, now) + row.seconds, row.mark)
            if key in self.over and (row is None or self.over[key] != row.mark):
                del self.over[key]
                back.append(key)
        return back

    def due(self) -> float | None:
        """When the next one ends."""
        return min((end for end, _ in self._ends.values()), default=None)

    def ended(self, now: float) -> dict[Key, str]:
        """Those whose time is over by now, each told once."""
        found = {key: mark for key, (end, mark) in self._ends.items() if end <= now}
        for key in found:
            del self._ends[key]
        self.over |= found
        return found


def _begins(row: Life, now: float) -> float:
    """A time that is none was let in by nobody: an API server writes it, and the door has looked at that of a file."""
    try:
        return datetime.fromisoformat(row.since).timestamp() if row.since else now
    except ValueError:
        return now
