"""A laptop that is connected says so to the cluster, in an annotation of its LocalWorkload: a new value is a beat. All I/O of it.

The value is the time, for people; the server counts by its own clock, from when it hears of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from translator.ir.local import BEAT, SINCE
from xds.sources.kube.transport import Broken, Caller

EVERY = 10.0  # seconds
PATH = "/apis/{}/namespaces/{}/localworkloads"
MERGE = "application/merge-patch+json"


@dataclass
class Heart:
    """For the LocalWorkloads that are about this Service of this Sandbox."""

    calls: Caller
    namespace: str
    sandbox: str
    service: str
    api: str  # group and version of the LocalWorkloads
    since: str = ""  # the first beat of this connection
    _next: float = 0.0

    async def beat(self, now: float, mark: str) -> str:
        """If it is time. What went wrong, or nothing."""
        if now < self._next:
            return ""
        self._next = now + EVERY
        self.since = self.since or mark
        try:
            return await self._said(mark)
        except Broken as error:
            return str(error) or type(error).__name__

    async def _said(self, mark: str) -> str:
        path = PATH.format(self.api, quote(self.namespace))
        answer = await self.calls.call("GET", path)
        if answer.status != 200:
            return answer.said()
        found = [one["metadata"]["name"] for one in answer.json()["items"] if self._mine(one["spec"])]
        if not found:
            return f"no LocalWorkload of {self.api} in namespace {self.namespace} is about Service {self.service} of Sandbox {self.sandbox}"
        for name in found:
            told = {"metadata": {"annotations": {BEAT: mark, SINCE: self.since}}}
            answer = await self.calls.call("PATCH", f"{path}/{quote(name)}", told, content=MERGE)
            if answer.status != 200:
                return answer.said()
        return ""

    def _mine(self, spec: dict[str, dict[str, str]]) -> bool:
        return spec["sandboxRef"]["name"] == self.sandbox and spec["service"]["name"] == self.service
