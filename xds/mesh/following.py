"""VirtualServices as they stand in the cluster: whoever changes one, its namespace is looked at at once.

They are followed as the source follows what people write, and of each is kept only what tells one state from the next. HTTPRoutes
and GRPCRoutes are followed by the source itself.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterable

import msgspec

from translator.mesh.istio import PLURAL, VERSION
from translator.mesh.matching import LABEL
from translator.resources.meta import Object
from xds.planes.standing import standing
from xds.sources.folder import Located
from xds.sources.interface import Update
from xds.sources.kube.kinds import Watched
from xds.sources.kube.source import Kube
from xds.sources.kube.transport import Transport
from xds.store import Change


def watched() -> Watched:
    """Called by its plural, as it is no input of the translator."""
    group, _, version = VERSION.partition("/")
    return Watched(PLURAL, group, (version,), PLURAL, namespaced=True, decode=_decode)


def _decode(raw: bytes | msgspec.Raw) -> Object:
    return standing(msgspec.json.decode(raw))


class Following:
    """`changed` is told namespaces, and which of them hold something of ours; `again` is called when the kind can be read anew."""

    def __init__(self, transport: Transport, changed: Callable[[set[str], set[str]], None], again: Callable[[], None]) -> None:
        self._kube = Kube(transport, [watched()], time.monotonic, random.random, hold=0.0)
        self._changed, self._again = changed, again
        self._wrong: list[str] = []
        self.findings: list[Located] = []
        self.told: Callable[[], None] = lambda: None  # when findings are others

    async def run(self) -> None:
        """Without end. A cluster without Istio has no such kind: it is asked for again, and nothing waits for it."""
        async with contextlib.aclosing(self._kube.updates()) as updates:
            async for update in updates:
                self._refused(update)
                if update.changes:
                    self._changed({_namespace(one) for one in update.changes}, set(_ours(update.changes)))

    def _refused(self, update: Update) -> None:
        """That it may not be read is told. That it is not there is told where it is wanted, by who writes."""
        wrong = [one.finding.code for one in update.findings]
        if wrong != self._wrong:
            self._wrong = wrong
            self._again()
        forbidden = [one for one in update.findings if one.finding.code == "PM0131"]
        if forbidden != self.findings:
            self.findings = forbidden
            self.told()


def _namespace(change: Change) -> str:
    return change.key.partition("/")[0]


def _ours(changes: Iterable[Change]) -> Iterable[str]:
    return (_namespace(one) for one in changes if one.object and LABEL.items() <= one.object.metadata.labels.items())
