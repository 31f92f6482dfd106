"""The objects of one kind as they were last told, and what is to be told since. Knows no protocol, no I/O and no clock.

Nothing is told twice: an object that comes again as it was is no change. What is gone may be held back (`holding.py`), and
of a kind that is taken in on demand only wanted objects are kept at all.
"""

from __future__ import annotations

from collections.abc import Iterable

from translator.resources.meta import Object
from xds.sources.difference import difference
from xds.sources.kube.holding import Holding
from xds.store import Change


class Held:
    def __init__(self, kind: str, holding: Holding) -> None:
        self.kind, self.holding = kind, holding
        self.objects: dict[str, Object] = {}
        self._before: dict[str, Object | None] = {}  # of those that moved since: how they were told last

    def put(self, key: str, new: Object) -> None:
        self.holding.returned(key)
        old = self.objects.get(key)
        if old != new:
            self._before.setdefault(key, old)
            self.objects[key] = new

    def drop(self, key: str) -> None:
        self.holding.returned(key)
        if (old := self.objects.pop(key, None)) is not None:
            self._before.setdefault(key, old)

    def replace(self, listed: dict[str, Object], now: float) -> None:
        """A whole list: what it lacks is gone, unless that is too much at once."""
        gone = self.objects.keys() - listed.keys()
        let_go = self.holding.relisted(set(gone), len(self.objects), now)
        for key, new in listed.items():
            self.put(key, new)
        for key in sorted(let_go):
            self.drop(key)

    def vanish(self, keys: Iterable[str], now: float) -> None:
        """Gone with the definition of their kind: held for a while."""
        for key in sorted(self.holding.vanished([key for key in keys if key in self.objects], now)):
            self.drop(key)

    def take(self, now: float) -> list[Change]:
        """What is different since last asked."""
        for key in self.holding.expired(now):
            self.drop(key)
        before, self._before = self._before, {}
        moved = ((key, old, self.objects.get(key)) for key, old in before.items())
        return [Change(self.kind, key, new, difference(old, new)) for key, old, new in moved if old != new]
