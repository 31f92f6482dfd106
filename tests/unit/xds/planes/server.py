"""An API server for tests of what is applied: it keeps what it is given, lists it by labels, and can refuse."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from xds.sources.kube.transport import Answer


class Server:
    """`refuse` is by kind in the plural: the status, and what is said. `asked` are methods and paths."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.refuse: dict[str, tuple[int, str]] = {}
        self.asked: list[tuple[str, str]] = []
        self.applied: list[tuple[str, dict[str, Any]]] = []  # by whom, and what

    def writes(self) -> list[str]:
        return [path for method, path in self.asked if method != "GET"]

    async def call(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, *, content: str = "application/json"
    ) -> Answer:
        await asyncio.sleep(0)
        self.asked.append((method, path))
        for plural, (status, message) in self.refuse.items():
            if f"/{plural}" in path:
                return Answer(status, msgspec.json.encode({"message": message}))
        match method:
            case "GET" if query:
                return self._listed(path, query["labelSelector"])
            case "GET":
                found = self.objects.get(path)
                return Answer(200, msgspec.json.encode(found)) if found else Answer(404, b"{}")
            case "PATCH":
                assert content == "application/apply-patch+yaml"
                assert query
                assert query["force"] == "true"
                self.applied.append((query["fieldManager"], body))
                if query["fieldManager"] == "pointsman":
                    self.objects[path] = body
                return Answer(200, msgspec.json.encode(body))
            case "POST" if f"{path}/{body['metadata']['name']}" in self.objects:
                return Answer(409, b"{}")
            case "POST":
                self.objects[f"{path}/{body['metadata']['name']}"] = body
                return Answer(201, msgspec.json.encode(body))
            case _:
                return Answer(200 if self.objects.pop(path, None) else 404, b"{}")

    def _listed(self, path: str, selector: str) -> Answer:
        wanted = dict(one.split("=") for one in selector.split(","))
        below = [one for at, one in self.objects.items() if at.startswith(f"{path}/")]
        found = [one for one in below if wanted.items() <= one["metadata"]["labels"].items()]
        return Answer(200, msgspec.json.encode({"items": found}))

    async def close(self) -> None:
        """There is nothing to close."""
