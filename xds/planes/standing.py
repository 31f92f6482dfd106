"""The objects of all data planes as they stand in the cluster: whoever changes one, its group is touched, and put right at once.

They are followed as the source follows what people write, by their label and in small: of each object it is kept which group it
belongs to, and a hash of all that may be applied. What is only told of it (status) is no change, nor is what we applied ourselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from translator.ir.output import fingerprint
from translator.ir.plane import CLASS
from translator.planes.manifests import KINDS, OWNER, Made, group_of
from translator.resources.meta import Metadata, Object
from xds.sources.folder import Located
from xds.sources.kube.kinds import Watched
from xds.sources.kube.source import Kube
from xds.sources.kube.transport import Transport

APPLIED = ("labels", "annotations", "ownerReferences", "deletionTimestamp")  # of metadata; the rest is not ours to say


class Standing(Object, frozen=True, gc=False, kw_only=True):
    """An object, known by what it says."""

    digest: str


def standing(document: dict[str, Any]) -> Standing:
    metadata = document["metadata"]
    said = {name: value for name, value in document.items() if name not in ("apiVersion", "kind", "metadata", "status")}
    said["metadata"] = {name: metadata[name] for name in APPLIED if name in metadata}
    known = Metadata(metadata["name"], metadata["namespace"], labels=metadata.get("labels", {}))
    return Standing(metadata=known, digest=fingerprint(msgspec.json.encode(said, order="sorted")))


def watched() -> tuple[Watched, ...]:
    return tuple(_watched(*version.rpartition("/")[::2], plural) for version, plural in KINDS.values())


def _watched(group: str, version: str, plural: str) -> Watched:
    """Called by its plural, so that a Secret of ours is not one that a Gateway refers to."""
    labels = ",".join(f"{name}={value}" for name, value in OWNER.items())
    return Watched(plural, group, (version,), plural, namespaced=True, decode=_decode, labels=labels)


def _decode(raw: bytes | msgspec.Raw) -> Object:
    return standing(msgspec.json.decode(raw))


class Stand:
    """`touch` is told the groups of which something changed."""

    def __init__(self, transport: Transport, touch: Callable[[Iterable[str]], None]) -> None:
        # One for each kind, so that a kind which may not be read holds up no other
        self._each = [Kube(transport, [one], time.monotonic, random.random, hold=0.0) for one in watched()]
        self._touch = touch
        self._forbidden: dict[str, list[Located]] = {}
        self._groups: dict[tuple[str, str], str] = {}  # plural and key of an object → its group
        self._applied: dict[tuple[str, str], str] = {}  # what the API server made of what we applied last
        self.told: Callable[[], None] = lambda: None  # when findings are others

    @property
    def findings(self) -> list[Located]:
        return [one for each in self._forbidden.values() for one in each]

    async def run(self) -> None:
        """Without end."""
        async with asyncio.TaskGroup() as group:
            for one in self._each:
                group.create_task(self._follow(one))

    async def _follow(self, kube: Kube) -> None:
        [name] = kube.reflectors
        async with contextlib.aclosing(kube.updates()) as updates:
            async for update in updates:
                self._refused(name, [one for one in update.findings if one.finding.code == "PM0131"])  # of the rest the source tells
                self._touch({group for change in update.changes for group in self._changed((change.kind, change.key), change.object)})

    def _refused(self, name: str, found: list[Located]) -> None:
        if found != self._forbidden.get(name, []):
            self._forbidden[name] = found
            self.told()

    def applied(self, made: Made, body: bytes) -> None:
        """The answer to an apply of ours: the event that tells of the same is no news."""
        found = standing(msgspec.json.decode(body))
        self._applied[KINDS[made.kind][1], found.key] = found.digest

    def strays(self, group: str, key: str) -> list[tuple[str, str]]:
        """Kind and key of what serves this group under another name than it has now. What a class shares is looked for at home alone,
        for another server may have its own.
        """
        plurals, home = {plural: kind for kind, (_, plural) in KINDS.items()}, key.partition("/")[0]
        found = [name for name, of in self._groups.items() if of == group and name[1] != key]
        return [(plurals[plural], one) for plural, one in found if not group.startswith(CLASS) or one.partition("/")[0] == home]

    def _changed(self, name: tuple[str, str], found: Object | None) -> Iterator[str]:
        if found is None:
            self._applied.pop(name, None)
            if group := self._groups.pop(name, ""):
                yield group
        elif isinstance(found, Standing) and (group := group_of(found.namespace, found.metadata.labels)):
            self._groups[name] = group
            if found.digest != self._applied.get(name):
                yield group
