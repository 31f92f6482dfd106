"""Objects of users whose time is over, deleted in a cluster. Only the leader deletes; who leads is for `xds/reports/` to say."""

from __future__ import annotations

from collections.abc import Callable, Collection

from translator.resources.crd import GROUP
from xds.lives import Key
from xds.reports.problems import Problems
from xds.reports.rounds import Rounds
from xds.sources.kube.transport import Caller

PLURALS = {"Sandbox": "sandboxes", "RouteGroup": "routegroups"}
LOOK = 30.0  # seconds after which all are looked at again: another replica may have led meanwhile


class Removal:
    """`over` gives those whose time is over now; of several `groups` the first that has one counts."""

    def __init__(
        self, transport: Caller, over: Callable[[], Collection[Key]], leads: Callable[[], bool], clock: Callable[[], float],
        groups: tuple[str, ...] = (GROUP,),
    ) -> None:  # fmt: skip
        self.transport, self._over = transport, over
        self._groups = groups
        self._rounds = Rounds(leads, clock)
        self.queue = self._rounds.queue
        self.problems = Problems()  # kind/key → why it is still there

    def touch(self, key: Key) -> None:
        if key[0] not in PLURALS:  # a laptop that is lost stays declared
            return
        self._rounds.put([key])

    async def run(self) -> None:
        """Without end."""
        await self._rounds.run(self._one, self._all)

    async def _all(self) -> float:
        for key in self._over():
            self.touch(key)
        return LOOK

    async def _one(self, key: Key) -> bool:
        return await self.problems.of("/".join(key), self._delete(*key))

    async def _delete(self, kind: str, key: str) -> str:
        """In the version that was read: what was changed meanwhile is looked at again."""
        if (kind, key) not in self._over():
            return ""
        namespace, _, name = key.partition("/")
        for group in self._groups:
            path = f"/apis/{group}/v1alpha1/namespaces/{namespace}/{PLURALS[kind]}/{name}"
            found = await self.transport.call("GET", path)
            if found.status != 404:
                break
        if found.status != 200:
            return "" if found.status == 404 else found.said()
        head = found.json()["metadata"]
        body = {"preconditions": {"uid": head["uid"], "resourceVersion": head["resourceVersion"]}}
        gone = await self.transport.call("DELETE", path, body)
        return "" if gone.status in (200, 202, 404) else gone.said()
