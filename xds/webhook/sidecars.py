"""Which Services have sidecars beside which Pods, as it was last settled: by namespace, to be asked at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from translator.engine import Name
from translator.ir.inbound import Pods
from translator.ir.tables import OUT_SIDECARS


class Sidecars:
    def __init__(self) -> None:
        self._held: dict[str, dict[str, Pods]] = {}  # namespace → key of a Service → its Pods
        self._moved = asyncio.Event()

    def settled(self, settled: Mapping[Name, Any]) -> None:
        """Take in what the engine settled; everything else is passed over."""
        found = [(key, row) for (table, key), row in settled.items() if table is OUT_SIDECARS]
        for key, row in found:
            self._put(key, row)
        if found:
            self._moved.set()
            self._moved = asyncio.Event()

    def _put(self, key: str, row: Pods | None) -> None:
        namespace = key.partition("/")[0]
        of = self._held.setdefault(namespace, {})
        if row is None:
            of.pop(key, None)
        else:
            of[key] = row
        if not of:
            del self._held[namespace]

    def of(self, namespace: str) -> Mapping[str, Pods]:
        return self._held.get(namespace, {})

    def get(self, key: str) -> Pods | None:
        return self.of(key.partition("/")[0]).get(key)

    def services(self) -> list[str]:
        return [key for of in self._held.values() for key in of]

    async def moved(self) -> None:
        """Until something is different."""
        await self._moved.wait()
