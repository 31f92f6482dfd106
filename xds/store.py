"""What is not yet taken in: the newest change of each object, endpoints first, cut into batches. Knows no source and no rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from translator.engine import AnyTable
from translator.inputs import OBJECTS
from translator.resources.meta import Object

BATCH = 200  # 8 ms of work: then the outputs are settled, and what came meanwhile has its turn
FIRST = ("EndpointSlice",)  # an endpoint that is gone costs requests at once; everything else can wait for it


@dataclass(frozen=True, slots=True)
class Change:
    """An object as it is now, or None where it is gone. `what` tells people what is different: `spec.rules[0] …`."""

    kind: str
    key: str
    object: Object | None
    what: str = ""


class Store:
    """Keeps each key's newest change until the engine takes it. The order of changes to different keys has no meaning."""

    def __init__(self) -> None:
        self._first: dict[tuple[AnyTable, Any], Any] = {}
        self._rest: dict[tuple[AnyTable, Any], Any] = {}

    def __len__(self) -> int:
        return len(self._first) + len(self._rest)

    def put(self, changes: Iterable[Change]) -> None:
        for change in changes:
            waiting = self._first if change.kind in FIRST else self._rest
            waiting[OBJECTS[change.kind], change.key] = change.object

    def declare(self, table: AnyTable, key: Any, row: Any) -> None:
        """A row that no user writes: how a proxy group runs, what a proxy refused."""
        self._rest[table, key] = row

    def take(self, most: int = BATCH) -> list[tuple[AnyTable, Any, Any]]:
        """The next batch for the engine; empty when all is taken in."""
        batch: list[tuple[AnyTable, Any, Any]] = []
        for waiting in (self._first, self._rest):
            names = list(islice(waiting, most - len(batch)))
            batch += [(*name, waiting.pop(name)) for name in names]
        return batch
