"""What proxies refused, kept as rows of the Quarantine table: what is told by streams goes in, rows that changed come out.

A refusal counts for all proxies, so that none that starts is sent it; unless another proxy accepts those very bytes, the
one that refuses accepts nothing, or the reason is on its machine. A row goes when nothing of it is in what would be sent: the
object has changed; one of a machine's reasons goes with the stream that told it.
Knows snapshots, to see what others accepted; knows no engine and no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from google.protobuf.message import DecodeError
from msgspec import structs

from protos.v3 import Route, unframed
from translator.engine import Name
from translator.envoy_v3.anatomy import cut
from translator.ir import names
from translator.ir.cluster import Use
from translator.ir.quarantine import ROUTE as ROUTES_OF
from translator.ir.quarantine import Poison, Quarantined
from translator.ir.tables import OUT_HELD
from xds import kinds
from xds.dissection import FORMS
from xds.events import Acked, Disconnected, Event, Refused
from xds.kinds import BY_URL, Kind
from xds.snapshot import Snapshots

UNBOUND = "cannot bind '"  # Envoy 1.40 of an address that is taken, not allowed or not there; what follows is the system's word
MOST_KEYS, MOST_EACH = 1000, 16  # refusals remembered: of so many things, so many states each

Key = tuple[str, str]
Rows = dict[Key, Quarantined | None]


class Feedback:
    def __init__(self, snapshots: Snapshots, uses: Callable[[set[str]], tuple[Use, ...] | None]) -> None:
        """`uses` gives the upstreams that have these clusters, None if one of them has gone."""
        self.rows: dict[Key, Quarantined] = {}
        self._snapshots, self._uses = snapshots, uses
        self._from: dict[tuple[str, str], dict[Key, None]] = {}  # type URL and resource name → rows that it led to
        self._here: dict[int, set[tuple[Key, str]]] = {}  # stream → rows and digests that it refused for its machine's reasons

    def event(self, event: Event) -> Rows:
        """What a stream told. Rows that are different now, None where one is gone."""
        match event:
            case Refused():
                return self._refused(event)
            case Acked() if self._from:
                return self._accepted(event)
            case Disconnected() if event.proxy.stream in self._here:
                return self._left(self._here.pop(event.proxy.stream))
            case _:
                return {}

    def settled(self, settled: Mapping[Name, Any]) -> Rows:
        """What the engine settled: a refused state that was in the way, and is no more, is forgotten."""
        changed: Rows = {}
        for (table, at), row in settled.items() if self.rows else ():
            if table is not OUT_HELD or row is not None:
                continue
            what, name, digest = at
            if known := self.rows.get((what, name)):
                changed |= self._put((what, name), tuple(one for one in known.poisons if one.digest != digest))
        return changed

    def _refused(self, event: Refused) -> Rows:
        kind = BY_URL[event.type_url]
        key, digest = _key(kind, event), event.digest or event.version
        here = kind is kinds.LISTENER and UNBOUND in event.message
        doubted = here or event.doubted or digest in self._accepted_by_any(kind, event.proxy.view, event.name, event.part)
        uses = self._uses(_clusters(event.good)) if key[0] == ROUTES_OF else ()
        good = event.good if uses is not None else b""
        poison = Poison(digest=digest, message=event.message, part=event.part, good=good, uses=uses or (), doubted=doubted, here=here)
        if here:
            self._here.setdefault(event.proxy.stream, set()).add((key, digest))
        known = self.rows.get(key, Quarantined(())).poisons
        self._from.setdefault((event.type_url, event.name), {})[key] = None
        return self._put(key, (*(one for one in known if one.digest != digest), poison))

    def _left(self, told: set[tuple[Key, str]]) -> Rows:
        """Nobody is connected any more who cannot listen there, as far as these say: who comes is sent it, and tells anew."""
        still = set().union(*self._here.values())
        changed: Rows = {}
        for key, digest in sorted(told - still):
            if row := self.rows.get(key):
                changed |= self._put(key, tuple(one for one in row.poisons if one.digest != digest))
        return changed

    def _accepted(self, event: Acked) -> Rows:
        """A proxy accepts what was refused by another: which of the two is at fault is not for us to say."""
        changed: Rows = {}
        kind = BY_URL[event.type_url]
        for name in event.names:
            for key in self._from.get((event.type_url, name), ()):
                row = self.rows.get(key)
                for one in (one for one in (row.poisons if row else ()) if not one.doubted):
                    if one.digest in self._accepted_by_any(kind, event.proxy.view, name, one.part):
                        now = self.rows[key].poisons
                        changed |= self._put(key, tuple(structs.replace(each, doubted=True) if each is one else each for each in now))
        return changed

    def _accepted_by_any(self, kind: Kind, view: str, name: str, part: str) -> Iterable[str]:
        good = self._snapshots.of(view, kind).good.get(name)
        if good is None:
            return ()
        if not part:
            return (good.version,)
        with suppress(ValueError):
            return cut(FORMS[kind], good.body).digests()
        return ()

    def _put(self, key: Key, poisons: tuple[Poison, ...]) -> Rows:
        self.rows.pop(key, None)
        changed: Rows = {key: Quarantined(poisons[-MOST_EACH:]) if poisons else None}
        if row := changed[key]:
            self.rows[key] = row
        for old in list(self.rows)[: len(self.rows) - MOST_KEYS] if len(self.rows) > MOST_KEYS else ():
            del self.rows[old]
            changed[old] = None
        if None in changed.values():
            kept = {at: {each: None for each in keys if each in self.rows} for at, keys in self._from.items()}
            self._from = {at: keys for at, keys in kept.items() if keys}
        return changed


def _key(kind: Kind, event: Refused) -> Key:
    """Routes are known by their object wherever they stand; a virtual host, whose name has no `/`, by its table."""
    owner = names.owner(event.part)
    return (ROUTES_OF, owner) if kind is kinds.ROUTE and owner != event.part else (kind.table, event.name)


def _clusters(framed_routes: bytes) -> set[str]:
    return {name for _, _, body in unframed(framed_routes) for name in _of_route(body)}


def _of_route(body: bytes) -> Iterator[str]:
    with suppress(DecodeError):
        action = Route.FromString(body).route
        yield from (one.name for one in action.weighted_clusters.clusters)
        yield from (one.cluster for one in action.request_mirror_policies)
        if action.cluster:
            yield action.cluster
