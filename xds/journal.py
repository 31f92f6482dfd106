"""One line for each change: what changed, how much was sent, how long until every proxy had acknowledged. No I/O, no clock.

A change is complete when all that was sent since is acknowledged and the changed resources that proxies hold went with
it, or when LINGER seconds pass without anything further: a proxy does not ask for every resource there is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from xds.events import Acked, Disconnected, Event, Nacked, Sent
from xds.store import Change

LINGER = 0.25
_SHOWN = 3


@dataclass
class _Open:
    changes: tuple[Change, ...]
    since: float
    moved: float
    expected: set[tuple[str, str]] = field(default_factory=set)  # (type URL, name) that changed and were not yet sent
    waiting: set[tuple[int, str]] = field(default_factory=set)  # (stream, nonce) sent and not acknowledged
    sent: Counter[str] = field(default_factory=Counter)  # resources by type
    bytes: int = 0
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """A change that is complete. `seconds` from when its file was read to the last ACK; None where nothing was sent."""

    changes: tuple[Change, ...]
    sent: dict[str, int]
    bytes: int
    seconds: float | None
    refused: tuple[str, ...]

    def __str__(self) -> str:
        what = ", ".join(_said(change) for change in self.changes[:_SHOWN])
        more = f", and {len(self.changes) - _SHOWN} more objects" if len(self.changes) > _SHOWN else ""
        if self.refused:
            return f"✗ {what}{more}   REFUSED by Envoy: {'; '.join(self.refused)}"
        if self.seconds is None:
            return f"~ {what}{more}   nothing to send"
        resources = ", ".join(f"{count} {name if count == 1 else name + 's'}" for name, count in self.sent.items())
        return f"~ {what}{more}   {resources}, {self.bytes:,} B, ACK {self.seconds * 1000:.0f} ms"


class Journal:
    def __init__(self) -> None:
        self._open: list[_Open] = []
        self.proxies = 0

    def changed(self, changes: list[Change], now: float) -> None:
        if changes:
            self._open.append(_Open(tuple(changes), now, now))

    def resources(self, names: list[tuple[str, str]], now: float) -> None:
        """These resources are new or different, by type URL and name."""
        for one in self._open[-1:]:
            one.expected.update(names)
            one.moved = now

    def event(self, event: Event, now: float) -> None:
        """What a stream told."""
        match event:
            case Sent():
                for one in self._open[-1:]:
                    one.waiting.add((event.proxy.stream, event.nonce))
                    one.bytes += event.bytes
                    one.sent[_type(event.type_url)] += len(event.names) + len(event.gone)
                    if one.expected:
                        one.expected.difference_update((event.type_url, name) for name in (*event.names, *event.gone))
                    one.moved = now
            case Acked() | Nacked():
                awaited = (event.proxy.stream, event.nonce)
                for one in self._open:
                    if awaited in one.waiting:
                        one.waiting.discard(awaited)
                        one.moved = now
                        if isinstance(event, Nacked):
                            one.refused.append(event.message)
            case Disconnected():
                for one in self._open:
                    one.waiting = {held for held in one.waiting if held[0] != event.proxy.stream}
            case _:
                pass

    def due(self) -> float | None:
        return min((one.moved + LINGER for one in self._open if not one.waiting), default=None)

    def complete(self, now: float) -> list[Line]:
        """The changes that are complete by now, oldest first."""
        done = [one for one in self._open if not one.waiting and ((one.sent and not one.expected) or now >= one.moved + LINGER)]
        self._open = [one for one in self._open if one not in done]
        return [_line(one) for one in done]


def _line(one: _Open) -> Line:
    return Line(one.changes, dict(one.sent), one.bytes, one.moved - one.since if one.sent else None, tuple(dict.fromkeys(one.refused)))


def _said(change: Change) -> str:
    return f"{change.kind} {change.key}" + (f"  {change.what}" if change.what else "")


_NAMES = {
    "Cluster": "cluster", "ClusterLoadAssignment": "endpoint set", "Listener": "listener", "RouteConfiguration": "route config",
    "ScopedRouteConfiguration": "scope", "Secret": "secret",
}  # fmt: skip


def _type(url: str) -> str:
    name = url.rpartition(".")[2]
    return _NAMES.get(name, name)
