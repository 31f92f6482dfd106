"""What a change of objects would make of Envoy's resources, of statuses and of findings: translated, and taken back. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from translator.engine import AnyTable, Engine
from translator.ir.finding import Finding
from translator.ir.output import Condition, Status
from translator.ir.tables import OUT_STATUS
from xds.installation.difference import differences
from xds.offline import translated
from xds.render import SECTIONS, item

Change = tuple[AnyTable, Any, Any]
View = tuple[str, str]  # of whom, and its name


@dataclass(frozen=True, slots=True)
class Resource:
    """`change` is added, removed or changed; `fields` are those that differ; `objects` are what it comes from, before and after."""

    change: str
    section: str
    view: str
    name: str
    fields: tuple[str, ...]
    objects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A condition that would say something else; `before` and `after` are its status and reason, or nothing."""

    kind: str
    key: str
    where: str
    condition: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Foreseen:
    resources: tuple[Resource, ...]
    statuses: tuple[Told, ...]
    new: tuple[Finding, ...]
    mended: tuple[Finding, ...]

    @property
    def nothing(self) -> bool:
        return not (self.resources or self.statuses or self.new or self.mended)


def foreseen(engine: Engine, changes: Sequence[Change]) -> Foreseen:
    """What would be different with these. The engine is as it was afterwards."""
    back = [(table, key, engine.get(table, key)) for table, key, _ in changes]
    bodies, statuses, findings = _bodies(engine), _statuses(engine), translated(engine)
    engine.apply(changes)
    now, later, found = _bodies(engine), _statuses(engine), translated(engine)
    moved = [one for one in dict.fromkeys((*bodies, *now)) if bodies.get(one) != now.get(one)]
    after = {one: item(engine, one[0], SECTIONS[one[0]][0], one[1]) for one in moved}
    engine.apply(back)
    before = {one: item(engine, one[0], SECTIONS[one[0]][0], one[1]) for one in moved}
    return Foreseen(
        tuple(_resource(*one, before[one], after[one]) for one in moved),
        tuple(_told(statuses, later)),
        tuple(one for one in found if one not in findings),
        tuple(one for one in findings if one not in found),
    )


def _bodies(engine: Engine) -> dict[tuple[str, View], bytes]:
    return {(section, key): rows[0].body for section, (table, _) in SECTIONS.items() for key, rows in engine.rows(table).items()}


def _resource(section: str, key: View, before: dict[str, Any] | None, after: dict[str, Any] | None) -> Resource:
    change = "added" if before is None else "removed" if after is None else "changed"
    fields = differences(_named(before["resource"]), _named(after["resource"])) if before and after else []
    objects = sorted({name for one in (before, after) if one for name in one["from"]})
    return Resource(change, section, *key, tuple(fields), tuple(objects))


def _named(value: Any) -> Any:
    """Lists of things with a name of their own are told apart by it, and not by their place."""
    if isinstance(value, dict):
        return {name: _named(one) for name, one in value.items()}
    if not isinstance(value, list):
        return value
    names = [one.get("name") for one in value if isinstance(one, dict)]
    if value and len(set(filter(None, names))) == len(value):
        return {name: _named(one) for name, one in zip(names, value, strict=True)}
    return [_named(one) for one in value]


def _statuses(engine: Engine) -> dict[tuple[str, str, str, str], str]:
    return {
        (*name, where, one.type): f"{one.status} {one.reason}"
        for name, (status,) in engine.rows(OUT_STATUS).items()
        for where, conditions in _places(status)
        for one in conditions
    }


def _places(status: Status) -> Iterator[tuple[str, Iterable[Condition]]]:
    yield "", status.conditions
    yield from ((one.name, one.conditions) for one in status.listeners)
    yield from ((_ref(one.parent_ref), one.conditions) for one in status.parents)
    yield from ((_ref(one.ancestor_ref), one.conditions) for one in status.ancestors)


def _ref(ref: Any) -> str:
    """`infra/edge/https`: of a parent, what was said of it."""
    said = msgspec.to_builtins(ref)
    return "/".join(str(said[one]) for one in ("namespace", "name", "sectionName", "port") if said.get(one))


def _told(before: dict[tuple[str, str, str, str], str], after: dict[tuple[str, str, str, str], str]) -> Iterator[Told]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield Told(*name, before.get(name, ""), after.get(name, ""))
