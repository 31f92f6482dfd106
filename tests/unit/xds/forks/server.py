"""An API server for tests of forks: lists, applies and deletes Deployments and Services, and can refuse. Who follows is told at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from xds.forks.drawing import There
from xds.forks.following import UnreadableError
from xds.sources.kube.rights import Rights
from xds.sources.kube.transport import Answer

Json = dict[str, Any]
ROOTS = {
    "Deployment": "/apis/apps/v1/namespaces/shop/deployments",
    "Service": "/api/v1/namespaces/shop/services",
    "Rollout": "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts",
}


class Server:
    """`refuse` is by method and kind in the plural. What is applied gets what an API server fills in."""

    def __init__(self, *documents: Json) -> None:
        self.objects: dict[str, Json] = {}
        self.sandboxes = {"alice": "u1"}
        self.refuse: dict[tuple[str, str], tuple[int, str]] = {}
        self.asked: list[tuple[str, str]] = []
        self.rights = Rights()
        self.changed: Callable[[list[str]], None] = lambda _: None
        self.looks, self.rolled, self.unread = 0, False, ""
        self.left: list[str] = []
        for one in documents:
            self.objects[f"{ROOTS[one['kind']]}/{one['metadata']['name']}"] = one

    def writes(self) -> list[str]:
        return [f"{method} {path.rpartition('/')[2]}" for method, path in self.asked if method != "GET"]

    def get(self, kind: str, name: str) -> Json:
        return self.objects[f"{ROOTS[kind]}/{name}"]

    def names(self) -> set[str]:
        return {f"{one['kind']} {one['metadata']['name']}" for one in self.objects.values()}

    def seen(self) -> None:
        """Somebody changed something."""
        self.changed(["shop"])

    def remove(self, kind: str, name: str) -> None:
        del self.objects[f"{ROOTS[kind]}/{name}"]
        self.seen()

    def there(self, namespace: str, *, rollouts: bool) -> There:
        self.looks += 1
        self.rolled = rollouts
        for (refused, plural), (_, message) in self.refuse.items():
            if refused == "WATCH":
                raise UnreadableError(f"{plural}: {message}")
        found = There(*(self._listed(f"{root.replace('shop', namespace)}", "") for root in ROOTS.values()), unread=self.unread)
        return found if rollouts else replace(found, rollouts=())

    def leave(self, namespace: str) -> None:
        self.left.append(namespace)

    async def call(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, *, content: str = "application/json"
    ) -> Answer:
        await asyncio.sleep(0)
        self.asked.append((method, path))
        for (refused, plural), (status, message) in self.refuse.items():
            if method == refused and f"/{plural}" in path:
                return Answer(status, msgspec.json.encode({"message": message}))
        if "/sandboxes/" in path:
            uid = self.sandboxes.get(path.rpartition("/")[2])
            return Answer(200, msgspec.json.encode({"metadata": {"uid": uid}})) if uid else Answer(404, b"{}")
        match method:
            case "GET":
                return Answer(200, msgspec.json.encode({"items": self._listed(path, (query or {}).get("labelSelector", ""))}))
            case "PATCH":
                assert content == "application/apply-patch+yaml"
                assert query == {"fieldManager": "pointsman-forks", "force": "true"}
                self.objects[path] = {**body, "spec": {**body["spec"], "filled": "in"}}
                self.seen()
                return Answer(200, msgspec.json.encode(self.objects[path]))
            case _:
                self.seen()
                return Answer(200 if self.objects.pop(path, None) else 404, b"{}")

    def _listed(self, path: str, selector: str) -> list[Json]:
        wanted = dict(one.split("=") for one in selector.split(",")) if selector else {}
        whole = "/namespaces/" not in path
        plural = path.rpartition("/")[2]
        below = [one for at, one in self.objects.items() if at.startswith(f"{path}/") or (whole and f"/{plural}/" in at)]
        found = [one for one in below if wanted.items() <= (one["metadata"].get("labels") or {}).items()]
        return [{name: value for name, value in one.items() if name not in ("kind", "apiVersion")} for one in found]

    async def close(self) -> None:
        """There is nothing to close."""
