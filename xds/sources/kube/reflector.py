"""One kind followed on an API server: list, watch, and list again. A state machine without I/O and without a clock.

`request` says what to ask for next, or how long to wait; what came of it goes in through `refused`, `feed`, `page`, `ended`,
`silent` and `failed`; `take` gives the changes. The rules:

* A list counts only when it is complete: until then what was known before stays as it is. So does everything while the API
  server is away, and what was told once is never told from an empty store.
* The streaming list is tried first, the paged list where the server has none; some say so in the status, some in an event.
* An expired version (410) may come as a status or as an event after 200. It means one new list, after a moment of jitter.
* A watch is made to end within 30 s and given up after 35, for bookmarks are too rare to be a heartbeat.
* A kind that is not served (404) or forbidden (403) is parked: it is asked for again, and holds up no other kind.

Source: Kubernetes API concepts, and what kube-apiserver 1.36 was seen to do (tests/unit/xds/sources/kube/recordings).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from translator.resources.meta import Object
from xds.sources.kube import wire
from xds.sources.kube.held import Held
from xds.sources.kube.holding import HOLD, Holding
from xds.sources.kube.kinds import Watched
from xds.store import Change

WATCH = (25.0, 30.0)  # seconds after which the server is asked to end a watch
PATIENCE = 5.0  # seconds more that it is given
SILENCE = 15.0  # seconds without a byte, within a list, after which it is given up
PAGE = 500
BACKOFF = (0.25, 4.0)  # seconds after the first failure and at most; halved by chance
LONGEST_WAIT = 60.0  # seconds that a server may ask for with Retry-After
PARKED = 5.0  # seconds between looks at a kind that is not there
RELIST = 1.0  # seconds within which kinds that must be listed anew are spread
QUICK = 1.0  # a watch that ends sooner, with nothing said, is a failure

Parked = Literal["", "missing", "forbidden"]


@dataclass(frozen=True, slots=True)
class Request:
    """A GET. `streams`: its body is lines, to be fed as they come."""

    path: str
    query: dict[str, str]
    streams: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to ask before this time; None: not until something is wanted."""

    until: float | None


@dataclass
class Trouble:
    """What keeps this kind from being followed, and since when."""

    parked: Parked = ""
    reason: str = ""
    since: float | None = None
    failures: int = 0


@dataclass
class _List:
    """A list that is not complete yet."""

    streamed: bool
    objects: dict[str, Object] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    next: str = ""  # the token of the next page


