"""One or more Nodes in one process: says that they are there, binds Pods to them, and runs what is bound."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from tests.kube.cluster.node import volumes
from tests.kube.cluster.node.api import MERGE, Api, Json, pause
from tests.kube.cluster.node.images import Image
from tests.kube.cluster.node.pod import Pod

AT_ONCE = 8  # Pods whose processes are started at a time
BEAT = 20.0  # seconds between heartbeats
PLENTY = {"cpu": "64", "memory": "64Gi", "pods": "1000", "ephemeral-storage": "100Gi"}


class Contents:
    """All Secrets and ConfigMaps, as they are now."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], dict[str, bytes]] = {}
        self.moved = asyncio.Condition()

    async def put(self, kind: str, event: str, found: Json) -> None:
        if event == "LIST":
            self.held = {name: held for name, held in self.held.items() if name[0] != kind}
            for one in found["items"]:
                self.held[kind, _key(one)] = volumes.content({**one, "kind": kind})
        elif event == "DELETED":
            self.held.pop((kind, _key(found)), None)
        else:
            self.held[kind, _key(found)] = volumes.content({**found, "kind": kind})
        async with self.moved:
            self.moved.notify_all()


class Node:
    def __init__(self, name: str, address: str, api: Api, contents: Contents, images: Sequence[Image], **places: Any) -> None:
        """`places`: folder, logs, shown, server."""
        self.name, self.address, self.api, self.images = name, address, api, images
        self.folder: Path = places["folder"] / name
        self.logs: Path = places["logs"]
        self.shown: Sequence[str] = places["shown"]
        self.server: tuple[str, str] = places["server"]
        self.longest_grace: float = places["longest_grace"]
        self.starting = asyncio.Semaphore(AT_ONCE)
        self.pods: dict[str, Pod] = {}
        self._contents, self._tasks = contents, set[asyncio.Task[None]]()

    async def register(self) -> None:
        labels = {"kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
        metadata = {"name": self.name, "labels": labels}
        await self.api.told("POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": metadata})
        await self.beat()
        # The API server gives a new node the taint "not ready", which another controller takes away: with it no DaemonSet runs here
        await self.api.told("PATCH", f"/api/v1/nodes/{self.name}", {"spec": {"taints": None}}, MERGE)

    async def beat(self) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ready = {"type": "Ready", "status": "True", "reason": "Ready", "lastHeartbeatTime": now, "lastTransitionTime": now}
        found = {
            "capacity": PLENTY,
            "allocatable": PLENTY,
            "addresses": [{"type": "InternalIP", "address": self.address}, {"type": "Hostname", "address": self.name}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "conditions": [ready],
        }
        await self.api.told("PATCH", f"/api/v1/nodes/{self.name}/status", {"status": found}, MERGE)

    def take(self, event: str, document: Json, number: int) -> None:
        """An event of a Pod that is bound here."""
        pod = self.pods.get(document["metadata"]["uid"])
        if event == "DELETED":
            if pod:
                pod.removed()
        elif pod:
            pod.changed(document)
        elif document.get("status", {}).get("phase") not in ("Succeeded", "Failed"):
            made = self.pods[document["metadata"]["uid"]] = Pod(self, document, number)
            if "deletionTimestamp" in document["metadata"]:
                made.ending.set()

    def forget(self, pod: Pod) -> None:
        self.pods.pop(pod.uid, None)

    def keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # For Pods ----------------------------------------------------------------------------------------------------------

    async def content(self, kind: str, key: str, *, optional: bool) -> dict[str, bytes]:
        """Waits until it is there, as a kubelet does."""
        while (kind, key) not in self._contents.held and not optional:
            await self.content_moved()
        return self._contents.held.get((kind, key), {})

    async def content_moved(self) -> None:
        async with self._contents.moved:
            await self._contents.moved.wait()

    async def token(self, namespace: str, account: str, source: Json, uid: str, pod: str) -> bytes:
        spec: Json = {"expirationSeconds": source.get("expirationSeconds", 3600)}
        if source.get("audience"):
            spec["audiences"] = [source["audience"]]
        spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": uid}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        answer = await self.api.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token", body)
        if answer.status >= 300:
            raise OSError(f"no token for {namespace}/{account}: {answer.body[:200]!r}")
        return str(answer.json()["status"]["token"]).encode()


class Nodes:
    """All of them, and what they share."""

    def __init__(self, api: Api, nodes: Sequence[Node], contents: Contents) -> None:
        self.nodes = {node.name: node for node in nodes}
        self._api, self._contents = api, contents
        self._numbers, self._turns = count(1), count()

    async def run(self, *more: Coroutine[Any, Any, None]) -> None:
        for node in self.nodes.values():
            await node.register()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pods())
            group.create_task(self._content("Secret", "/api/v1/secrets"))
            group.create_task(self._content("ConfigMap", "/api/v1/configmaps"))
            group.create_task(self._beat())
            for one in more:
                group.create_task(one)

    async def _beat(self) -> None:
        while True:
            await pause(BEAT)
            for node in self.nodes.values():
                await node.beat()

    async def _content(self, kind: str, path: str) -> None:
        async for event, found in self._api.follow(path):
            await self._contents.put(kind, event, found)

    async def _pods(self) -> None:
        async for event, found in self._api.follow("/api/v1/pods"):
            if event != "LIST":
                await self._pod(event, found)
                continue
            there = {one["metadata"]["uid"] for one in found["items"]}
            for node in self.nodes.values():
                for uid in node.pods.keys() - there:
                    node.pods[uid].removed()
            for one in found["items"]:
                await self._pod("ADDED", one)

    async def _pod(self, event: str, document: Json) -> None:
        bound = document["spec"].get("nodeName")
        if bound in self.nodes:
            self.nodes[bound].take(event, document, next(self._numbers))
        elif not bound and event != "DELETED" and "deletionTimestamp" not in document["metadata"]:
            await self._bind(document)

    async def _bind(self, document: Json) -> None:
        """The whole scheduler: selectors by label, names of a DaemonSet's affinity, then each node in its turn."""
        fitting = [node for node in self.nodes.values() if _fits(document["spec"], node.name)]
        if not fitting:
            return
        node, metadata = fitting[next(self._turns) % len(fitting)], document["metadata"]
        body = {
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": metadata["name"], "uid": metadata["uid"]},
            "target": {"kind": "Node", "name": node.name},
        }  # fmt: skip
        await self._api.told("POST", f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/binding", body)


def _fits(spec: Json, node: str) -> bool:
    wanted = spec.get("nodeSelector", {}).get("kubernetes.io/hostname", node)
    required = spec.get("affinity", {}).get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution", {})
    fields = [field for term in required.get("nodeSelectorTerms", ()) for field in term.get("matchFields", ())]
    return wanted == node and all(node in field["values"] for field in fields if field["key"] == "metadata.name")


def _key(document: Json) -> str:
    return f"{document['metadata']['namespace']}/{document['metadata']['name']}"
