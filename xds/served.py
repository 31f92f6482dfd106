"""Which routes are served as they are now: by at least one connected proxy, and by every one that is connected.

A route at a parent waits for the proxies of that parent's group until each has answered for all clusters, listeners, scopes and
route tables up to the epoch in which the route came to be what it is. It is told once, and not taken back by a proxy that comes
later. What waits is bound by how many routes there are, and costs nothing once it is over. No I/O, no clock, no words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import takewhile
from typing import Any

from translator.engine import Name
from translator.ir.output import Status
from translator.ir.tables import OUT_STATUS
from xds.events import Event
from xds.kinds import CLUSTER, LISTENER, ROUTE, SCOPE
from xds.settling import Settling
from xds.stream import Stream

Key = tuple[str, str]  # kind and key of a route


class Served:
    def __init__(self, streams: Callable[[], Iterable[Stream]]) -> None:
        self._streams = streams
        self._settling: Settling[None] = Settling(streams, CLUSTER, LISTENER, SCOPE, ROUTE, somebody=True)
        self._waiting: dict[str, dict[Key, int]] = {}  # group → routes, and the epoch that each waits for; oldest first

    def waits(self, route: Key, group: str) -> bool:
        return route in self._waiting.get(group, ())

    def soon(self, route: Key) -> bool:
        """Whether there is a proxy that is about to answer for it."""
        groups = {group for group, waiting in self._waiting.items() if route in waiting}
        return bool(groups) and any(one.proxy.group in groups for one in self._streams())

    def settled(self, settled: Mapping[Name, Any], epoch: int) -> None:
        """What the engine settled, in the snapshots at this epoch: routes of which something else is said wait anew."""
        groups: dict[str, None] = {}
        for (table, key), status in settled.items():
            if table is OUT_STATUS:
                groups |= self._moved(key, status, epoch)
        for group in groups:
            self._settling.add(None, epoch, group)

    def _moved(self, key: Key, status: Status | None, epoch: int) -> dict[str, None]:
        for waiting in self._waiting.values():
            waiting.pop(key, None)
        groups = {parent.group: None for parent in status.parents if parent.group} if status else {}
        for group in groups:
            self._waiting.setdefault(group, {})[key] = epoch
        return groups

    def event(self, event: Event) -> None:
        self._settling.event(event)

    def look(self) -> None:
        """Every stream has looked at the last change."""
        self._settling.look()

    def over(self) -> list[Key]:
        """Routes that wait no more for some group, since last asked. Whoever is through an epoch is through those before it."""
        found: dict[Key, None] = {}
        for wait in self._settling.over():
            waiting = self._waiting.get(wait.group, {})
            for key, _ in list(takewhile(lambda one, upto=wait.epoch: one[1] <= upto, waiting.items())):  # type: ignore[misc]
                del waiting[key]
                found[key] = None
            if not waiting:
                self._waiting.pop(wait.group, None)
        return list(found)
