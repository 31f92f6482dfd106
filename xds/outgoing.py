"""All that is written to a cluster, by one replica at a time: statuses, and the objects of data planes. One election for both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from translator.engine import Engine, Name
from translator.ir.plane import Plane
from translator.ir.tables import OUT_PLANE, OUT_STATUS
from translator.planes.manifests import Terms
from xds.bootstrap import split
from xds.planes.identity import Issuer
from xds.planes.settings import DataPlanes
from xds.planes.writer import Place, Planes
from xds.reports.writer import Writer, writer
from xds.status import Statuses
from xds.telemetry import Metrics


class Outgoing:
    """`trust` is the trust domain of the certificates of proxies."""

    def __init__(
        self, cluster: tuple[str | None, str | None], statuses: Statuses, engine: Engine, of: DataPlanes | None, trust: str
    ) -> None:
        self._statuses, self._engine = statuses, engine
        self._writer: Writer = writer(*cluster, statuses.get)
        self._planes = self._of_planes(of, trust) if of else None

    def _of_planes(self, of: DataPlanes, trust: str) -> Planes:
        place = Place(of.reach, split(of.reach)[0], Terms(of.image, of.replicas))
        return Planes(self._writer.transport, self._plane, place, Issuer(Path(of.ca), trust), self._writer.leads, time.monotonic)

    def _plane(self, gateway: str) -> Plane | None:
        return self._engine.get(OUT_PLANE, gateway)

    def _all_planes(self) -> Iterable[str]:
        return list(self._engine.rows(OUT_PLANE))

    def touch(self, settled: Iterable[Name]) -> None:
        """These outputs are different from before."""
        names = list(settled)
        self._writer.touch(name for table, name in names if table is OUT_STATUS)
        if self._planes:
            self._planes.touch([name for table, name in names if table is OUT_PLANE])

    async def run(self, synced: asyncio.Event) -> None:
        """Without end, from the first full sync on: before it, statuses and data planes say too little."""
        await synced.wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._writer.run(self._statuses.names))
            if self._planes:
                group.create_task(self._planes.run(self._all_planes))

    def report(self, metrics: Metrics) -> None:
        metrics.reports(self._writer.counts, leads=self._writer.leads())
        if self._planes:
            metrics.planes(self._planes.counts, len(self._planes.problems))

    def problems(self) -> dict[str, Any]:
        """Gateway → why its data plane is not as it should be."""
        return dict(self._planes.problems) if self._planes else {}
