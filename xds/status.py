"""The `.status` of every object, as Kubernetes would hold it: the translator's conditions, and when each last changed.

Whether proxies serve a route is said here and is no row of the translator's: it would be two more for each route, and every
route would be translated twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from translator.engine import Name
from translator.gatewayapi.conditions import PENDING, SERVED, fails, holds
from translator.ir.output import Condition, ParentStatus, Status
from translator.ir.tables import OUT_STATUS

Place = tuple[object, ...]  # which list of conditions, and which type in it
ALL_SERVE, NOT_ALL_SERVE = holds(SERVED, "Programmed"), fails(SERVED, "Pending", PENDING)


class Statuses:
    """Newest status per (kind, key). `wall` gives seconds since 1970: a condition says when its status changed, in UTC.

    `waits` says whether a route is not served yet by a group of proxies; without it nothing is said of that.
    """

    def __init__(self, wall: Callable[[], float], waits: Callable[[tuple[str, str], str], bool] | None = None) -> None:
        self._wall, self._waits = wall, waits
        self._held: dict[tuple[str, str], tuple[Status, dict[Place, str]]] = {}

    def apply(self, settled: Mapping[Name, Any]) -> None:
        """Take in what the engine settled; everything but statuses is passed over."""
        now = self._now()
        for (table, name), status in settled.items():
            if table is not OUT_STATUS:
                continue
            if status is None:
                self._held.pop(name, None)
                continue
            old, times = self._held.get(name, (None, {}))
            before = {place: one.status for place, one in _conditions(old)} if old else {}
            self._held[name] = (
                status,
                {place: times[place] if before.get(place) == one.status else now for place, one in _conditions(status)},
            )
            if self._waits and status.parents:
                self._held[name][1][SERVED,] = now

    def served(self, names: Iterable[tuple[str, str]]) -> None:
        """These routes wait no more for some group of proxies."""
        now = self._now()
        for name in names:
            self._held[name][1][SERVED,] = now

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        """The `.status` in plain values, or None where the object has none."""
        found = self._held.get((kind, key))
        if found is None:
            return None
        body = _plain(*found)
        if self._waits:
            self._tell((kind, key), *found, body)
        return body

    def _tell(self, name: tuple[str, str], status: Status, times: dict[Place, str], body: dict[str, Any]) -> None:
        """Of parents that accept a route, whether it is served there."""
        for parent, said in zip(status.parents, body.get("parents", ()), strict=True):
            if parent.group and self._waits:
                one = NOT_ALL_SERVE if self._waits(name, parent.group) else ALL_SERVE
                said["conditions"].append(_condition(one, status.generation, times[SERVED,]))

    def _now(self) -> str:
        return datetime.fromtimestamp(self._wall(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def names(self) -> list[tuple[str, str]]:
        return sorted(self._held)


def _conditions(status: Status) -> Iterator[tuple[Place, Condition]]:
    for one in status.conditions:
        yield ("", one.type), one
    for listener in status.listeners:
        for one in listener.conditions:
            yield (listener.name, one.type), one
    for ancestor in status.ancestors:
        for one in ancestor.conditions:
            yield (ancestor.ancestor_ref, ancestor.controller_name, one.type), one
    for parent in status.parents:
        for one in parent.conditions:
            yield (parent.parent_ref, parent.controller_name, one.type), one


def _plain(status: Status, times: dict[Place, str]) -> dict[str, Any]:
    def conditions(those: tuple[Condition, ...], *place: object) -> list[dict[str, Any]]:
        return [_condition(one, status.generation, times[(*place, one.type)]) for one in those]

    body: dict[str, Any] = {"phase": status.phase} if status.phase else {}
    body |= {"observedGeneration": status.generation} if status.observed else {}
    body |= {"routingKey": status.routing_key} if status.routing_key else {}
    body |= {"connection": _values(status.connection)} if status.connection else {}
    if status.addresses:
        body["addresses"] = _values(status.addresses)
    if status.conditions:
        body["conditions"] = conditions(status.conditions, "")
    if status.listeners:
        body["listeners"] = [{**_values(one), "conditions": conditions(one.conditions, one.name)} for one in status.listeners]
    if status.ancestors:
        body["ancestors"] = [
            {**_values(one), "conditions": conditions(one.conditions, one.ancestor_ref, one.controller_name)} for one in status.ancestors
        ]
    if status.parents:
        body["parents"] = [_parent(one, conditions(one.conditions, one.parent_ref, one.controller_name)) for one in status.parents]
    if status.attached_listener_sets is not None:
        body["attachedListenerSets"] = status.attached_listener_sets
    body |= {name: _values(told) for name, told in (("services", status.services), ("endpoints", status.endpoints)) if told}
    if status.supported_features:
        body["supportedFeatures"] = [{"name": name} for name in status.supported_features]
    return body


def _parent(one: ParentStatus, conditions: list[dict[str, Any]]) -> dict[str, Any]:
    return {"parentRef": _values(one.parent_ref), "controllerName": one.controller_name, "conditions": conditions}


def _values(row: object) -> Any:
    """As JSON would have it: lists, and no tuples."""
    return msgspec.json.decode(msgspec.json.encode(row))


def _condition(one: Condition, generation: int, since: str) -> dict[str, Any]:
    return {
        "type": one.type,
        "status": "True" if one.status else "False",
        "reason": one.reason,
        "message": one.message,
        "observedGeneration": generation,
        "lastTransitionTime": since,
    }
