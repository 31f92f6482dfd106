"""A source for tests that tells the objects of a text as a cluster would: first what is not on demand, then what was asked for."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Any

from translator.ir.finding import Finding
from xds.offline import door
from xds.sources.folder import Folder, Located, Name
from xds.sources.interface import Health, Update
from xds.sources.kube.notices import NOWHERE

ON_DEMAND = ("Secret", "ConfigMap")


class Told:
    """`forbidden` is a kind that may not be read; `wanted` are names that translation asked for."""

    def __init__(self, text: str, forbidden: str = "") -> None:
        self.folder, self.forbidden, self.wanted = Folder(door()), forbidden, set[Name]()
        self.folder.take("a.yaml", text.encode(), 0.0)
        self.folder.tick(math.inf)

    async def open(self) -> None:
        """There is nothing to find out."""

    async def updates(self) -> AsyncGenerator[Update, None]:
        yield Update([], [], final=False)
        if self.forbidden:
            finding = Finding(code="PM0131", kind=self.forbidden, key="", message=f"may not list {self.forbidden}")
            yield Update([], [Located("", NOWHERE, finding)], final=False)
            await asyncio.Event().wait()
        changes = self.folder.changes(math.inf)
        yield Update([one for one in changes if one.kind not in ON_DEMAND], [], final=False)
        yield Update([one for one in changes if (one.kind, one.key) in self.wanted], [], final=True)
        raise AssertionError("nobody asks for more than all")

    @property
    def holder(self) -> Told:
        return self

    def objects(self) -> dict[Name, Any]:
        return {name: one for name, one in self.folder.objects().items() if name[0] not in ON_DEMAND or name in self.wanted}

    def document(self, kind: str, key: str) -> Any:
        return self.folder.document(kind, key)

    def placed(self, found: list[Located], translation: list[Finding]) -> list[Located]:
        return [*found, *(Located("", NOWHERE, one) for one in translation)]

    async def ask(self, question: Callable[..., Any], *args: object) -> Any:
        return question(*args)

    def want(self, names: Iterable[Name]) -> None:
        self.wanted |= set(names)

    def release(self, names: Iterable[Name]) -> None:
        self.wanted -= set(names)

    def health(self) -> list[Health]:
        return []