class Reflector:
    def __init__(self, kind: Watched, chance: Callable[[], float], *, hold: float = HOLD) -> None:
        self.kind, self._chance = kind, chance
        self.held = Held(kind.name, Holding(hold))
        self.wanted: set[str] | None = set() if kind.on_demand else None
        self.trouble = Trouble()
        self.unreadable: dict[str, str] = {}  # objects that could not be decoded, and why; their last good state stays
        self.alive: float | None = None  # when the server was last heard of
        self.followed: float | None = None  # since when a watch is open that tells what changes; None while there is none
        self.listed = False  # once a whole list was there
        self._streams = True  # the server has the streaming list, as far as we know
        self._paged = True  # it can serve a list in pages; not so while versions expire between two of them
        self._version = ""  # resourceVersion from which to watch; empty: list first
        self._served = 0  # place of the API version among those of the kind
        self._list: _List | None = None
        self._lines = wire.Lines()
        self._open = False  # a watch is being read
        self._since = self._ends = 0.0  # of the watch
        self._not_before = 0.0
        self._doubted: dict[str, None] = {}  # deleted, and not known yet whether their kind goes with them
        self._lacking: dict[str, None] = {}  # wanted since the list was made

    # What to do --------------------------------------------------------------------------------------------------------

    @property
    def synced(self) -> bool:
        """Nothing of this kind is missing: all of it is there, or the server has no such kind, or nobody wants any of it."""
        return self.listed or self.trouble.parked == "missing" or (self.wanted is not None and not self.wanted)

    @property
    def reading(self) -> bool:
        """The body of the last request is still of interest."""
        return self._open

    def path(self, key: str = "") -> str:
        return self.kind.path(self.kind.versions[self._served], key)

    def request(self, now: float) -> Request | Wait:
        if self.wanted is not None and not self.wanted:
            self._version, self.listed = "", False
            return Wait(None)
        if now < self._not_before:
            return Wait(self._not_before)
        query = self.kind.filters
        self._lines, self._open, self._since = wire.Lines(), True, now
        if self._version or self._streams:
            return Request(self.path(), query | self._watch(now), streams=True)
        self._list = self._list or _List(streamed=False)
        page = {"limit": str(PAGE)} if self._paged else {}
        return Request(self.path(), query | page | ({"continue": self._list.next} if self._list.next else {}))

    def _watch(self, now: float) -> dict[str, str]:
        limit = WATCH[0] + self._chance() * (WATCH[1] - WATCH[0])
        self._ends = now + limit + PATIENCE
        if self._version:
            query = {"resourceVersion": self._version, "timeoutSeconds": str(int(limit))}
        else:
            self._list = _List(streamed=True)
            query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        return {"watch": "true", "allowWatchBookmarks": "true", **query}

    def patience(self, now: float) -> float:
        """Seconds that the next bytes of the body may take."""
        return SILENCE if self._list else max(0.0, self._ends - now)

    # What came ---------------------------------------------------------------------------------------------------------

    def accepted(self, now: float) -> None:
        """The server answered 200. To a watch that is all it says while nothing happens; of a list, more is to come."""
        self.alive = now
        if self._list is None:
            self.trouble, self.followed = Trouble(failures=self.trouble.failures), now

    def refused(self, code: int, body: bytes, retry_after: float, now: float) -> None:
        """An answer that is no 200, with its body and the seconds of its Retry-After."""
        self.alive = now
        status = wire.status(body)
        details = status.details.retry_after_seconds if status.details else 0
        self._wrong(code, status.message or f"HTTP {code}", max(retry_after, details), now)

    def _wrong(self, code: int, message: str, retry_after: float, now: float) -> None:
        """An error of the server, wherever it stood: in the status, or in an event."""
        streaming = bool(self._list and self._list.streamed)
        self._stop()
        match code:
            case 404:
                self._missing(message, now)
            case 403:
                self._park("forbidden", message, now)
            case 410:
                self._expired(now)
            case 400 | 422 | 500 | 501 if streaming:
                self._streams = False  # without etcd's progress notifications: 500 in an event; of old: 400, 422
            case 401:  # the next request goes out with credentials read anew
                self._fail(message, now, at_once=self.trouble.failures == 0)
            case _:
                self._fail(message, now, retry_after)

    def feed(self, chunk: bytes, now: float) -> None:
        """The next bytes of a body that streams."""
        self.alive = now
        try:
            for line in self._lines.feed(chunk):
                if self._open:
                    self._line(line, now)
        except (*wire.Unreadable, ValueError) as error:
            self.failed(f"the answer cannot be read: {error}", now)

    def page(self, body: bytes, now: float) -> None:
        """The whole body of a page."""
        self.alive, self._open = now, False
        if self._list is None:
            return
        try:
            page = wire.PAGE.decode(body)
            for raw in page.items or ():
                self._listed(raw, self._list)
        except wire.Unreadable as error:
            self.failed(f"the answer cannot be read: {error}", now)
            return
        self._list.next = page.metadata.continue_
        if not self._list.next:
            self._complete(page.metadata.resource_version, now)

    def ended(self, now: float) -> None:
        """The server ended the body."""
        if not self._open:
            return
        if self._list:
            self.failed("the list ended before it was complete", now)
        elif now - self._since < QUICK:
            self.failed("the watch ended at once", now)
        else:
            self._stop()
            self._fine()

    def silent(self, now: float) -> None:
        """Nothing came for `patience`. Of a watch that is its end; a list is given up."""
        if self._list:
            self.failed("nothing more came of the list", now)
        else:
            self._stop()
            self._fine()

    def failed(self, reason: str, now: float) -> None:
        """The server cannot be reached, or is not to be understood."""
        self._stop()
        self._fail(reason, now)

    def _stop(self) -> None:
        self._list, self._open, self.followed = None, False, None

    def _fail(self, reason: str, now: float, retry_after: float = 0.0, *, at_once: bool = False) -> None:
        trouble = self.trouble
        least, most = BACKOFF
        wait = 0.0 if at_once else min(most, least * 2 ** min(trouble.failures, 8)) * (0.5 + self._chance() / 2)
        wait = max(wait, min(retry_after, LONGEST_WAIT) * (1 + self._chance() / 10))
        trouble.failures += 1
        trouble.reason = reason
        if trouble.since is None:
            trouble.since = now
        self._not_before = now + wait

    def _fine(self) -> None:
        self.trouble = Trouble()

    def _expired(self, now: float) -> None:
        """One new list. Where even the list expired, between two of its pages, it is asked for in one."""
        if not self._version:
            self._paged = False
        self._version = ""
        self._not_before = now + self._chance() * RELIST

    def _missing(self, message: str, now: float) -> None:
        self._version, self.listed = "", False
        self._served = (self._served + 1) % len(self.kind.versions)
        if self._served:  # another version may be served
            return
        self.held.vanish(list(self.held.objects), now)
        self._doubted.clear()
        self._park("missing", message, now)

    def _park(self, why: Parked, message: str, now: float) -> None:
        since = self.trouble.since if self.trouble.parked == why else now
        self.trouble = Trouble(why, message, since)
        self._not_before = now + PARKED * (0.5 + self._chance() / 2)

    # Objects -----------------------------------------------------------------------------------------------------------

    def _line(self, line: bytes, now: float) -> None:
        event = wire.EVENT.decode(line)
        match event.type:
            case "ADDED" | "MODIFIED" if self._list:
                self._listed(event.object, self._list)
            case "ADDED" | "MODIFIED":
                head = wire.HEAD.decode(event.object)
                self._changed(head.key, event.object)
                self._seen(head.metadata.resource_version)
            case "DELETED":
                self._deleted(wire.HEAD.decode(event.object))
            case "BOOKMARK":
                self._bookmark(wire.MARK.decode(event.object), now)
            case "ERROR":
                status = wire.STATUS.decode(event.object)
                details = status.details.retry_after_seconds if status.details else 0
                self._wrong(status.code, status.message, details, now)
            case _:  # of a newer server; what it means for us is told by other events
                pass

    def _seen(self, version: str) -> None:
        self._version = version
        self._fine()

    def _bookmark(self, mark: wire.Mark, now: float) -> None:
        if self._list is None:
            self._seen(mark.metadata.resource_version)
        elif mark.ends_list:
            self._complete(mark.metadata.resource_version, now)

    def _complete(self, version: str, now: float) -> None:
        listed = self._list or _List(streamed=True)
        self.unreadable = listed.unreadable
        kept = {key: self.held.objects[key] for key in listed.unreadable if key in self.held.objects}
        self.held.replace(kept | listed.objects, now)
        self._list, self.listed, self._paged, self.followed = None, True, True, now if self._open else None
        self._doubted.clear()
        self._lacking = {key: None for key in self._lacking if key not in listed.objects}
        self._seen(version)

    def _listed(self, raw: msgspec.Raw, into: _List) -> None:
        self._take_in(wire.HEAD.decode(raw).key, raw, into.objects.__setitem__, into.unreadable)

    def _changed(self, key: str, raw: msgspec.Raw | bytes) -> None:
        self._doubted.pop(key, None)
        self._take_in(key, raw, self.held.put, self.unreadable)

    def _take_in(self, key: str, raw: msgspec.Raw | bytes, put: Callable[[str, Object], None], unreadable: dict[str, str]) -> None:
        """Pass over what nobody wants. What does not fit leaves its last good state as it is, and is said to be unreadable."""
        if self.wanted is not None and key not in self.wanted:
            return
        try:
            put(key, self.kind.decode(raw))
        except (*wire.Unreadable, ValueError, KeyError) as error:  # and no message shows what a Secret holds
            unreadable[key] = type(error).__name__ if self.kind.on_demand else str(error)
        else:
            unreadable.pop(key, None)

    def _deleted(self, head: wire.Head) -> None:
        key = head.key
        self.unreadable.pop(key, None)
        self._lacking.pop(key, None)
        if self._list:
            self._list.objects.pop(key, None)
            return
        if key in self.held.objects and self.kind.crd:
            self._doubted[key] = None
        else:
            self.held.drop(key)
        self._seen(head.metadata.resource_version)

    # On demand ---------------------------------------------------------------------------------------------------------

    def want(self, keys: Iterable[str]) -> None:
        """Something refers to these now: what the list passed over is asked for one by one."""
        for key in keys:
            if self.wanted is not None and key not in self.wanted:
                self.wanted.add(key)
                self._lacking[key] = None

    def release(self, keys: Iterable[str]) -> None:
        """Nothing refers to these any more: they are not kept."""
        for key in keys:
            if self.wanted is not None:
                self.wanted.discard(key)
                self._lacking.pop(key, None)
                self.unreadable.pop(key, None)
                self.held.drop(key)

    def lacking(self) -> list[str]:
        """Objects to get one by one; `single` takes each answer. Each is given once."""
        keys, self._lacking = list(self._lacking) if self.listed else [], {} if self.listed else self._lacking
        return keys

    def single(self, key: str, code: int, body: bytes) -> None:
        """What a GET of one object gave. The watch tells what becomes of it; so an older answer than an event is soon mended."""
        if code == 200:
            self._changed(key, body)
        elif code == 404:
            self.held.drop(key)
        elif self.wanted is not None and key in self.wanted:
            self._lacking[key] = None

    # Doubt -------------------------------------------------------------------------------------------------------------

    def doubted(self) -> list[str]:
        """Objects that were deleted one by one. Whether each was meant, or their whole kind is about to go, is for the definition
        to say: ask for it, and tell `believe`. An API server deletes the objects of a kind before the kind itself.
        """
        return list(self._doubted)

    def believe(self, keys: Iterable[str], now: float, *, going: bool) -> None:
        """These are gone; `going`: because their definition is, or is about to be."""
        gone = [key for key in keys if key in self._doubted]
        for key in gone:
            del self._doubted[key]
        if going:
            self.held.vanish(gone, now)
        else:
            for key in gone:
                self.held.drop(key)

    @property
    def inquiring(self) -> bool:
        """There is something to be asked beside the list and the watch."""
        return bool(self._doubted or (self.listed and self._lacking))

    # Results -----------------------------------------------------------------------------------------------------------

    def take(self, now: float) -> list[Change]:
        """The changes since last asked; none before a first list is complete."""
        return self.held.take(now)
