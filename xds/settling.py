"""Who has not answered yet: a thing waits until every stream of a group is through the epoch that it came with. No I/O, no clock.

A stream is looked at when it told something, and when all have looked at a change (`look`), for some are sent nothing of it
and have nothing to tell. Knows streams only by their number, group, and what they are through.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from xds.events import Connected, Disconnected, Event, Nacked, Sent
from xds.kinds import Kind
from xds.stream import NOBODY, Stream

T = TypeVar("T")
MOST = 10_000  # things that wait; with more of them the oldest are given up


@dataclass(eq=False, slots=True)
class Wait(Generic[T]):
    """`left` counts the streams that are not through; `refused` says that one of them refused something meanwhile, and `answered`
    that one is through.
    """

    thing: T
    epoch: int
    group: str
    left: int = 0
    refused: bool = False
    answered: bool = False


class Settling(Generic[T]):
    def __init__(self, streams: Callable[[], Iterable[Stream]], *kinds: Kind, somebody: bool = False) -> None:
        """Only answers for these types count; without any, for all. `somebody`: where no stream is, one is waited for."""
        self._list, self._kinds, self._somebody = streams, frozenset(kinds), somebody
        self._streams: dict[int, Stream] = {}
        self._behind: dict[int, deque[Wait[T]]] = {}  # stream → what waits for it, oldest first
        self._open: dict[Wait[T], None] = {}
        self._over: list[Wait[T]] = []
        self.given_up = 0

    def __len__(self) -> int:
        return len(self._open)

    def add(self, thing: T, epoch: int, group: str = "") -> None:
        """It waits for the streams of this group that are connected, or for all. Give things in the order of their epochs."""
        self._streams = {one.proxy.stream: one for one in self._list() if one.proxy is not NOBODY}
        wait = Wait(thing, epoch, group)
        self._open[wait] = None
        for number, stream in self._streams.items():
            if group in ("", stream.proxy.group):
                self._behind.setdefault(number, deque()).append(wait)
                wait.left += 1
        if not (wait.left or self._somebody):
            self._end(wait)
        if len(self._open) > MOST:
            del self._open[next(iter(self._open))]
            self.given_up += 1

    def event(self, event: Event) -> None:
        """What a stream told: who comes while something waits is waited for as well, who goes no more."""
        number = event.proxy.stream
        match event:
            case Connected():
                waits = [one for one in self._open if one.group in ("", event.proxy.group)]
                if waits:
                    self._behind[number] = deque(waits)
                for wait in waits:
                    wait.left += 1
            case Disconnected():
                self._streams.pop(number, None)
                for wait in self._behind.pop(number, ()):
                    self._leave(wait)
            case Sent():
                pass  # what is on its way ends no wait: its answer does, or `look`
            case _ if number in self._behind:
                for wait in self._behind[number] if isinstance(event, Nacked) else ():
                    wait.refused = True
                self._check(number)

    def look(self) -> None:
        """Every stream has looked at the last change."""
        for number in list(self._behind):
            self._check(number)

    def over(self) -> list[Wait[T]]:
        """Those that every stream is through since last asked."""
        found, self._over = self._over, []
        return found

    def _check(self, number: int) -> None:
        stream, waits = self._stream(number), self._behind[number]
        while waits and (waits[0] not in self._open or (stream and stream.through(waits[0].epoch, self._kinds))):
            waits[0].answered = True
            self._leave(waits.popleft())
        if not waits:
            del self._behind[number]

    def _stream(self, number: int) -> Stream | None:
        if number not in self._streams:
            self._streams = {one.proxy.stream: one for one in self._list() if one.proxy is not NOBODY}
        return self._streams.get(number)

    def _leave(self, wait: Wait[T]) -> None:
        wait.left -= 1
        if not wait.left and (wait.answered or not self._somebody) and wait in self._open:
            self._end(wait)

    def _end(self, wait: Wait[T]) -> None:
        del self._open[wait]
        self._over.append(wait)
