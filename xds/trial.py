"""What one client refused of one type: which of it is the cause, found by sending parts of it again. No I/O, no clock.

First by resource: everything else goes through. Then each that is refused by itself is taken apart (dissection.py), where
its type has parts. Knows the resources of its table; knows nothing of subscriptions, gates or other types.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from protos.v3 import unframed
from translator.envoy_v3.secret import respelled
from xds.dissection import FORMS, Dissection, Fault
from xds.kinds import SECRET, VIRTUAL_HOST
from xds.names import canonical
from xds.resource import Resource
from xds.snapshot import Resources
from xds.suspects import Suspects

NAME = 1  # the field of it, in every type


class Verdict(NamedTuple):
    """One fault of one resource, at the version that was refused."""

    name: str
    version: str
    fault: Fault


class Attempt(NamedTuple):
    """To be sent again: resources as they are, or other states of them, for this client alone."""

    names: tuple[str, ...]
    instead: tuple[Resource, ...] = ()


class Trial:
    """`gone` are removals that were refused beside, to be told again with what is tried."""

    def __init__(self, table: Resources) -> None:
        self.gone: tuple[str, ...] = ()
        self.alone = False  # whether what was answered last had no other to blame
        self._table = table
        self._versions: dict[str, str] = {}  # of the suspects
        self._suspects = Suspects()
        self._apart: deque[tuple[Resource, Dissection]] = deque()  # refused by themselves; the first is the one that is tried
        self._verdicts: list[Verdict] = []
        self._tries = 0

    def __bool__(self) -> bool:
        return bool(self._suspects or self._apart)

    def __contains__(self, name: str) -> bool:
        return name in self._versions

    def verdicts(self) -> list[Verdict]:
        """Those found since last asked."""
        found, self._verdicts = self._verdicts, []
        return found

    def refused(self, names: Iterable[str], gone: tuple[str, ...], message: str) -> None:
        """A response was refused that carried these, as they are in the table."""
        suspects = tuple(name for name in names if name in self._table.live)
        self._versions.update((name, self._table.live[name].version) for name in suspects)
        self.gone = tuple(dict.fromkeys((*self.gone, *gone)))
        self.alone = len(suspects) < 2
        odd = [one for one in (self._table.live[name] for name in suspects) if self._bears_another_name(one)]
        for one in odd:
            self._judge(one, [Fault(message, None, self._before(one.name))])
        if odd:
            self._suspects.put_aside(name for name in suspects if name in self._versions)
        else:
            self._found(self._suspects.refused(suspects, message), message)

    def next(self, wanted: Callable[[str], bool]) -> Attempt | None:
        """What to send now; nothing if all of it is over, or has changed since."""

        def still(name: str) -> bool:
            one = self._table.live.get(name)
            return one is not None and one.version == self._versions.get(name) and wanted(name)

        self._suspects.keep(still)
        if self._suspects:
            return self._again(self._suspects.next)
        while self._apart:
            one, parts = self._apart[0]
            if still(one.name):
                return Attempt((one.name,), (self._table.variation(one, parts.body),))
            self._apart.popleft()
        self._versions.clear()
        self._tries = 0
        return None

    def _again(self, these: tuple[str, ...]) -> Attempt:
        """A secret is sent in other bytes than before, or Envoy says yes without looking (`respelled`)."""
        if self._table.kind is not SECRET:
            return Attempt(these)
        self._tries += 1
        live = (self._table.live[name] for name in these)
        return Attempt(these, tuple(self._table.variation(one, respelled(one.body, self._tries)) for one in live))

    def accept(self) -> None:
        """What `next` gave was accepted."""
        self.gone, self.alone = (), False
        if self._suspects:
            for name in self._suspects.accept():
                self._versions.pop(name, None)
        else:
            one, parts = self._apart[0]
            parts.accept()
            self._look(one, parts)

    def refuse(self, message: str) -> None:
        """It was refused."""
        if self._suspects:
            self.alone = len(self._suspects.next) < 2
            self._found(self._suspects.refuse(message), message)
        else:
            one, parts = self._apart[0]
            self.alone = False
            parts.refuse(message)
            self._look(one, parts)

    def _found(self, name: str | None, message: str) -> None:
        """Refused by itself: where its type has parts it is taken apart, when all the others have gone through."""
        one = self._table.live.get(name) if name else None
        if one is None or one.version != self._versions[one.name]:
            return
        parts, before = None, self._before(one.name)
        if form := FORMS.get(self._table.kind):
            with suppress(ValueError):  # no message: then it has no parts
                parts = Dissection(form, one.body, before, message)
        if parts is None or parts.over:
            self._judge(one, parts.faults if parts else [Fault(message, None, before)])
        else:
            self._apart.append((one, parts))

    def _look(self, one: Resource, parts: Dissection) -> None:
        """Take the faults of what is apart, once all of them are known."""
        if parts.over:
            self._apart.popleft()
            self._judge(one, parts.faults)

    def _before(self, name: str) -> bytes:
        good = self._table.good.get(name)
        return good.body if good else b""

    def _bears_another_name(self, one: Resource) -> bool:
        """Envoy goes by the name that stands inside, so the other is refused as well, and sent again each is accepted by itself."""
        if self._table.kind is VIRTUAL_HOST:  # asked for by its table and a domain
            return False
        with suppress(ValueError):
            inside = [said for number, _, said in unframed(one.body) if number == NAME]
            return bool(inside) and canonical(inside[-1].decode("utf-8", "replace")) != one.name
        return False

    def _judge(self, one: Resource, faults: Iterable[Fault]) -> None:
        self._versions.pop(one.name, None)
        self._verdicts += (Verdict(one.name, one.version, fault) for fault in faults)
