"""Objects of meshes to an API server, a namespace at a time. Only the leader writes; who leads is for `xds/reports/` to say.

Objects of users are not watched: what changes in them is seen at the next look. One that we put routes into is replaced in the
version that was read, so nobody's change is lost.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping

from translator.ir.mesh import MeshRoute, answering
from xds.mesh.difference import OUTPUTS, PLURALS, SELECTOR, Json, Write, collection, kinded, writes
from xds.reports.problems import Problems
from xds.reports.queue import Counts, Name
from xds.reports.rounds import Rounds
from xds.sources.kube.transport import APPLY, Broken, Caller

LOOK = 30.0  # seconds after which all is looked at again
Routes = Mapping[tuple[str, str], MeshRoute]  # (output, key of a Service)


class UnreadableError(Exception):
    """What is there cannot be told, so nothing is changed."""


class Meshes:
    """`routes` gives what there is to be now."""

    def __init__(
        self, transport: Caller, routes: Callable[[], Routes], leads: Callable[[], bool], clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self.transport, self._routes, self._leads, self._clock = transport, routes, leads, clock
        self._rounds, self.counts = Rounds(leads, clock), Counts()
        self.queue = self._rounds.queue
        self.problems = Problems()  # namespace → why it is not as it should be

    def touch(self, namespaces: Iterable[str]) -> None:
        self._rounds.put(("Namespace", one) for one in namespaces)

    async def run(self) -> None:
        """Without end."""
        await self._rounds.run(self._one, self._all)

    async def _all(self) -> float:
        self.touch({key.partition("/")[0] for _, key in self._routes()} | await self._held())
        return LOOK

    async def _held(self) -> set[str]:
        """Namespaces where something of ours is, from whatever time. A kind that is not served here holds nothing."""
        found: set[str] = set()
        for kind in PLURALS:
            with contextlib.suppress(*Broken):
                answer = await self.transport.call("GET", collection(kind), None, {"labelSelector": SELECTOR})
                items = answer.json()["items"] if answer.status == 200 else []
                found |= {one["metadata"]["namespace"] for one in items}
        return found

    # One namespace -----------------------------------------------------------------------------------------------------

    async def _one(self, name: Name) -> None:
        namespace = name[1]
        try:
            problem = "; ".join(filter(None, [await self._output(output, namespace) for output in OUTPUTS]))
        except Broken as error:
            problem = str(error) or type(error).__name__
        self.problems.say(namespace, problem)
        if problem:
            self.counts.failed += 1
            self.queue.failed(name, self._clock())
        else:
            self.queue.wrote(name, self._clock())

    async def _output(self, output: str, namespace: str) -> str:
        """What went wrong, or nothing."""
        all_of = [one for (of, key), one in sorted(self._routes().items()) if of == output and key.partition("/")[0] == namespace]
        routes = list(filter(None, map(answering, all_of)))
        try:
            found = [one for kind in OUTPUTS[output] for one in await self._listed(kind, namespace, wanted=bool(routes))]
        except UnreadableError as error:
            return str(error)
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
            case "replace":
                answer = await self.transport.call("PUT", one.path, one.document)
            case "delete":
                answer = await self.transport.call("DELETE", one.path)
        if answer.status in (200, 201, 202) or (one.how == "delete" and answer.status == 404):
            self.counts.written += 1
            return ""
        self.counts.conflicts += answer.status == 409
        return f"{one.document['kind']} {one.document['metadata']['name']}: {answer.said()}"
