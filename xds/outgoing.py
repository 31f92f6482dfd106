"""All that is written to a cluster, by one replica at a time: statuses, objects of data planes, meshes and sidecars. One election."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from translator.engine import Engine, Name
from translator.ir.copy import Copies
from translator.ir.finding import Finding
from translator.ir.mesh import MeshRoute
from translator.ir.plane import CLASS, Plane
from translator.ir.tables import OUT_COPIES, OUT_MESH, OUT_PLANE, OUT_SIDECARS, OUT_STATUS
from translator.planes.manifests import Terms
from translator.resources.crd import GROUP
from xds.bootstrap import split
from xds.forks.writer import Forks
from xds.lives import Key
from xds.mesh.difference import OUTPUTS
from xds.mesh.following import Following
from xds.mesh.writer import Meshes
from xds.planes.identity import Issuer
from xds.planes.settings import DataPlanes
from xds.planes.standing import Stand
from xds.planes.writer import Place, Planes
from xds.removal import Removal
from xds.reports.writer import Writer, writer
from xds.sources.folder import Located
from xds.sources.kube.access import loader
from xds.sources.kube.notices import NOWHERE
from xds.sources.kube.transport import Transport
from xds.status import Statuses
from xds.telemetry import Metrics
from xds.webhook.sidecars import Sidecars
from xds.webhook.start import started
from xds.webhook.writer import Companions
from xds.webhook.writer import Place as SidecarPlace


class Outgoing:
    """`trust` is the trust domain of the certificates of proxies; `told` is called when `findings` are different; `soon` says
    which objects some proxy is about to answer for, so that their statuses are written once and not twice; `over` gives objects
    whose time is over; `forks` is told what is wrong with the forks of a Sandbox, where they are made; `groups` are those that
    Sandboxes are in; `sidecars` those that Pods are given as they are made, where they are.
    """

    def __init__(
        self, cluster: tuple[str | None, str | None], statuses: Statuses, engine: Engine, of: DataPlanes | None, trust: str,
        told: Callable[[], None], soon: Callable[[tuple[str, str]], bool], over: Callable[[], Collection[Key]], *, mesh: bool = False,
        forks: Callable[[str, str], None] | None = None, groups: tuple[str, ...] = (GROUP,),
        sidecars: Sidecars | None = None,
    ) -> None:  # fmt: skip
        self._statuses, self._engine = statuses, engine
        self._writer: Writer = writer(*cluster, statuses.get, soon, groups)
        self._planes = self._of_planes(cluster, of, trust) if of else None
        self._meshes = Meshes(self._writer.transport, self._routes, self._writer.leads, time.monotonic) if mesh else None
        self._following = Following(Transport(loader(*cluster)), self._meshes.changed, self._meshes.look) if self._meshes else None
        calls, leads = self._writer.transport, self._writer.leads
        self._forks = Forks(calls, self._copies, forks, leads, time.monotonic, groups) if forks else None
        self._removal = Removal(calls, over, leads, time.monotonic, groups)
        self._sidecars = sidecars
        self._companions = self._of_sidecars(of, trust, sidecars) if of and sidecars else None
        for one in (self._writer, self._planes, self._meshes, self._removal, self._companions):
            if one:
                one.problems.told = told
        if self._planes and self._planes.stand:
            self._planes.stand.told = told
        if self._following:
            self._following.told = told
        self._writer.transport.rights.told = told

    def _of_planes(self, cluster: tuple[str | None, str | None], of: DataPlanes, trust: str) -> Planes:
        place = Place(of.reach, split(of.reach)[0], Terms(of.image, of.replicas), of.home, of.counted)
        planes = Planes(self._writer.transport, self._plane, place, Issuer(Path(of.ca), trust), self._writer.leads, time.monotonic)
        planes.stand = Stand(Transport(loader(*cluster)), planes.touch)
        return planes

    def _of_sidecars(self, of: DataPlanes, trust: str, sidecars: Sidecars) -> Companions:
        place, issuer = SidecarPlace(started(of), Path(of.ca)), Issuer(Path(of.ca), trust)
        return Companions(self._writer.transport, sidecars, place, issuer, self._writer.leads, time.monotonic)

    def _plane(self, group: str) -> Plane | None:
        return self._engine.get(OUT_PLANE, group)

    def _all_planes(self) -> Iterable[str]:
        return list(self._engine.rows(OUT_PLANE))

    def _routes(self) -> dict[tuple[str, str], MeshRoute]:
        return {key: row for key, (row,) in self._engine.rows(OUT_MESH).items()}

    def _copies(self) -> dict[str, Copies]:
        return {key: row for key, (row,) in self._engine.rows(OUT_COPIES).items()}

    def touch(self, settled: Iterable[Name]) -> None:
        """These outputs are different from before."""
        names = list(settled)
        self._writer.touch(name for table, name in names if table is OUT_STATUS)
        if self._planes:
            self._planes.touch([name for table, name in names if table is OUT_PLANE])
        if self._meshes:
            self._meshes.touch({name[1].partition("/")[0] for table, name in names if table is OUT_MESH})
        if self._forks:
            self._forks.touch({name.partition("/")[0] for table, name in names if table is OUT_COPIES})
        if self._companions:
            self._companions.touch([name for table, name in names if table is OUT_SIDECARS])

    def ended(self, key: Key) -> None:
        """The time of this object is over."""
        self._removal.touch(key)

    def read(self, objects: Iterable[tuple[str, str]]) -> None:
        """These were translated anew. What we say of them may be the same, and not be there: an object that was deleted and made
        again between two looks has no status, and owns nothing.
        """
        names = list(objects)
        self._writer.touch(one for one in names if self._statuses.get(*one) is not None)
        if self._meshes:
            self._meshes.changed({key.partition("/")[0] for kind, key in names if kind in OUTPUTS["GatewayAPI"]})
        if self._companions and self._sidecars:
            self._companions.touch([key for kind, key in names if kind == "Service" and self._sidecars.get(key)])

    def served(self, routes: Iterable[tuple[str, str]]) -> None:
        """Proxies have answered for these."""
        self._writer.touch(routes)

    async def run(self, synced: asyncio.Event) -> None:
        """Without end, from the first full sync on: before it, statuses and data planes say too little."""
        await synced.wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._writer.run(self._statuses.names))
            group.create_task(self._removal.run())
            if self._planes:
                group.create_task(self._planes.run(self._all_planes))
            if self._meshes and self._following:
                group.create_task(self._meshes.run())
                group.create_task(self._following.run())
            if self._forks:
                group.create_task(self._forks.run())
            if self._companions:
                group.create_task(self._companions.run())
            if self._planes and self._planes.stand:
                group.create_task(self._planes.stand.run())

    def report(self, metrics: Metrics) -> None:
        metrics.reports(self._writer.counts, leads=self._writer.leads())
        if self._planes:
            metrics.planes(self._planes.counts, len(self._planes.problems.held))

    def findings(self) -> list[Located]:
        """What could not be written, now."""
        found = [_unwritten(kind, why) for kind, why in sorted(self._writer.problems.held.items())]
        found += [_unmade(group, why) for group, why in sorted(self._planes.problems.held.items())] if self._planes else []
        found += [_unmeshed(namespace, why) for namespace, why in sorted(self._meshes.problems.held.items())] if self._meshes else []
        found += self._meshes.findings() if self._meshes else []
        found += [_unaccompanied(name, why) for name, why in sorted(self._companions.problems.held.items())] if self._companions else []
        found += [_undeleted(name, why) for name, why in sorted(self._removal.problems.held.items())]
        found += self._writer.transport.rights.findings()
        standing = self._planes.stand.findings if self._planes and self._planes.stand else []
        followed = self._following.findings if self._following else []
        return [*(Located("", NOWHERE, one) for one in found), *standing, *followed]


def _unwritten(kind: str, why: str) -> Finding:
    message = f"what is said of objects of kind {kind} is not taken: {why}"
    return Finding(code="PM0135", kind=kind, key="", message=message, fix="allow get of the kind and update of its status")


def _undeleted(name: str, why: str) -> Finding:
    kind, _, key = name.partition("/")
    message = f"its time is over, and it cannot be deleted: {why}"
    return Finding(code="PM0712", kind=kind, key=key, message=message, fix="allow delete of the kind, or delete it")


def _unmade(group: str, why: str) -> Finding:
    kind, key = ("GatewayClass", group.removeprefix(CLASS)) if group.startswith(CLASS) else ("Gateway", group)
    return Finding(code="PM0136", kind=kind, key=key, message=f"its proxies are not as they should be: {why}")


def _unaccompanied(name: str, why: str) -> Finding:
    kind, _, key = name.partition("/")
    fix = "pointsman install --webhook applies the webhook, and what the server must be allowed for it"
    return Finding(code="PM0139", kind=kind, key=key, message=f"its sidecars are not as they should be: {why}", fix=fix)


def _unmeshed(namespace: str, why: str) -> Finding:
    return Finding(code="PM0732", kind="Namespace", key=namespace, message=f"the objects of its mesh are not as they should be: {why}")
