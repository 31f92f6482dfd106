"""`diff`: what a change of files would change, before it is made. The change is translated here; nothing is written anywhere."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from translator.inputs import OBJECTS
from translator.ir.finding import Finding
from translator.ir.plane import CLASS
from translator.ir.tables import GROUP
from xds.cli.checking import line, loaded_of
from xds.cli.output import Exit, Output, dumped, say
from xds.foreseen import Change, Foreseen, Resource, Told, foreseen
from xds.objects import finding
from xds.offline import Loaded, door, read
from xds.sources.folder import Folder, Located

if TYPE_CHECKING:
    from translator.ir.output import Group
    from xds.cli.cluster import Cluster

SIGNS = {"added": "+", "removed": "-", "changed": "~"}
FIELDS = 8  # that are shown of one resource


def diff(before: Path | Cluster, after: Path, group: Group, output: Output, groups: tuple[str, ...]) -> None:
    """Exit code 1 where anything would be different. Files `after` take the place of files; on a cluster they would be applied."""
    folder = Folder(door(groups))
    if not after.exists():
        raise Exit(2, f"{after} is not there")
    try:
        read(folder, after)
    except OSError as error:
        raise Exit(2, f"{after} cannot be read: {error.strerror or error}") from None
    loaded = loaded_of(before, group, groups)
    found = foreseen(loaded.engine, changes(loaded, folder, instead=isinstance(before, Path)))
    _print(found, folder.placed(folder.findings(math.inf), []), after, output)
    if not found.nothing:
        raise Exit(1)


def changes(loaded: Loaded, folder: Folder, *, instead: bool) -> list[Change]:
    """`instead`: what the folder lacks is deleted. Gateways and classes that are new have proxies where others have."""
    there = loaded.holder.objects()
    made = {(one.kind, one.key): one.object for one in folder.changes(math.inf)}
    gone = [(OBJECTS[kind], key, None) for kind, key in there if (kind, key) not in made] if instead else []
    found = [(OBJECTS[kind], key, one) for (kind, key), one in made.items() if there.get((kind, key)) != one]
    run = loaded.engine.get(GROUP, "local")
    of = {"Gateway": "", "GatewayClass": CLASS}
    groups = [f"{of[kind]}{key}" for kind, key in made if kind in of and run and run.pods]
    return [*((GROUP, one, run) for one in groups if one not in loaded.groups), *gone, *found]


def _print(found: Foreseen, wrong: list[Located], root: Path, output: Output) -> None:
    if output is Output.NAME:
        say("\n".join(f"{one.section}/{one.name}" for one in found.resources))
    elif output is Output.TABLE:
        for each in (line(root, one) for one in wrong):
            say(each)
        say("\n".join([*_resources(found), *map(_told, found.statuses), *_findings(found), _sum(found)]))
    else:
        said: dict[str, Any] = {"resources": [asdict(one) for one in found.resources], "statuses": [asdict(one) for one in found.statuses]}
        said |= {"new": [_plain(one) for one in found.new], "mended": [_plain(one) for one in found.mended]}
        say(dumped({**said, "notTaken": [finding(one) for one in wrong]}, output))


def _resources(found: Foreseen) -> list[str]:
    return [text for one in found.resources for text in _resource(one)]


def _resource(one: Resource) -> list[str]:
    head = f"{SIGNS[one.change]} {one.section} {one.view} {one.name}   {', '.join(one.objects)}"
    more = [f"    and {len(one.fields) - FIELDS} more fields"] if len(one.fields) > FIELDS else []
    return [head, *(f"    {field}" for field in one.fields[:FIELDS]), *more]


def _told(one: Told) -> str:
    at = f" at {one.where}" if one.where else ""
    return f"{one.kind} {one.key}{at}: {one.condition} {one.before or 'nothing'} → {one.after or 'nothing'}"


def _findings(found: Foreseen) -> list[str]:
    both = [("new", one) for one in found.new] + [("mended", one) for one in found.mended]
    return [f"{word} {one.code} {one.kind} {one.key}: {one.message}" for word, one in both]


def _plain(one: Finding) -> dict[str, str]:
    return {"code": one.code, "kind": one.kind, "key": one.key, "message": one.message}


def _sum(found: Foreseen) -> str:
    if found.nothing:
        return "nothing would be different"
    counts = {word: sum(one.change == word for one in found.resources) for word in SIGNS}
    return f"{counts['added']} resources added, {counts['removed']} removed, {counts['changed']} changed"
