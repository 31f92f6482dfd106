"""A cluster of plain dictionaries for tests of installing: it takes what is applied, and says of it what a healthy cluster would.

A test takes health away, by kind: what is in `sick` stays as it was applied.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from xds.installation.installing import Wait
from xds.installation.manifests import NAME, NAMESPACE, place
from xds.sources.kube.transport import Answer

Json = dict[str, Any]
TRUE = {"status": "True", "reason": "Fine", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
GATEWAYS = "/apis/gateway.networking.k8s.io/v1/namespaces/{}/gateways/{}"


class World:
    """`refuse` answers 403 where method and path contain these words; `may_not` are verb and resource of the server's account."""

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.sick: set[str] = set()
        self.refuse: tuple[str, str] | None = None
        self.may_not: set[tuple[str, str]] = set()
        self.asked: list[tuple[str, str]] = []
        self.version = {"major": "1", "minor": "36"}
        self.now = datetime.now(UTC)
        self.stuck: set[str] = set()  # paths that are not removed when they are deleted
        self._count = 0

    def writes(self) -> list[tuple[str, str]]:
        return [one for one in self.asked if one[0] != "GET"]

    def put(self, path: str, document: Json) -> Json:
        self._count += 1
        namespace, _, name = path.partition("/namespaces/")[2].partition("/")
        metadata = {"name": path.rpartition("/")[2], **({"namespace": namespace} if name else {}), **document.get("metadata", {})}
        self.objects[path] = {**document, "metadata": {**metadata, "resourceVersion": str(self._count), "uid": f"u{self._count}"}}
        self._heal(self.objects[path])
        return self.objects[path]

    def _heal(self, one: Json) -> None:
        """What controllers and the server would say."""
        kind = one.get("kind", "")
        if kind in self.sick:
            return
        if kind == "CustomResourceDefinition":
            one["status"] = {"conditions": [{"type": "Established", **TRUE}]}
        elif kind == "GatewayClass":
            one["status"] = {"conditions": [{"type": "Accepted", **TRUE}]}
        elif kind == "Deployment" and one["metadata"]["name"] == NAME:
            count = one["spec"].get("replicas", 1)
            one["status"] = {"observedGeneration": 1, "updatedReplicas": count, "availableReplicas": count}
            ready = {"endpoints": [{"conditions": {"ready": True}}]}
            labels = {"kubernetes.io/service-name": NAME}
            self.put(place("discovery.k8s.io/v1", "endpointslices", NAMESPACE, "one"), {"metadata": {"labels": labels}, **ready})
            spec = {"holderIdentity": "pod", "renewTime": self.now.isoformat()}
            self.put(place("coordination.k8s.io/v1", "leases", NAMESPACE, NAME), {"spec": spec})

    # As a transport ----------------------------------------------------------------------------------------------------

    async def call(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, *, content: str = "application/json"
    ) -> Answer:
        await asyncio.sleep(0)
        self.asked.append((method, path))
        if self.refuse and self.refuse[0] == method and self.refuse[1] in path:
            return _answer(403, {"message": f"may not {method} {path}"})
        match method:
            case "PATCH":
                return self._applied(path, body, query or {}, content)
            case "DELETE":
                return self._deleted(path)
            case "PUT":
                self.objects[path.removesuffix("/status")] = body
                return _answer(200, body)
            case "POST":
                return self._reviewed(body)
            case _ if path in self.objects:
                return _answer(200, self.objects[path])
            case _ if query is None:
                return _answer(404, {})
            case _:
                return _answer(200, {"items": self._listed(path, query)})

    @contextlib.asynccontextmanager
    async def get(self, path: str, query: Mapping[str, str]) -> AsyncIterator[Any]:
        assert (path, dict(query)) == ("/version", {})
        yield _Response(self.version, self.now)

    async def close(self) -> None:
        """There is nothing to close."""

    def _applied(self, path: str, body: Json, query: Mapping[str, str], content: str) -> Answer:
        assert content == "application/apply-patch+yaml"
        assert query["fieldManager"] == "pointsman-install"
        there = self.objects.get(path)
        _, _, inside = path.partition("/namespaces/")
        if "/" in inside and place("v1", "namespaces", "", inside.partition("/")[0]) not in self.objects:
            return _answer(404, {"message": "namespace not found"})
        if "dryRun" in query:
            return _answer(200, _joined(there or {}, body))
        if there is not None and _joined(there, body) == there:
            return _answer(200, there)
        return _answer(200 if there else 201, self.put(path, _joined(there or {}, body)))

    def _deleted(self, path: str) -> Answer:
        if path in self.stuck:
            return _answer(202, {})
        gone = self.objects.pop(path, None)
        if gone is None:
            return _answer(404, {})
        if gone.get("kind") == "Namespace":
            for below in [one for one in self.objects if f"/namespaces/{gone['metadata']['name']}/" in one]:
                del self.objects[below]
        return _answer(200, {})

    def _reviewed(self, body: Json) -> Answer:
        attributes = body["spec"]["resourceAttributes"]
        resource = "/".join(filter(None, (attributes["resource"], attributes.get("subresource"))))
        return _answer(201, {"status": {"allowed": (attributes["verb"], resource) not in self.may_not}})

    def _listed(self, path: str, query: Mapping[str, str]) -> list[Json]:
        """Of one namespace or of all."""
        root, _, plural = path.rpartition("/")
        api = path.split("/")[:3]
        places = [at for at in self.objects if at.startswith(root) and at.split("/")[:3] == api and at.split("/")[-2] == plural]
        below = [self.objects[at] for at in places]
        wanted = [one.partition("=") for one in query.get("labelSelector", "").split(",") if one]
        return [one for one in below if all(_has(one, name, value, bool(sign)) for name, sign, value in wanted)]


