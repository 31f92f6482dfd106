"""What the status of an object becomes when we say ours: only our part of it changes. Pure.

Routes have an entry for each controller (`parents`), policies too (`ancestors`): those of others are kept as they are. So are
conditions of types that we do not set. `lastTransitionTime` is the server's where the condition says what it said before.
What every proxy has acknowledged of one generation is not taken back because we were started again and do not know it yet.
Source: Gateway API, RouteStatus and PolicyStatus; Kubernetes API conventions, "Typical status properties".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translator.gatewayapi.conditions import PENDING

Json = dict[str, Any]
ENTRIES = ("parents", "ancestors")  # lists with an entry for each controller


def merged(kind: str, current: Mapping[str, Any], ours: Mapping[str, Any] | None, controller: str) -> Json | None:
    """The whole new status, or None where nothing is to be written. `ours` is None where the object is none of ours any more:
    then our entries go; a status that belongs to one controller as a whole is left to the next one.
    """
    field = next((one for one in ENTRIES if one in current or one in (ours or {})), "")
    if kind.endswith("Route"):
        field = "parents"
    if field:
        return _entries(field, current, ours or {}, controller)
    return _whole(current, ours) if ours is not None else None


def _entries(field: str, current: Mapping[str, Any], ours: Mapping[str, Any], controller: str) -> Json | None:
    there = list(current.get(field) or [])
    old = [one for one in there if one.get("controllerName") == controller]
    new = [_timed(one, _same(one, old)) for one in ours.get(field, [])]
    if old == new:
        return None
    return {**current, field: [one for one in there if one.get("controllerName") != controller] + new}


def _same(one: Mapping[str, Any], those: list[Json]) -> Mapping[str, Any]:
    """The entry for the same parent."""
    names = ("parentRef", "ancestorRef")
    return next((each for each in those if all(each.get(name) == one.get(name) for name in names)), {})


def _timed(one: Mapping[str, Any], old: Mapping[str, Any]) -> Json:
    return {**one, "conditions": _conditions(one.get("conditions", []), old.get("conditions") or [], foreign=False)}


def _whole(current: Mapping[str, Any], ours: Mapping[str, Any]) -> Json | None:
    new = {**current, **ours, "conditions": _conditions(ours.get("conditions", []), current.get("conditions") or [], foreign=True)}
    if "listeners" in ours:
        before = {one["name"]: one for one in current.get("listeners") or []}
        new["listeners"] = [_timed(one, before.get(one["name"], {})) for one in ours["listeners"]]
    for field in ("addresses", "listeners", "services", "routingKey", "connection", "endpoints"):  # those that we had, and have no more
        if field in current and field not in ours:
            del new[field]
    return None if new == dict(current) else new


def _conditions(ours: list[Json], current: list[Json], *, foreign: bool) -> list[Json]:
    """Ours in the order of the server, so that order alone is no change."""
    before = {one["type"]: one for one in current}
    new = {one["type"]: _since(one, before.get(one["type"])) for one in ours}
    kept = [new.pop(one["type"], one) for one in current if foreign or one["type"] in new]
    return [*kept, *new.values()]


def _since(one: Json, before: Mapping[str, Any] | None) -> Json:
    if before and one.get("message") == PENDING and _holds(before) == (True, one.get("observedGeneration")):
        return dict(before)
    same = before is not None and before.get("status") == one["status"]
    return {**one, "lastTransitionTime": before["lastTransitionTime"]} if same and before else one


def _holds(one: Mapping[str, Any]) -> tuple[bool, int | None]:
    return one.get("status") == "True", one.get("observedGeneration")
