"""All that is written to a cluster, by one replica at a time: statuses, and what the outlets have. One election for all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from translator.engine import Engine, Name
from translator.ir.finding import Finding
from translator.ir.tables import OUT_STATUS
from xds import outlets
from xds.lives import Key
from xds.outlet import Outlet
from xds.reports.writer import Writer, writer
from xds.settings import Cluster, Settings
from xds.sources.folder import Located
from xds.sources.kube.access import loader
from xds.sources.kube.transport import Transport
from xds.status import Statuses
from xds.telemetry import Metrics
from xds.webhook.sidecars import Sidecars


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a server knows of itself. `soon` says which objects some proxy is about to answer for, so that their statuses are written
    once and not twice; `over` gives objects whose time is over; `sidecars` are those that Pods are given as they are made.
    """

    engine: Engine
    statuses: Statuses
    soon: Callable[[tuple[str, str]], bool]
    over: Callable[[], Collection[Key]]
    sidecars: Sidecars


class Outgoing:
    """`told` is called when `findings` are different, `uncopied` with what is wrong with the forks of a Sandbox."""

    def __init__(self, settings: Settings, known: Known, told: Callable[[], None], uncopied: Callable[[str, str], None]) -> None:
        cluster = settings.cluster or Cluster()
        where = cluster.kubeconfig, cluster.context
        self._statuses = known.statuses
        self._writer: Writer = writer(*where, known.statuses.get, known.soon, settings.groups)
        self._writer.problems.told = self._writer.transport.rights.told = told
        calls, leads = self._writer.transport, self._writer.leads
        base = outlets.Base(known.engine, calls, lambda: Transport(loader(*where)), leads, time.monotonic, told)
        removal, self.ended = outlets.removal(base, known.over, settings.groups)
        self._outlets = [removal, *_chosen(settings, base, known, uncopied)]

    def touch(self, settled: Iterable[Name]) -> None:
        """These outputs are different from before."""
        names = list(settled)
        self._writer.touch(name for table, name in names if table is OUT_STATUS)
        for one in self._outlets:
            one.settled(names)

    def read(self, objects: Iterable[Key]) -> None:
        """These were translated anew. What we say of them may be the same, and not be there: an object that was deleted and made
        again between two looks has no status, and owns nothing.
        """
        keys = list(objects)
        self._writer.touch(one for one in keys if self._statuses.get(*one) is not None)
        for one in self._outlets:
            one.read(keys)

    def served(self, routes: Iterable[Key]) -> None:
        """Proxies have answered for these."""
        self._writer.touch(routes)

    async def run(self, synced: asyncio.Event) -> None:
        """Without end, from the first full sync on: before it, statuses and data planes say too little."""
        await synced.wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._writer.run(self._statuses.names))
            for task in (task for one in self._outlets for task in one.tasks):
                group.create_task(task())

    def report(self, metrics: Metrics) -> None:
        metrics.reports(self._writer.counts, leads=self._writer.leads())
        for one in self._outlets:
            one.report(metrics)

    def findings(self) -> list[Located]:
        """What could not be written, now."""
        found = [_unwritten(kind, why) for kind, why in sorted(self._writer.problems.held.items())]
        found += self._writer.transport.rights.findings()
        return [*map(outlets.nowhere, found), *(each for one in self._outlets for each in one.findings())]


def _chosen(settings: Settings, base: outlets.Base, known: Known, uncopied: Callable[[str, str], None]) -> Iterator[Outlet]:
    trust = settings.policy.trust
    if settings.planes:
        yield outlets.planes(base, settings.planes, trust)
        if settings.webhook:
            yield outlets.companions(base, settings.planes, trust, known.sidecars)
    if settings.mesh:
        yield outlets.meshes(base)
    if settings.forks:
        yield outlets.forks(base, uncopied, settings.groups)


def _unwritten(kind: str, why: str) -> Finding:
    message = f"what is said of objects of kind {kind} is not taken: {why}"
    return Finding(code="PM0135", kind=kind, key="", message=message, fix="allow get of the kind and update of its status")
