"""Objects of meshes to an API server, a namespace at a time. Only the leader writes; who leads is for `xds/reports/` to say.

A namespace is looked at when its forks change, and when somebody changes an object there. One of a user that we put routes into is
replaced in the version that was read, so nobody's change is lost: where it was changed meanwhile it is read anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import inf

from translator.ir.finding import Finding
from translator.ir.mesh import MeshRoute, answering
from translator.mesh.rules import Unsaid
from xds.mesh.contention import Contention
from xds.mesh.difference import OUTPUTS, PLURALS, SELECTOR, Json, Write, collection, kinded, unsaid, untold, writes
from xds.reports.problems import Problems
from xds.reports.queue import Name
from xds.reports.rounds import Rounds
from xds.sources.kube.transport import APPLY, Broken, Caller

LOOK = 5.0  # seconds until what could not be listed is asked for again
CONTENDED = "somebody takes our routes out as often as they are put in; let him pass over them, or keep us out by the annotation"
CONFLICTS = 5  # looks at a namespace in which others write at the same time
Routes = Mapping[tuple[str, str], MeshRoute]  # (output, key of a Service)


class UnreadableError(Exception):
    """What is there cannot be told, so nothing is changed."""


class ConflictError(Exception):
    """Somebody changed the object since it was read."""


class Meshes:
    """`routes` gives what there is to be now."""

    def __init__(
        self, transport: Caller, routes: Callable[[], Routes], leads: Callable[[], bool], clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self.transport, self._routes, self._leads, self._clock = transport, routes, leads, clock
        self._rounds = Rounds(leads, clock)
        self.queue, self.counts, self.look = self._rounds.queue, self._rounds.counts, self._rounds.look
        self._contention = Contention()
        self.problems = Problems()  # namespace → why it is not as it should be
        self._unsaid: dict[tuple[str, str], list[Unsaid]] = {}  # (namespace, output) → rules that the mesh is not told of

    def touch(self, namespaces: Iterable[str]) -> None:
        self._rounds.put(("Namespace", one) for one in namespaces)

    def changed(self, namespaces: Iterable[str], ours: Iterable[str] = ()) -> None:
        """Somebody wrote there: of interest where we have something to say, and in `ours`, where something of ours is."""
        self.touch((set(namespaces) & self._wanted()) | set(ours))

    def findings(self) -> list[Finding]:
        """Of rules that cannot be told."""
        return [untold(one) for _, several in sorted(self._unsaid.items()) for one in several]

    def _wanted(self) -> set[str]:
        return {key.partition("/")[0] for _, key in self._routes()}

    async def run(self) -> None:
        """Without end."""
        await self._rounds.run(self._one, self._held)

    async def _held(self) -> float:
        """Touches what is wanted, and what holds something of ours from whatever time. Again soon if not all could be asked; a kind
        that is not served here, or not for us to read, holds nothing.
        """
        found, known = self._wanted(), True
        for kind in PLURALS:
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
        return await self.problems.of(name[1], self._tried(name[1]))

    async def _tried(self, namespace: str) -> str:
        """What went wrong, or nothing. Where somebody was faster it is all read anew."""
        why = ""
        for _ in range(CONFLICTS):
            try:
                return "; ".join(filter(None, [await self._output(output, namespace) for output in OUTPUTS]))
            except ConflictError as error:
                why = str(error)
        return why

    async def _output(self, output: str, namespace: str) -> str:
        """What went wrong, or nothing."""
        all_of = [one for (of, key), one in sorted(self._routes().items()) if of == output and key.partition("/")[0] == namespace]
        routes = list(filter(None, map(answering, all_of)))
        try:
            found = [one for kind in OUTPUTS[output] for one in await self._listed(kind, namespace, wanted=bool(routes))]
        except UnreadableError as error:
            return str(error)
        if (told := unsaid(output, routes, found)) != self._unsaid.get((namespace, output), []):
            self._unsaid[namespace, output] = told
            self.problems.told()
        return "; ".join(filter(None, [await self._write(one) for one in writes(output, routes, found)]))

    async def _listed(self, kind: str, namespace: str, *, wanted: bool) -> list[Json]:
        """All of its kind. One that is not served, or not for us to read, matters only where something is wanted of it."""
        answer = await self.transport.call("GET", collection(kind, namespace))
        if answer.status == 200:
            return [*kinded(answer.json()["items"], kind)]
        if wanted or answer.status not in (403, 404):
            raise UnreadableError(f"{kind}: {answer.said()}")
        return []

    async def _write(self, one: Write) -> str:
        if not self._leads():
            return "another replica leads by now"
        match one.how:
            case "apply":
                query = {"fieldManager": "pointsman", "force": "true"}
                answer = await self.transport.call("PATCH", one.path, one.document, query, content=APPLY)
            case "replace" if self._contention.refuses(one.path, one.document, self._clock()):
                return f"{one.document['kind']} {one.document['metadata']['name']}: {CONTENDED}"
            case "replace":
                answer = await self.transport.call("PUT", one.path, one.document)
            case "delete":
                answer = await self.transport.call("DELETE", one.path)
            case "foreign":
                return f"{one.document['kind']} {one.document['metadata']['name']}: there is one of this name that is not ours"
        if answer.status in (200, 201, 202) or (one.how == "delete" and answer.status == 404):
            self.counts.written += 1
            if one.how == "replace":
                self._contention.put(one.path, one.document, self._clock())
            return ""
        why = f"{one.document['kind']} {one.document['metadata']['name']}: {answer.said()}"
        if answer.status == 409:
            self.counts.conflicts += 1
            raise ConflictError(why)
        return why
