"""Forks to an API server, a namespace at a time. Only the leader writes; who leads is for `xds/reports/` to say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import Protocol
from urllib.parse import quote

from translator.ir.copy import Copies
from translator.resources.crd import GROUP
from xds.forks.difference import KINDS, SELECTOR, Json, Plan, collection, plan, printed
from xds.forks.drawing import ROLLOUTS, Drawing, There
from xds.forks.following import UnreadableError
from xds.reports.queue import Name
from xds.reports.rounds import Rounds
from xds.sources.kube.transport import APPLY, Broken, Caller

LOOK = 5.0  # seconds until what could not be listed is asked for again
Say = Callable[[str, str], None]


class Standing(Protocol):
    """What namespaces have; `following.py` says how it is known."""

    def there(self, namespace: str, *, rollouts: bool) -> There | None: ...
    def leave(self, namespace: str) -> None: ...


class Forks:
    """`rows` gives what there is to be now, by Sandbox; `say` is told of each Sandbox what is wrong with its forks, or nothing. `standing`
    is to be set before it runs, and touches namespaces that changed.
    """

    standing: Standing

    def __init__(
        self, transport: Caller, rows: Callable[[], Mapping[str, Copies]], say: Say, leads: Callable[[], bool], clock: Callable[[], float],
        groups: tuple[str, ...] = (GROUP,),
    ) -> None:  # fmt: skip
        self.transport, self._rows, self._say, self._leads = transport, rows, say, leads
        self._groups = groups
        self._rounds = Rounds(leads, clock)
        self.queue, self.counts = self._rounds.queue, self._rounds.counts
        self._known: dict[str, dict[Name, str]] = {}  # namespace → prints of what we applied
        self._drawings: dict[str, Drawing] = {}

    def touch(self, namespaces: Iterable[str]) -> None:
        self._rounds.put(("Namespace", one) for one in namespaces)

    async def run(self) -> None:
        """Without end."""
        await self._rounds.run(self._one, self._all)

    async def _all(self) -> float:
        """Touches what is wanted, and what holds something of ours from whatever time. Again soon if not all could be asked."""
        found, known = {row.namespace for row in self._rows().values()}, True
        for kind in KINDS:
            try:
                answer = await self.transport.call("GET", collection(kind), None, {"labelSelector": SELECTOR})
            except Broken:
                known = False
                continue
            known &= answer.status in (200, 403, 404)
            found |= {one["metadata"]["namespace"] for one in answer.json()["items"]} if answer.status == 200 else set()
        self.touch(found)
        return inf if known else LOOK

    # One namespace -----------------------------------------------------------------------------------------------------

    async def _one(self, name: Name) -> bool:
        try:
            return await self._made(name[1])
        except Broken:
            return False  # nobody answers: that is no news of any Sandbox

    async def _made(self, namespace: str) -> bool:
        """Whether everything is as it is declared, as far as it can be."""
        rows = {key: row for key, row in sorted(self._rows().items()) if row.namespace == namespace}
        try:
            there = self.standing.there(namespace, rollouts=any(one.kind in ROLLOUTS for row in rows.values() for one in row.copies))
        except UnreadableError as error:
            for key in rows:
                self._say(key, str(error))
            return True
        if there is None:  # it says so, once it is known
            return True
        known = self._known.setdefault(namespace, {})
        found = plan(rows.values(), there, known, self._drawings.setdefault(namespace, Drawing()))
        failed = await self._write(namespace, found, known)
        for key, row in rows.items():
            self._say(key, "; ".join([*found.problems.get(row.sandbox, ()), *failed.get(row.sandbox, ())]))
        if not rows and not failed:
            del self._known[namespace], self._drawings[namespace]
            self.standing.leave(namespace)
        return not failed

    async def _write(self, namespace: str, found: Plan, known: dict[Name, str]) -> dict[str, list[str]]:
        """What went wrong, by Sandbox; under "" what could not be removed."""
        owners: dict[str, Json | None] = {}
        failed: dict[str, list[str]] = {}
        for sandbox in dict.fromkeys(sandbox for sandbox, _ in found.applied):
            try:
                owners[sandbox] = await self._owner(namespace, sandbox)
            except UnreadableError as error:
                failed[sandbox] = [str(error)]
        for sandbox, document in found.applied:
            owner = owners.get(sandbox)
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
            if answer.status not in (200, 404):
                raise UnreadableError(f"Sandbox {sandbox}: {answer.said()}")
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
