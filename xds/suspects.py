"""Which of the things that were refused together is the cause: halves of them are tried again. No I/O, no clock, no bytes.

With one cause among N it is named after ceil(log2 N) + 1 tries at most, and everything else has been accepted one try
later. A client that names the cause in its own words saves most of them: then the others are tried first, all at once.
Its words are a guess, never a verdict: a cause is named only when it has been refused by itself. After a guess that did
not name all causes no other is made before the next cause is found, so wrong words cost one try for each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

_WORD = re.compile(r"[^\s'\"`,;()\[\]{}<>]+")
Ids = tuple[str, ...]


class Suspects:
    """`next` is what to try now; `called` says how a client would call them, where not by what they are called here.

    They keep their order, but for what a client names: of two that were not tried together the first was tried first.
    """

    __slots__ = ("_aside", "_called", "_guessed", "_guesses", "_guilty_if_accepted", "next")

    def __init__(self, called: Mapping[str, str] | None = None) -> None:
        self.next: Ids = ()
        self._guilty_if_accepted: Ids = ()
        self._aside: Ids = ()  # refused beside others only; tried all at once when a cause is found
        self._called = called
        self._guesses, self._guessed = True, False

    def __bool__(self) -> bool:
        return bool(self.next)

    def __contains__(self, one: str) -> bool:
        return one in self.next or one in self._guilty_if_accepted or one in self._aside

    def refused(self, these: Ids, message: str) -> str | None:
        """These were refused in one response that this did not ask for. The cause, where there is but one of them."""
        if self.next:
            self._aside += tuple(one for one in these if one not in self)
        elif len(these) == 1:
            return these[0]
        elif these:
            self._divide(these, message)
        return None

    def put_aside(self, these: Iterable[str]) -> None:
        """These were refused beside a cause that is known."""
        self._aside += tuple(one for one in these if one not in self)
        self._go_on()

    def accept(self) -> Ids:
        """What was tried has been accepted, and is given back."""
        tried, guilty, self._guessed = self.next, self._guilty_if_accepted, False
        if len(guilty) > 1:
            self._divide(guilty, "")
        else:
            self.next, self._guilty_if_accepted = guilty, ()
            self._go_on()
        return tried

    def refuse(self, message: str) -> str | None:
        """What was tried has been refused: the cause, if it was tried by itself."""
        tried = self.next
        self._aside = self._guilty_if_accepted + self._aside
        self._guesses = self._guesses and not self._guessed
        if len(tried) > 1:
            self._divide(tried, message)
            return None
        self.next, self._guilty_if_accepted, self._guesses, self._guessed = (), (), True, False
        self._go_on()
        return tried[0]

    def keep(self, still: Callable[[str], bool]) -> None:
        """Forget those that are different by now, or no longer wanted."""
        self.next, self._guilty_if_accepted, self._aside = (
            tuple(filter(still, ids)) for ids in (self.next, self._guilty_if_accepted, self._aside)
        )
        if not self.next:
            self._aside, self._guilty_if_accepted = self._aside + self._guilty_if_accepted, ()
            self._go_on()

    def _go_on(self) -> None:
        if not self.next:
            self.next, self._aside = self._aside, ()

    def _divide(self, these: Ids, message: str) -> None:
        named = self._named(these, message) if self._guesses else set()
        self._guessed = 0 < len(named) <= len(these) // 2
        if self._guessed:
            self.next, self._guilty_if_accepted = (
                tuple(one for one in these if one not in named),
                tuple(one for one in these if one in named),
            )
        else:
            half = (len(these) + 1) // 2
            self.next, self._guilty_if_accepted = these[:half], these[half:]

    def _named(self, these: Iterable[str], message: str) -> set[str]:
        """Those whose name is a word of the message."""
        if not message:
            return set()
        words = {word.rstrip(".:") for word in _WORD.findall(message)} - {""}
        called = self._called or {}
        return {one for one in these if called.get(one, one) in words}