def _has(one: Json, name: str, value: str, given: bool) -> bool:
    labels = one["metadata"].get("labels") or {}
    return labels.get(name) == value if given else name in labels


def _joined(there: Json, body: Json) -> Json:
    """As server-side apply joins maps; lists are replaced."""
    made = copy.deepcopy(there)
    for name, value in body.items():
        made[name] = _joined(made.get(name) or {}, value) if isinstance(value, dict) else copy.deepcopy(value)
    return made


def _answer(status: int, body: Json) -> Answer:
    return Answer(status, msgspec.json.encode(body))


class _Response:
    def __init__(self, version: Json, now: datetime) -> None:
        self._version, self.status = version, 200
        self.headers = {"Date": now.strftime("%a, %d %b %Y %H:%M:%S GMT")}

    async def json(self, *, content_type: str | None) -> Json:
        assert content_type is None
        return self._version


def instant() -> Wait:
    """Time passes as fast as it is asked for."""
    now = 0.0

    async def pause(seconds: float) -> None:
        nonlocal now
        now += seconds
        await asyncio.sleep(0)

    return Wait(lambda: now, pause)


def gateway(world: World, name: str, of_class: str = NAME, namespace: str = "default", **more: Any) -> Json:
    document = {"kind": "Gateway", "apiVersion": "gateway.networking.k8s.io/v1", "spec": {"gatewayClassName": of_class}, **more}
    return world.put(GATEWAYS.format(namespace, name), document)


def plane(world: World, kind: str, version: str, plural: str, name: str, **more: Any) -> Json:
    """An object of the proxies of a Gateway."""
    labels = {
        "app.kubernetes.io/managed-by": "pointsman", "gateway.networking.k8s.io/gateway-name": name,
        "gateway.networking.k8s.io/gateway-class-name": NAME,
    }  # fmt: skip
    return world.put(place(version, plural, "default", f"{name}-pointsman"), {"kind": kind, "metadata": {"labels": labels}, **more})
