"""An API server for tests of mesh output: lists, applies, replaces by version, deletes; can lack kinds, and can refuse."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from xds.sources.kube.transport import Answer

PLURALS = ("virtualservices", "httproutes", "grpcroutes")


class Server:
    """`refuse` is by method and kind in the plural. `asked` are methods and paths."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.served = set(PLURALS)
        self.refuse: dict[tuple[str, str], tuple[int, str]] = {}
        self.asked: list[tuple[str, str]] = []
        self.version = 0

    def put(self, path: str, document: dict[str, Any]) -> None:
        self.version += 1
        kept = {name: value for name, value in document.items() if name not in ("kind", "apiVersion")}  # a list does not say them again
        self.objects[path] = {**kept, "metadata": {**document["metadata"], "resourceVersion": str(self.version)}}

    def writes(self) -> list[str]:
        return [f"{method} {path.rpartition('/')[2]}" for method, path in self.asked if method != "GET"]

    async def call(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, *, content: str = "application/json"
    ) -> Answer:
        await asyncio.sleep(0)
        self.asked.append((method, path))
        plural = next(one for one in PLURALS if f"/{one}" in path)
        if plural not in self.served:
            return Answer(404, b"page not found")
        if refusal := self.refuse.get((method, plural)):
            return Answer(refusal[0], msgspec.json.encode({"message": refusal[1]}))
        match method:
            case "GET":
                return Answer(200, msgspec.json.encode({"items": self._listed(path, plural, (query or {}).get("labelSelector", ""))}))
            case "PATCH":
                assert content == "application/apply-patch+yaml"
                assert query == {"fieldManager": "pointsman", "force": "true"}
            case "PUT" if body["metadata"]["resourceVersion"] != self.objects[path]["metadata"]["resourceVersion"]:
                return Answer(409, msgspec.json.encode({"message": "the object has been modified"}))
            case "DELETE":
                return Answer(200 if self.objects.pop(path, None) else 404, b"{}")
        self.put(path, body)
        return Answer(200, b"{}")

    def _listed(self, path: str, plural: str, selector: str) -> list[dict[str, Any]]:
        wanted = dict(one.split("=") for one in selector.split(",")) if selector else {}
        whole = "/namespaces/" not in path
        below = [one for at, one in sorted(self.objects.items()) if at.startswith(f"{path}/") or (whole and f"/{plural}/" in at)]
        return [one for one in below if wanted.items() <= (one["metadata"].get("labels") or {}).items()]

    async def close(self) -> None:
        """There is nothing to close."""
