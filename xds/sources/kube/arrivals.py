"""Routes that came before what they name: each kind has a watch of its own, and no watch waits for another.

A watch ends every half minute and is opened anew, and a new list of a kind comes when it comes. What is created first may so be told
last, and a route whose Service is on its way would answer 500 to all who ask meanwhile. So a change of a route that names what is
not there waits for it: for as long as the other kind is not followed, and a moment more, but not for ever. Until then the route stays
as it was. What is not of routes is passed on at once; what is gone is told after the routes that may have let go of it.

Knows what a route names, not what becomes of it. No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from msgspec import Struct

from translator.gatewayapi.backends import referent, served_kind, service_port
from translator.resources.core import EndpointSlice, Service
from translator.resources.grpcroute import GRPCRoute
from translator.resources.httproute import BackendObjectReference, HTTPRoute
from translator.resources.meta import Object
from translator.resources.streamroute import StreamRoute, UDPRoute
from xds.sources.folder import Name
from xds.sources.kube.reflector import Reflector
from xds.store import Change

GRACE = 0.5  # seconds between two watches of one API server that is busy; what does not come in this time does not exist
LONGEST = 5.0  # seconds that a route waits for a kind which is not followed
MOST = 1000  # routes that wait; more than that are told as they are
OF_SERVICE = "kubernetes.io/service-name"

Route = HTTPRoute | GRPCRoute | StreamRoute


class Waiting(Struct):
    change: Change
    since: float
    until: float = 0.0


class Arrivals:
    def __init__(self, reflectors: Mapping[str, Reflector]) -> None:
        self._reflectors = reflectors
        self._waiting: dict[Name, Waiting] = {}
        self._sliced: set[str] = set()  # Services that have, or had, an EndpointSlice
        self._new: dict[str, float] = {}  # Services that came of late

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def due(self) -> float | None:
        """When to look again, if nothing else happens."""
        return min((one.until for one in self._waiting.values()), default=None)

    def first(self, changes: Iterable[Change], now: float) -> None:
        """All that there is when it begins: nobody is served yet, and what is missing then is waited for by nobody."""
        for change in changes:
            self._note(change, now)

    def told(self, changes: Iterable[Change], now: float) -> list[Change]:
        """What may be told, of these and of what waits; a route after what it names."""
        there, gone = list[Change](), list[Change]()
        for change in changes:
            self._note(change, now)
            if isinstance(change.object, Route) or (change.kind, change.key) in self._waiting:
                self._hold(change, now)
            else:
                (gone if change.object is None else there).append(change)
        self._new = {key: since for key, since in self._new.items() if now < since + LONGEST}
        return [*there, *self._ready(now), *gone]

    def _note(self, change: Change, now: float) -> None:
        match change.object:
            case EndpointSlice(metadata=metadata):
                self._sliced.add(f"{metadata.namespace}/{metadata.labels.get(OF_SERVICE, '')}")
            case Service() if change.what == "new":
                self._new[change.key] = now
            case None if change.kind == "Service":
                self._sliced.discard(change.key)
                self._new.pop(change.key, None)
            case _:
                pass

    def _hold(self, change: Change, now: float) -> None:
        """A newer state takes the place of one that waits, and is as old. What was never told is not told to be gone."""
        name = change.kind, change.key
        before = self._waiting.pop(name, None)
        unknown = before is not None and before.change.what == "new"
        if unknown and change.object is None:
            return
        told = Change(change.kind, change.key, change.object, "new") if unknown else change
        self._waiting[name] = Waiting(told, before.since if before else now)

    def _ready(self, now: float) -> list[Change]:
        ready, late = list[Name](), list[Name]()
        for name, one in self._waiting.items():
            one.until = self._until(one.change.object, one.since)
            (ready if now >= one.until else late).append(name)
        return [self._waiting.pop(name).change for name in (*ready, *late[: max(0, len(late) - MOST)])]

    # What a route lacks ------------------------------------------------------------------------------------------------

    def _until(self, route: Object | None, since: float) -> float:
        """The time at which it is told, whatever it lacks by then; 0 where it lacks nothing."""
        return max((self._patience(*one) for one in self._lacks(route, since)), default=0.0) if isinstance(route, Route) else 0.0

    def _patience(self, kind: str, since: float) -> float:
        one = self._reflectors.get(kind)
        if one is None or one.trouble.parked:
            return since + GRACE
        return min(max(since, one.followed) + GRACE, since + LONGEST) if one.followed is not None else since + LONGEST

    def _lacks(self, route: Route, since: float) -> Iterator[tuple[str, float]]:
        """Kinds of what it names and what is not there, and since when each is waited for."""
        transport = "UDP" if isinstance(route, UDPRoute) else "TCP"
        for ref in backends(route):
            to = referent(ref, route.namespace)
            if not served_kind(to) or to.kind not in self._reflectors:
                continue
            namespace, found = to.key.partition("/")[0], self._held(to.kind).get(to.key)
            if namespace != route.namespace and not any(key.startswith(f"{namespace}/") for key in self._held("ReferenceGrant")):
                yield "ReferenceGrant", since
            if found is None or (isinstance(found, Service) and not service_port(found, ref.port, transport)):
                yield to.kind, since
            elif to.key in self._new and to.key not in self._sliced:
                yield "EndpointSlice", self._new[to.key]

    def _held(self, kind: str) -> Mapping[str, Object]:
        one = self._reflectors.get(kind)
        return one.held.objects if one else {}


def backends(route: Route) -> Iterator[BackendObjectReference]:
    """Those without which it answers wrongly: where its requests go, and who is asked about them first."""
    for rule in route.spec.rules:
        filters = chain(getattr(rule, "filters", ()), *(one.filters for one in rule.backend_refs))
        yield from rule.backend_refs
        yield from (one.external_auth.backend_ref for one in filters if one.external_auth)
