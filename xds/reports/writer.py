"""Statuses to an API server: takes part in the election, and while it leads, writes what is different. All I/O of this folder.

Each write reads the object, changes our part of its status, and names the version that it has read. A conflict is read and
tried again at once, a few times; anything else waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from translator.gatewayapi.conditions import CONTROLLER
from xds import crds
from xds.reports.lease import RETRY, Election
from xds.reports.merge import merged
from xds.reports.notes import again, event, notes
from xds.reports.problems import Problems
from xds.reports.queue import Counts, Name, Queue
from xds.sources.kube.access import loader
from xds.sources.kube.kinds import Watched, watched
from xds.sources.kube.rights import Rights
from xds.sources.kube.transport import Answer, Broken, Caller, Transport

AT_ONCE = 16  # objects written at a time
PATIENCE = 2.0  # seconds for which what is soon to be known better is not written yet
CONFLICTS = 5
NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")  # what a Pod is told
EVENTS = "/api/v1/namespaces/{}/events"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which name we write, and where the election is held."""

    controller: str
    identity: str
    namespace: str
    lease: str = "pointsman"


class Refusable(Caller, Protocol):
    """The part of a transport that is used here: it knows which rights it was refused for want of."""

    rights: Rights


class Writer:
    """`status` gives our status of an object, or None where it is none of ours."""

    def __init__(
        self,
        transport: Refusable,
        kinds: Iterable[Watched],
        status: Callable[[str, str], dict[str, Any] | None],
        terms: Terms,
        clock: Callable[[], float],
        soon: Callable[[Name], bool] = lambda _: False,
    ) -> None:
        """`soon` says of which objects more will be known in a moment, so that one write is enough."""
        self.transport, self._clock, self._terms = transport, clock, terms
        self._kinds: dict[str, list[Watched]] = {}  # in each group that has it, in the order in which its objects count
        for kind in kinds:
            self._kinds.setdefault(kind.name, []).append(kind)
        self._status = status
        self._soon = soon
        self.election, self.queue, self.counts = Election(terms.identity), Queue(), Counts()
        self._put = asyncio.Event()
        self.problems = Problems()  # kind → why its statuses are not taken

    def leads(self) -> bool:
        return self.election.leads(self._clock())

    def touch(self, names: Iterable[Name]) -> None:
        """Our status of these is different from before."""
        now = self._clock()
        for name in names:
            if name[0] in self._kinds:
                self.queue.put(name, now, PATIENCE if self._soon(name) else 0.0)
        self._put.set()

    async def run(self, everything: Callable[[], Iterable[Name]]) -> None:
        """Without end. Who begins to lead looks at `everything`: its predecessor may have left off anywhere."""
        electing, writing = asyncio.create_task(self._elect(everything)), set[asyncio.Task[None]]()
        try:
            while True:
                self._begin(writing)
                await self._until_due(full=len(writing) >= AT_ONCE)
        finally:
            for task in (electing, *writing):
                task.cancel()
            await asyncio.gather(electing, *writing, return_exceptions=True)
            await self._release()
            await self.transport.close()

    # The election ------------------------------------------------------------------------------------------------------

    async def _elect(self, everything: Callable[[], Iterable[Name]]) -> None:
        while True:
            led = self.election.leads(self._clock())
            with contextlib.suppress(*Broken):
                await self._campaign()
            if self.election.leads(self._clock()) and not led:
                self.touch(everything())
            await asyncio.sleep(RETRY)

    async def _campaign(self) -> None:
        path, sent = LEASES.format(self._terms.namespace), self._clock()
        answer = await self.transport.call("GET", f"{path}/{self._terms.lease}")
        if answer.status not in (200, 404):
            return
        found = answer.json() if answer.status == 200 else {}
        version = found.get("metadata", {}).get("resourceVersion", "")
        write = self.election.seen(version, found.get("spec") or {}, sent, _wall())
        if write is None:
            return
        sent = self._clock()
        body = self._lease(write.spec, write.version)
        place = f"{path}/{self._terms.lease}" if write.version else path
        answer = await self.transport.call("PUT" if write.version else "POST", place, body)
        if answer.status in (200, 201):
            self.election.wrote(answer.json()["metadata"]["resourceVersion"], sent)
        elif answer.status == 409:
            self.election.lost()

    def _lease(self, spec: dict[str, Any], version: str) -> dict[str, Any]:
        metadata = {"name": self._terms.lease, "namespace": self._terms.namespace, **({"resourceVersion": version} if version else {})}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}

    async def _release(self) -> None:
        """Nobody has to wait for us; and where this cannot be said any more, they wait."""
        version, spec = self.election.version, self.election.released()
        if spec and version:
            with contextlib.suppress(*Broken):
                await self.transport.call("PUT", f"{LEASES.format(self._terms.namespace)}/{self._terms.lease}", self._lease(spec, version))

    # Writing -----------------------------------------------------------------------------------------------------------

    async def _until_due(self, *, full: bool) -> None:
        """Until the next object is due, or one of those that are being written is done, or something changed."""
        due = None if full else self.queue.due()
        wait = None if due is None else max(0.01, due - self._clock())
        if due is not None and not self.election.leads(self._clock()):
            wait = RETRY
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._put.wait()
        self._put.clear()

    def _begin(self, writing: set[asyncio.Task[None]]) -> None:
        """Whatever is due is being written, AT_ONCE of it at a time: a slow one holds up no other."""
        for one in [one for one in writing if one.done()]:
            writing.discard(one)
            one.result()  # a bug of ours ends the writer, and is not passed over
        now = self._clock()
        for name in self.queue.take(now, AT_ONCE - len(writing)) if self.election.leads(now) else ():
            task = asyncio.create_task(self._write(name))
            task.add_done_callback(lambda _: self._put.set())
            writing.add(task)

    async def _write(self, name: Name) -> None:
        try:
            done = await self._written(name)
        except Broken:
            done = False
        if done:
            self.queue.wrote(name, self._clock())
        else:
            self.counts.failed += 1
            self.queue.failed(name, self._clock())

    async def _found(self, name: Name) -> tuple[Watched, Answer]:
        """The object that counts."""
        for kind in self._kinds[name[0]]:
            answer = await self.transport.call("GET", kind.path(kind.versions[0], name[1]))
            if answer.status != 404:
                break
        return kind, answer

    async def _written(self, name: Name) -> bool:
        for _ in range(CONFLICTS):
            kind, answer = await self._found(name)
            if answer.status == 404:
                return True
            if answer.status != 200:
                return self._refused(name[0], answer)
            found = answer.json()
            status = merged(name[0], found.get("status") or {}, self._status(*name), self._terms.controller)
            if status is None:
                self.counts.unchanged += 1
                return True
            if not self.election.leads(self._clock()):
                return False
            answer = await self.transport.call("PUT", kind.path(kind.versions[0], name[1], "status"), {**found, "status": status})
            if answer.status == 200:
                self.counts.written += 1
                self.problems.say(name[0], "")
                await self._note(found, status)
                return True
            if answer.status != 409:
                return self._refused(name[0], answer)
            self.counts.conflicts += 1
        return False

    def _refused(self, kind: str, answer: Answer) -> bool:
        """Not done. One reason for each kind: which object it was does not matter where none is taken."""
        self.problems.say(kind, answer.said())
        return False

    async def _note(self, of: dict[str, Any], status: dict[str, Any]) -> None:
        """Events are news and no state: one that cannot be written is left."""
        for note in notes(of.get("status") or {}, status, self._terms.controller):
            made = event(note, of, self._terms.identity, _wall(""))
            path = EVENTS.format(made["metadata"]["namespace"])
            with contextlib.suppress(*Broken):
                if (await self.transport.call("POST", path, made)).status != 409:
                    continue
                path = f"{path}/{made['metadata']['name']}"
                there = await self.transport.call("GET", path)
                if there.status == 200:
                    await self.transport.call("PUT", path, again(there.json(), made["lastTimestamp"]))


def writer(
    kubeconfig: str | None, context: str | None, status: Callable[[str, str], dict[str, Any] | None], soon: Callable[[Name], bool],
    groups: tuple[str, ...],
) -> Writer:  # fmt: skip
    """One that writes to the cluster to which the configuration leads; the election is held in our own namespace."""
    name = os.environ.get("HOSTNAME") or socket.gethostname()  # of the Pod
    identity = f"{name}_{os.getpid()}_{secrets.token_hex(4)}"
    terms = Terms(CONTROLLER, identity, home())
    return Writer(Transport(loader(kubeconfig, context)), watched(crds.shipped(), groups), status, terms, time.monotonic, soon)


def home() -> str:
    """Our own namespace."""
    return NAMESPACE.read_text().strip() if NAMESPACE.is_file() else "default"


def _wall(fraction: str = ".%f") -> str:
    return datetime.now(UTC).strftime(f"%Y-%m-%dT%H:%M:%S{fraction}Z")
