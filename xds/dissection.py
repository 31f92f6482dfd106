"""A resource that is refused by itself, tried with fewer of its parts until those that are the cause stand alone. No I/O.

What is tried is the new state, with what its last accepted state had in the place of parts that are in doubt: so a client
serves at any time what it accepted before, or what it will serve in the end. A part is named only after the rest was accepted
without it; where even that is refused, no part is to blame and the resource is refused as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from protos.v3 import framed
from translator.envoy_v3.anatomy import CHAINS, ENDPOINTS, ROUTES, Anatomy, Form, Part, cut, joined, older
from xds.kinds import ENDPOINT, LISTENER, ROUTE, Kind
from xds.suspects import Suspects

FORMS: Mapping[Kind, Form] = {ROUTE: ROUTES, ENDPOINT: ENDPOINTS, LISTENER: CHAINS}


class Fault(NamedTuple):
    """What was refused: a part of the resource, or all of it where `part` is None. `good` is what was accepted before in its
    place, framed for where it stands if it is a part; empty if there was nothing.
    """

    message: str
    part: Part | None
    good: bytes


class Dissection:
    def __init__(self, form: Form, body: bytes, good: bytes, message: str) -> None:
        """`good` is the last accepted state, empty if there is none. ValueError where the bytes are no message."""
        self._new, self._base, self._whole = cut(form, body), _cut(form, good), good
        self._allowed = self._base.digests() if self._base else set()
        self._parts = {part.digest: part for part in self._new.parts() if part.digest not in self._allowed}
        heads = {group.head for group in self._new.groups()}
        # what a head holds is tried with it or after it, never before, so a client's word for it is not listened to
        self._suspects = Suspects({digest: "" if part in heads else part.name for digest, part in self._parts.items()})
        self._message, self._proven = message, False
        self._held_back: tuple[str, str] | None = None  # refused by itself before anything was accepted, and why
        self.faults: list[Fault] = []
        self._found(self._suspects.refused(tuple(self._parts), message), message)
        self.over = not self._parts
        if self.over:
            self._blame_all(message)

    @property
    def body(self) -> bytes:
        """What to try now."""
        tried = () if self._held_back else self._suspects.next
        return joined(self._new, self._allowed.union(tried), self._base)

    def accept(self) -> None:
        self._proven = True
        if self._held_back:
            cause, self._held_back = self._held_back, None
            self._found(*cause)
        else:
            self._allowed.update(self._suspects.accept())
        self.over = not self._suspects

    def refuse(self, message: str) -> None:
        if self._held_back:
            self._blame_all(self._message)
        else:
            self._found(self._suspects.refuse(message), message)
            self.over = not (self._suspects or self._held_back)

    def _found(self, cause: str | None, message: str) -> None:
        if cause is None:
            return
        if not self._proven:
            self._held_back = (cause, message)
            return
        part = self._parts[cause]
        self.faults.append(Fault(message, part, b"".join(self._older(part))))

    def _older(self, part: Part) -> Iterator[bytes]:
        """Of a head there is no older state to put in its place alone."""
        groups = {group.head.name: group for group in self._base.groups()} if self._base else {}
        for group in self._new.groups():
            if part in group.parts:
                yield from (framed(self._new.form.part, body) for body in older(groups.get(group.head.name), part.name))
                return

    def _blame_all(self, message: str) -> None:
        self.faults, self.over = [Fault(message, None, self._whole)], True


def _cut(form: Form, body: bytes) -> Anatomy | None:
    return cut(form, body) if body else None
