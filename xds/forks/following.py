"""Baselines and forks as they stand in the cluster: whoever changes one, its namespace is looked at at once.

Followed as the source follows what people write, but in namespaces with forks alone, and by whoever makes forks there; so a change
costs what changed, and no namespace costs another. Of each object all is kept but what is only told of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from typing import Any

import msgspec

from translator.resources.meta import Metadata, Object
from xds.forks.difference import KINDS, Json, There
from xds.sources.kube.kinds import Watched
from xds.sources.kube.source import Kube
from xds.sources.kube.transport import Transport

TOLD = ("managedFields", "resourceVersion", "generation")  # of metadata: what an API server counts, and nobody says


class UnreadableError(Exception):
    """What is there cannot be told, so nothing is changed."""


class Held(Object, frozen=True, gc=False, kw_only=True):
    """An object as it was said."""

    document: dict[str, Any]


def held(raw: bytes | msgspec.Raw) -> Held:
    document = msgspec.json.decode(raw)
    metadata = {name: value for name, value in document["metadata"].items() if name not in TOLD}
    said = {name: value for name, value in document.items() if name not in ("status", "metadata")}
    return Held(metadata=Metadata(metadata["name"], metadata["namespace"]), document={**said, "metadata": metadata})


def watched(namespace: str) -> tuple[Watched, ...]:
    """Called by their plurals, as they are no inputs of the translator."""
    places = [(*version.rpartition("/")[::2], plural) for version, plural in KINDS.values()]
    return tuple(Watched(plural, group, (version,), plural, True, held, namespace=namespace) for group, version, plural in places)


class Following:
    """`connect` makes a connection for each namespace; `changed` is told namespaces."""

    def __init__(self, connect: Callable[[], Transport], changed: Callable[[list[str]], None]) -> None:
        self._connect, self._changed = connect, changed
        self._spaces: dict[str, Kube] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._new = asyncio.Event()

    def there(self, namespace: str) -> There | None:
        """What it has; None until all of it was told, and from the first question on it is followed. UnreadableError where it is not
        for us to read.
        """
        if namespace not in self._spaces:
            self._spaces[namespace] = Kube(self._connect(), watched(namespace), time.monotonic, random.random, hold=0.0)
            self._new.set()
        kinds = self._spaces[namespace].reflectors
        for one in kinds.values():
            if one.trouble.parked == "forbidden":
                raise UnreadableError(one.trouble.reason)
        if not all(one.synced for one in kinds.values()):
            return None
        of = {kind: [_document(one) for one in kinds[plural].held.objects.values()] for kind, (_, plural) in KINDS.items()}
        return There(of["Deployment"], of["Service"])

    def leave(self, namespace: str) -> None:
        """Nothing is to be made there any more, and nothing of ours is left."""
        self._spaces.pop(namespace, None)
        if task := self._tasks.pop(namespace, None):
            task.cancel()

    async def run(self) -> None:
        """Without end."""
        async with asyncio.TaskGroup() as group:
            while True:
                for namespace in self._spaces.keys() - self._tasks.keys():
                    self._tasks[namespace] = group.create_task(self._follow(namespace, self._spaces[namespace]))
                await self._new.wait()
                self._new.clear()

    async def _follow(self, namespace: str, kube: Kube) -> None:
        before: tuple[bool, list[str]] = (False, [])
        async with contextlib.aclosing(kube.updates()) as updates:
            async for update in updates:
                now = update.final, [one.finding.message for one in update.findings]
                if update.changes or now != before:
                    self._changed([namespace])
                before = now


def _document(one: Object) -> Json:
    assert isinstance(one, Held)  # noqa: S101 - there are no others
    return one.document
