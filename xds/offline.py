"""What a folder or a cluster holds, translated once, without a server: for check, render and status. Reads; starts nothing."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from translator.door.door import Door
from translator.engine import Engine
from translator.inputs import OBJECTS
from translator.ir.finding import Finding
from translator.ir.output import Group
from translator.ir.tables import COPYING, GROUP, OUT_FINDINGS, WANTED
from translator.program import engine
from xds import crds
from xds.groups import Groups
from xds.sources import disk
from xds.sources.folder import Folder, Located
from xds.sources.interface import Holder, Source
from xds.status import Statuses

GROUP_NAME = "local"
ONCE = 60.0  # seconds for all of a cluster


@dataclass(frozen=True, slots=True)
class Loaded:
    """`groups` are those that proxies can be of."""

    holder: Holder
    engine: Engine
    statuses: Statuses
    findings: list[Located]
    groups: tuple[str, ...] = (GROUP_NAME,)


class HiddenError(Exception):
    """A part of a cluster may not be read; which, in a sentence. Nothing is said of the rest: it would be wrong."""


def door(groups: Iterable[str] = ()) -> Door:
    """`groups` are further ones of Sandboxes."""
    return Door(crds.shipped(), groups)


def load(root: Path, group: Group, wall: Callable[[], float], groups: Iterable[str] = ()) -> Loaded:
    """Everything that the folder, or the one file, says now. OSError where it cannot be listed at all. `groups` as for `door`."""
    folder, core, statuses = Folder(door(groups)), engine(), Statuses(wall)
    read(folder, root)
    changes = [(OBJECTS[change.kind], change.key, change.object) for change in folder.changes(math.inf)]
    settled = core.apply([(GROUP, GROUP_NAME, group), *changes])
    statuses.apply(settled)
    return Loaded(folder, core, statuses, folder.placed(folder.findings(math.inf), translated(core)))


async def once(source: Source, groups: Groups, wall: Callable[[], float]) -> Loaded:
    """All of a cluster, and no more Secrets than are referred to. HiddenError; TimeoutError where it is not there in time."""
    core, statuses = engine(), Statuses(wall)
    rows = dict([groups.first()])
    core.apply([(COPYING, "", True), *((GROUP, *row) for row in rows.items())])  # whether forks are made is for the server there to say
    async with asyncio.timeout(ONCE), contextlib.aclosing(source.updates()) as updates:
        async for update in updates:
            if hidden := [one.finding.message for one in update.findings if one.finding.code == "PM0131"]:
                raise HiddenError("; ".join(hidden))
            rows.update(filter(None, map(groups.follow, update.changes)))
            changes = [(OBJECTS[change.kind], change.key, change.object) for change in update.changes]
            settled = core.apply([*((GROUP, *row) for row in rows.items()), *changes])
            statuses.apply(settled)
            source.want(name for (table, name), row in settled.items() if table is WANTED and row)
            if update.final:
                break
    holder = source.holder
    return Loaded(holder, core, statuses, holder.placed(update.findings, translated(core)), tuple(rows))


def read(folder: Folder, root: Path) -> None:
    """Take in all files below a folder, or one file."""
    if root.is_file():
        folder.take(root.name, disk.content(str(root.parent), root.name), 0.0)
    else:
        listing = disk.scan(str(root))
        if "" in listing.blind:
            raise NotADirectoryError(f"{root}: {listing.blind['']}")
        folder.blind(listing.blind, 0.0)
        for path in listing.files:
            try:
                folder.take(path, disk.content(str(root), path), 0.0)
            except OSError as error:
                folder.unreadable(path, f"cannot be read: {error.strerror}", 0.0)
    folder.tick(math.inf)


def translated(core: Engine) -> list[Finding]:
    """What translation found; and rules that raised, which is our fault."""
    found = [one for (findings,) in core.rows(OUT_FINDINGS).values() for one in findings]
    for (rule, key), error in core.failures.items():
        message = f"rule {rule} failed for {key}: {type(error).__name__}. This is a bug of Pointsman; please report it"
        found.append(Finding(code="PM0199", kind="", key=str(key), message=message))
    return found
