"""What proxies have acknowledged, of whole objects: when a Gateway may be called programmed, and how long each change took.

A Gateway is acknowledged when every connected proxy of its group has answered for all of its listeners, routes and secrets
up to the epoch of its newest state, and refuses none of its listeners. It stays so until it is changed: a proxy that comes
later, or is restarted, takes nothing back. Who has not asked for listeners is no proxy of a Gateway. No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from translator.engine import Name
from translator.ir.output import Awaited
from translator.ir.tables import OUT_AWAITED
from xds.events import Event
from xds.kinds import LISTENER, ROUTE, SCOPE, SECRET
from xds.settling import Settling
from xds.store import Change
from xds.stream import Stream

Key = tuple[str, str]  # kind and key of an object
Rows = dict[Key, str | None]


class Took(NamedTuple):
    """How long it took from reading an object until every proxy had acknowledged what it changed."""

    kind: str
    seconds: float


class Acknowledged:
    def __init__(self, streams: Callable[[], Iterable[Stream]]) -> None:
        self._streams = streams
        self._gateways: Settling[tuple[Key, Awaited]] = Settling(streams, LISTENER, SCOPE, ROUTE, SECRET)
        self.objects: Settling[list[tuple[str, float]]] = Settling(streams)
        self._awaited: dict[Key, Awaited] = {}
        self._known: set[Key] = set()  # those of which a row says what was acknowledged
        self._refused: dict[Key, Awaited] = {}  # answered by all, and a listener of it refused by one
        self._read: dict[Key, float] = {}  # when objects were read that no rule has seen yet
        self._epoch = 0

    def read(self, changes: Iterable[Change], now: float) -> None:
        for one in changes:
            self._read.setdefault((one.kind, one.key), now)

    def taken(self, objects: Iterable[Key], epoch: int) -> None:
        """These were translated, and what came of it is in the snapshots at this epoch."""
        found = objects if self._read else ()  # the first build is large, and waits for nothing
        times = [(kind, since) for kind, key in found if (since := self._read.pop((kind, key), None)) is not None]
        moved, self._epoch = epoch != self._epoch, epoch
        if times and moved:
            self.objects.add(times, epoch)

    def settled(self, settled: Mapping[Name, Any], epoch: int) -> Rows:
        """What the engine settled, in the snapshots at this epoch. Rows of ACKED that are different now."""
        rows: Rows = {}
        for (table, key), row in settled.items():
            if table is not OUT_AWAITED or row == self._awaited.get(key):
                continue
            self._refused.pop(key, None)
            if key in self._known:  # so that a state that comes back is not taken for acknowledged
                self._known.discard(key)
                rows[key] = None
            if row is None:
                del self._awaited[key]
            else:
                self._awaited[key] = row
                self._gateways.add((key, row), epoch, row.group)
        return rows

    def event(self, event: Event) -> None:
        self._gateways.event(event)
        self.objects.event(event)

    def look(self) -> None:
        """Every stream has looked at the last change."""
        self._gateways.look()
        self.objects.look()

    def gateways(self) -> Rows:
        """Rows of ACKED that are new: what each Gateway was when every proxy had acknowledged it."""
        ready = self._refused | dict(one.thing for one in self._gateways.over())
        self._refused = {}
        rows: Rows = {}
        for key, state in ready.items():
            if self._awaited.get(key) != state:
                continue
            if any(one.refuses(LISTENER, state.listeners) for one in self._streams() if one.proxy.group == state.group):
                self._refused[key] = state
            else:
                self._known.add(key)
                rows[key] = state.revision
        return rows

    def took(self, now: float) -> list[Took]:
        """Objects acknowledged since last asked. What was refused on the way was not acknowledged."""
        return [Took(kind, now - since) for one in self.objects.over() if not one.refused for kind, since in one.thing]
