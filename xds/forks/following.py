"""Baselines and forks as they stand in the cluster: whoever changes one, its namespace is looked at at once.

Followed as the source follows what people write, but in namespaces with forks alone, and by whoever makes forks there; so a change
costs what changed, and no namespace costs another. Of each object all is kept but what is only told of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from translator.resources.meta import Metadata, Object
from xds.forks.difference import KINDS, Json
from xds.forks.drawing import ROLLOUTS, There
from xds.sources.kube.kinds import Watched
from xds.sources.kube.source import Kube
from xds.sources.kube.transport import Transport

TOLD = ("managedFields", "resourceVersion", "generation")  # of metadata: what an API server counts, and nobody says


Space = tuple[str, bool]  # a namespace, and whether it is about its Rollouts


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


def watched(namespace: str, kinds: Mapping[str, tuple[str, str]] = KINDS) -> tuple[Watched, ...]:
    """Called by their plurals, as they are no inputs of the translator."""
    places = [(*version.rpartition("/")[::2], plural) for version, plural in kinds.values()]
    return tuple(Watched(plural, group, (version,), plural, True, held, namespace=namespace) for group, version, plural in places)


class Following:
    """`connect` makes a connection for each namespace; `changed` is told namespaces."""

    def __init__(self, connect: Callable[[], Transport], changed: Callable[[list[str]], None]) -> None:
        self._connect, self._changed = connect, changed
        self._spaces: dict[Space, Kube] = {}
        self._tasks: dict[Space, asyncio.Task[None]] = {}
        self._new = asyncio.Event()

    def there(self, namespace: str, *, rollouts: bool) -> There | None:
        """What it has; None until all of it was told, and from the first question on it is followed. Rollouts are looked at where they are
        wanted, and where nobody defines them there are none. UnreadableError where the rest is not for us to read.
        """
        kinds = self._space(namespace, rolled=False).reflectors
        more = self._space(namespace, rolled=True).reflectors if rollouts else {}
        if why := next((one.trouble.reason for one in kinds.values() if one.trouble.parked == "forbidden"), ""):
            raise UnreadableError(why)
        unread = next((one.trouble.reason for one in more.values() if one.trouble.parked == "forbidden"), "")
        if not all(one.synced for one in (*kinds.values(), *(() if unread else more.values()))):
            return None
        found = {plural: [*map(_document, one.held.objects.values())] for plural, one in {**kinds, **more}.items()}
        return There(found["deployments"], found["services"], found.get("rollouts", ()), unread)

    def _space(self, namespace: str, *, rolled: bool) -> Kube:
        """What comes and goes by itself, so that no kind which is not there holds up another."""
        if (namespace, rolled) not in self._spaces:
            kinds = watched(namespace, ROLLOUTS if rolled else KINDS)
            self._spaces[namespace, rolled] = Kube(self._connect(), kinds, time.monotonic, random.random, hold=0.0)
            self._new.set()
        return self._spaces[namespace, rolled]

    def leave(self, namespace: str) -> None:
        """Nothing is to be made there any more, and nothing of ours is left."""
        for space in ((namespace, False), (namespace, True)):
            self._spaces.pop(space, None)
            if task := self._tasks.pop(space, None):
                task.cancel()

    async def run(self) -> None:
        """Without end."""
        async with asyncio.TaskGroup() as group:
            while True:
                for space in self._spaces.keys() - self._tasks.keys():
                    self._tasks[space] = group.create_task(self._follow(space[0], self._spaces[space]))
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
