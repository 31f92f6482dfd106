"""What a client wants of one type: wildcard and names, and what it must be answered for having asked.

Knows the rules of the xDS protocol page ("How the client specifies what resources to return"); knows nothing of resources,
streams or versions. Sets of names are shared: a thousand Envoys that want the same 10,000 names hold one set.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple
from weakref import WeakKeyDictionary, ref

from msgspec import Struct

WILDCARD = "*"


class Names(frozenset[str]):
    """A set of names, one object for equal content. Remembers its last change, which the next stream will make as well."""

    __slots__ = ("_next", "_ordered")
    _next: tuple[tuple[frozenset[str], frozenset[str]], ref[Names]]
    _ordered: tuple[str, ...]

    def changed(self, added: frozenset[str], removed: frozenset[str]) -> Names:
        """These without `removed`, and with `added`."""
        key = (added, removed)
        last: tuple[tuple[frozenset[str], frozenset[str]], ref[Names]] | None = getattr(self, "_next", None)
        known = last[1]() if last and last[0] == key else None
        if known is None:
            known = shared((self - removed if removed else self) | added)  # each is a copy of all
            self._next = (key, ref(known))
        return known

    @property
    def ordered(self) -> tuple[str, ...]:
        found: tuple[str, ...] | None = getattr(self, "_ordered", None)
        if found is None:
            found = self._ordered = tuple(sorted(self))
        return found


_known: WeakKeyDictionary[Names, ref[Names]] = WeakKeyDictionary()


def shared(names: Iterable[str]) -> Names:
    wanted = Names(names)
    found = _known.get(wanted)
    known = found() if found else None
    if known is None:
        _known[wanted] = ref(wanted)
    return wanted if known is None else known


NOTHING = shared(())


class Subscription(Struct, frozen=True):
    """`legacy`: the wildcard is for want of names, and the first name ends it (SotW only)."""

    wildcard: bool = False
    names: Names = NOTHING
    legacy: bool = False

    def covers(self, name: str, also: Collection[str] = ()) -> bool:
        """`also` are other names of the same thing."""
        return self.wildcard or name in self.names or not self.names.isdisjoint(also)


class Asked(NamedTuple):
    """A subscription, and what the request that led to it must be answered with, held or not: everything, or names."""

    now: Subscription
    everything: bool
    names: Names


def delta(before: Subscription | None, subscribe: Collection[str], unsubscribe: Collection[str], *, legacy_wildcard: bool) -> Asked:
    """One DeltaDiscoveryRequest. `before` is None at the first request for the type on a stream.

    A name that is subscribed is answered even if it was subscribed already: the client may have dropped it (xDS protocol,
    "a resource must be sent again when re-subscribed"). A name given back that the wildcard still covers is answered too.
    """
    if before is None:
        before = Subscription(wildcard=legacy_wildcard and not subscribe)
        everything = before.wildcard
    else:
        everything = False
    if not subscribe and not unsubscribe:
        return Asked(before, everything, NOTHING)
    wanted, unwanted = frozenset(subscribe), frozenset(unsubscribe)
    everything = everything or WILDCARD in wanted
    wildcard = WILDCARD in wanted or (before.wildcard and WILDCARD not in unwanted)
    added, removed = wanted - {WILDCARD}, unwanted - {WILDCARD}
    names = before.names.changed(added, removed)
    kept = (before.names & removed) - added if wildcard else frozenset()
    return Asked(Subscription(wildcard, names), everything, shared(added | kept))


def sotw(before: Subscription | None, wanted: Collection[str], *, legacy_wildcard: bool) -> Asked:
    """One DiscoveryRequest, which names all that is wanted. `before` is None at the first request for the type on a stream.

    What is wanted anew is answered, and nothing else: a name that is given back is not, for the client just forgets it.
    """
    had = before or Subscription(legacy=legacy_wildcard)
    legacy = had.legacy and not wanted
    if before and legacy:
        return Asked(before, everything=False, names=NOTHING)
    names = frozenset(wanted) - {WILDCARD}
    wildcard = legacy or WILDCARD in wanted
    added = names - had.names
    now = Subscription(wildcard, had.names.changed(added, had.names - names), legacy)
    return Asked(now, wildcard and not had.wildcard, shared(added))
