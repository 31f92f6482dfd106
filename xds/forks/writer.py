"""Forks to an API server, a namespace at a time. Only the leader writes; who leads is for `xds/reports/` to say."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote

from translator.ir.copy import Copies
from translator.resources.crd import GROUP
from xds.forks.difference import KINDS, SELECTOR, Json, Plan, There, collection, plan, printed
from xds.reports.queue import Counts, Name
from xds.reports.rounds import Rounds
from xds.sources.kube.transport import APPLY, Broken, Caller

LOOK = 10.0  # seconds after which all is looked at again: baselines are not watched
Say = Callable[[str, str], None]


class UnreadableError(Exception):
    """What is there cannot be told, so nothing is changed."""


class Forks:
    """`rows` gives what there is to be now, by Sandbox; `say` is told of each Sandbox what is wrong with its forks, or nothing."""

    def __init__(
        self, transport: Caller, rows: Callable[[], Mapping[str, Copies]], say: Say, leads: Callable[[], bool], clock: Callable[[], float],
        groups: tuple[str, ...] = (GROUP,),
    ) -> None:  # fmt: skip
        self.transport, self._rows, self._say, self._leads, self._clock = transport, rows, say, leads, clock
        self._groups = groups
        self._rounds, self.counts = Rounds(leads, clock), Counts()
        self.queue = self._rounds.queue
        self._known: dict[str, dict[Name, str]] = {}  # namespace → prints of what we applied

    def touch(self, namespaces: Iterable[str]) -> None:
        self._rounds.put(("Namespace", one) for one in namespaces)

    async def run(self) -> None:
        """Without end."""
        await self._rounds.run(self._one, self._all)

    async def _all(self) -> float:
        self.touch({row.namespace for row in self._rows().values()} | await self._held())
        return LOOK

    async def _held(self) -> set[str]:
        """Namespaces where something of ours is, from whatever time."""
        found: set[str] = set()
        for kind in KINDS:
            with contextlib.suppress(*Broken):
                answer = await self.transport.call("GET", collection(kind), None, {"labelSelector": SELECTOR})
                items = answer.json()["items"] if answer.status == 200 else []
                found |= {one["metadata"]["namespace"] for one in items}
        return found

    # One namespace -----------------------------------------------------------------------------------------------------

    async def _one(self, name: Name) -> None:
        try:
            done = await self._made(name[1])
        except Broken:
            done = False  # nobody answers: that is no news of any Sandbox
        if done:
            self.queue.wrote(name, self._clock())
        else:
            self.counts.failed += 1
            self.queue.failed(name, self._clock())

    async def _made(self, namespace: str) -> bool:
        """Whether everything is as it is declared, as far as it can be."""
        rows = {key: row for key, row in sorted(self._rows().items()) if row.namespace == namespace}
        try:
            there = There(await self._listed("Deployment", namespace), await self._listed("Service", namespace))
        except UnreadableError as error:
            for key in rows:
                self._say(key, str(error))
            return not rows
        known = self._known.setdefault(namespace, {})
        found = plan(rows.values(), there, known)
        failed = await self._write(namespace, found, known)
        for key, row in rows.items():
            self._say(key, "; ".join([*found.problems.get(row.sandbox, ()), *failed.get(row.sandbox, ())]))
        return not failed

    async def _listed(self, kind: str, namespace: str) -> list[Json]:
        answer = await self.transport.call("GET", collection(kind, namespace))
        if answer.status != 200:
            raise UnreadableError(f"{kind}: {answer.said()}")
        items: list[Json] = answer.json()["items"]
        return items

    async def _write(self, namespace: str, found: Plan, known: dict[Name, str]) -> dict[str, list[str]]:
        """What went wrong, by Sandbox; under "" what could not be removed."""
        owners: dict[str, Json | None] = {}
        failed: dict[str, list[str]] = {}
        for sandbox, document in found.applied:
            if sandbox not in owners:
                owners[sandbox] = await self._owner(namespace, sandbox)
            owner = owners[sandbox]
            if owner and (why := await self._apply(document, owner, known)):
                failed.setdefault(sandbox, []).append(why)
        for kind, name in found.deleted:
            known.pop((kind, name), None)
            if why := await self._delete(kind, namespace, name):
                failed.setdefault("", []).append(why)
        return failed

    async def _owner(self, namespace: str, sandbox: str) -> Json | None:
        """Nothing where it is gone: then nothing is made for it."""
        for group in self._groups:
            answer = await self.transport.call("GET", f"/apis/{group}/v1alpha1/namespaces/{namespace}/sandboxes/{sandbox}")
            if answer.status == 200:
                uid = answer.json()["metadata"]["uid"]
                return {"apiVersion": f"{group}/v1alpha1", "kind": "Sandbox", "name": sandbox, "uid": uid, "controller": True}
        return None

    async def _apply(self, document: Json, owner: Json, known: dict[Name, str]) -> str:
        if not self._leads():
            return "another replica leads by now"
        metadata = {**document["metadata"], "ownerReferences": [owner]}
        path = f"{collection(document['kind'], metadata['namespace'])}/{quote(metadata['name'])}"
        body, query = {**document, "metadata": metadata}, {"fieldManager": "pointsman-forks", "force": "true"}
        answer = await self.transport.call("PATCH", path, body, query, content=APPLY)
        if answer.status not in (200, 201):
            return f"{document['kind']} {metadata['name']}: {answer.said()}"
        known[document["kind"], metadata["name"]] = printed(answer.json())
        self.counts.written += 1
        return ""

    async def _delete(self, kind: str, namespace: str, name: str) -> str:
        if not self._leads():
            return "another replica leads by now"
        answer = await self.transport.call("DELETE", f"{collection(kind, namespace)}/{quote(name)}", {"propagationPolicy": "Background"})
        return "" if answer.status in (200, 202, 404) else f"{kind} {name}: {answer.said()}"
