"""An API server of three lines for tests of who writes what: objects with versions, and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from xds.sources.kube.transport import Answer


class Store:
    """`refuse` is answered to the next writes in place of taking them; `writes` are the paths that were taken."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.writes: list[str] = []
        self.refuse: list[int] = []
        self.version = 0
        self.forbidden = "nothing"  # a path to which nobody may write

    def put(self, path: str, body: dict[str, Any]) -> None:
        self.version += 1
        self.objects[path] = {**body, "metadata": {**body.get("metadata", {}), "resourceVersion": str(self.version)}}

    async def call(self, method: str, path: str, body: Any = None, *_: object, **__: object) -> Answer:
        await asyncio.sleep(0)
        place = path.removesuffix("/status")
        if method == "GET":
            found = self.objects.get(place)
            return Answer(200, msgspec.json.encode(found)) if found else Answer(404, b"{}")
        if path.startswith(self.forbidden):
            return Answer(403, b"{}")
        if method == "POST":
            place = f"{path}/{body['metadata']['name']}"
        if self.refuse and "leases" not in path:
            return Answer(self.refuse.pop(0), b"{}")
        there = self.objects.get(place)
        if (there is None) != (method == "POST") or (there and there["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]):
            return Answer(409, b"{}")
        self.put(place, body)
        self.writes.append(path)
        return Answer(200, msgspec.json.encode(self.objects[place]))

    async def close(self) -> None:
        """There is nothing to close."""
