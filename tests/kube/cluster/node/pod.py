"""One Pod from its binding to its end: network, volumes, containers, probes, restarts, status, hooks."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.kube.cluster.node import volumes
from tests.kube.cluster.node.api import MERGE, Json
from tests.kube.cluster.node.container import Container, Place, expanded
from tests.kube.cluster.node.images import chosen
from tests.kube.cluster.node.logs import Log
from tests.kube.cluster.node.network import Network
from tests.kube.cluster.node.probes import hook, listens, passes
from tests.kube.cluster.node.status import status

if TYPE_CHECKING:
    from tests.kube.cluster.node.node import Node

LOOK, FIRST_LOOK = 0.5, 0.05  # seconds between looks at a Pod that is well, and at one that is not yet
BACKOFF = 10.0  # seconds until a container that ends again and again is started again, at most
LOW_PORTS = "net.ipv4.ip_unprivileged_port_start"


class Pod:
    def __init__(self, node: Node, document: Json, number: int) -> None:
        self.node, self.document = node, document
        self.namespace, self.name, self.uid = (document["metadata"][one] for one in ("namespace", "name", "uid"))
        self.path = f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"
        self.network = Network(number, node.address)
        self.folder = node.folder / f"{self.namespace}_{self.name}_{self.uid[:8]}"
        self.containers: list[Container] = []
        self.sidecars: list[Container] = []  # init containers that go on (KEP-753)
        self.logs: dict[str, Log] = {}
        self.ending, self.gone = asyncio.Event(), False
        self.since: dict[str, tuple[bool, str]] = {}  # conditions: whether, and since when
        self._moved = asyncio.Event()
        self.task = asyncio.create_task(self._live())

    @property
    def on_host(self) -> bool:
        return bool(self.document["spec"].get("hostNetwork"))

    @property
    def address(self) -> str:
        return self.node.address if self.on_host else self.network.address

    @property
    def spec(self) -> Json:
        return self.document["spec"]  # type: ignore[no-any-return]

    def changed(self, document: Json) -> None:
        self.document = document
        if "deletionTimestamp" in document["metadata"]:
            self.ending.set()
        self._moved.set()

    def removed(self) -> None:
        """The object is gone: nobody is told any more."""
        self.gone = True
        self.ending.set()

    # Life --------------------------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        starting = asyncio.create_task(self._start())
        ended = asyncio.create_task(self.ending.wait())
        try:
            await asyncio.wait({starting, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
            elif error := starting.exception():
                print("pod", self.namespace, self.name, repr(error), flush=True)
                await self._tell("Pending", f"failed to start: {error}")
                await ended
            else:
                await self._supervise()
        finally:
            ended.cancel()
            await self._finish()

    async def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        async with self.node.starting:
            if not self.on_host:
                sysctls = self.spec.get("securityContext", {}).get("sysctls", ())
                await self.network.make(low_ports=any((one["name"], one["value"]) == (LOW_PORTS, "0") for one in sysctls))
        await self.refresh()
        (self.folder / "hosts").write_text(f"127.0.0.1 localhost\n{self.address} {self.name}\n")
        search = f"search {self.namespace}.svc.cluster.local svc.cluster.local cluster.local"
        (self.folder / "resolv.conf").write_text(f"nameserver {self.node.address}\noptions ndots:5 timeout:2\n{search}\n")
        for spec in self.spec.get("initContainers", ()):
            first = await self._container(spec)
            await first.start()
            assert first.process
            if spec.get("restartPolicy") == "Always":
                self.sidecars.append(first)
            elif await first.process.wait():
                raise OSError(f"init container {first.name} ended with {first.exit}")
        self.containers = [await self._container(spec) for spec in self.spec["containers"]]
        async with self.node.starting:
            for one in self.containers:
                await self._run(one)
        following = asyncio.create_task(self._follow_volumes())
        self.node.keep(following)

    async def _run(self, one: Container) -> None:
        await one.start()
        one.started = now()

    async def _container(self, spec: Json) -> Container:
        image = chosen(self.node.images, spec["image"])
        if image is None:
            raise OSError(f"no program stands for image {spec['image']}")
        log = self.logs.setdefault(spec["name"], Log(self.node.logs / f"{self.namespace}_{self.name}_{spec['name']}.log"))
        context = {**self.spec.get("securityContext", {}), **spec.get("securityContext", {})}
        place = Place("" if self.on_host else self.network.name, self.folder / spec["name"], self.folder, self.node.shown)
        environment = await self._environment(spec) | image.environment
        return Container(spec, image, place, log, environment, context.get("runAsUser"))

    async def _environment(self, spec: Json) -> dict[str, str]:
        host, port = self.node.server
        found = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "HOSTNAME": self.name,
            "KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port,
        }  # fmt: skip
        for one in spec.get("env", ()):
            value, source = one.get("value", ""), one.get("valueFrom", {})
            if "fieldRef" in source:
                value = self._field(source["fieldRef"]["fieldPath"])
            for word, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
                if word in source:
                    values = await self._fetch(kind, source[word]["name"], bool(source[word].get("optional")))
                    value = values.get(source[word]["key"], b"").decode()
            found[one["name"]] = expanded(value, found)
        return found

    # Volumes -----------------------------------------------------------------------------------------------------------

    async def refresh(self) -> None:
        for volume in self.spec.get("volumes", ()):
            folder = self.folder / "volumes" / volume["name"]
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o777)
            if (found := await volumes.files(volume, self._field, self._fetch, self._token)) is not None:
                volumes.write(folder, found, 0o644)

    async def _follow_volumes(self) -> None:
        """Until the Pod ends. What cannot be read now is left as it is."""
        while not self.ending.is_set():
            await self.node.content_moved()
            with contextlib.suppress(OSError):
                await self.refresh()

    async def _fetch(self, kind: str, name: str, optional: bool) -> dict[str, bytes]:
        return await self.node.content(kind, f"{self.namespace}/{name}", optional=optional)

    async def _token(self, source: Json) -> bytes:
        return await self.node.token(self.namespace, self.spec.get("serviceAccountName", "default"), source, self.uid, self.name)

    def _field(self, path: str) -> str:
        host = self.node.address
        more = {"status.podIP": self.address, "status.podIPs": self.address, "status.hostIP": host, "status.hostIPs": host}
        return volumes.field(self.document, path, more)

    # Running -----------------------------------------------------------------------------------------------------------

    async def _supervise(self) -> None:
        told, pause, due = None, FIRST_LOOK, dict[str, float]()
        while not self.ending.is_set():
            for one in (*self.sidecars, *self.containers):
                await self._look(one, due)
            phase = self._phase()
            view = (phase, [(one.ready, one.restarts, one.exit) for one in self.containers], self._gates())
            if view != told and await self._tell(phase):
                told = view
            pause = LOOK if all(one.ready for one in self.containers) else min(pause * 1.5, LOOK)
            await self._wait(pause if phase == "Running" else None)

    async def _wait(self, seconds: float | None) -> None:
        self._moved.clear()
        waits = [asyncio.create_task(one.wait()) for one in (self.ending, self._moved)]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()

    async def _look(self, one: Container, due: dict[str, float]) -> None:
        if one.running:
            probe = one.spec.get("readinessProbe")
            one.ready = await passes(one, probe, self.address) if probe else listens(one)
            if "livenessProbe" in one.spec and not await self._lives(one):
                one.signal(signal.SIGKILL)
            return
        one.ready = False
        again = self.spec.get("restartPolicy", "Always")
        if again == "Always" or one in self.sidecars or (again == "OnFailure" and one.exit):
            if time.monotonic() < due.setdefault(one.name, time.monotonic() + min(BACKOFF, 0.25 * 2**one.restarts)):
                return
            del due[one.name]
            one.restarts += 1
            await self._run(one)

    async def _lives(self, one: Container) -> bool:
        probe = one.spec["livenessProbe"]
        old = (datetime.now(UTC) - datetime.fromisoformat(one.started)).total_seconds()
        if old < probe.get("initialDelaySeconds", 0) or await passes(one, probe, self.address):
            one.failures["live"] = 0
            return True
        one.failures["live"] = one.failures.get("live", 0) + 1
        return one.failures["live"] < probe.get("failureThreshold", 3) * max(1.0, probe.get("periodSeconds", 10) / LOOK)

    def _phase(self) -> str:
        exits = [one.exit for one in self.containers]
        again = self.spec.get("restartPolicy", "Always")
        if None in exits or again == "Always" or (again == "OnFailure" and any(exits)):
            return "Running"
        return "Failed" if any(exits) else "Succeeded"

    def _gates(self) -> list[str]:
        return [one["conditionType"] for one in self.spec.get("readinessGates", ())]

    async def _tell(self, phase: str, message: str = "") -> bool:
        body = {"metadata": {"uid": self.uid}, "status": status(self, phase, message)}
        return await self.node.api.told("PATCH", f"{self.path}/status", body, MERGE)

    # The end -----------------------------------------------------------------------------------------------------------

    async def _finish(self) -> None:
        grace = 0.0 if self.gone else float(self.document["metadata"].get("deletionGracePeriodSeconds") or 0)
        grace = min(grace, self.node.longest_grace)
        started = time.monotonic()
        stops = [(one, one.spec.get("lifecycle", {}).get("preStop")) for one in self.containers if one.running]
        hooks = [hook(one, stop, self.address) for one, stop in stops if stop]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await asyncio.gather(*hooks, return_exceptions=True)
        left = max(0.05, grace - (time.monotonic() - started))
        await asyncio.gather(*(one.end(left) for one in self.containers), return_exceptions=True)
        await asyncio.gather(*(one.end(max(0.05, grace - (time.monotonic() - started))) for one in self.sidecars), return_exceptions=True)
        for log in self.logs.values():
            await log.close()
        if not self.on_host:
            await self.network.remove()
        if not self.gone:
            await self.node.api.told("DELETE", self.path, {"gracePeriodSeconds": 0, "preconditions": {"uid": self.uid}})
        self.node.forget(self)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
