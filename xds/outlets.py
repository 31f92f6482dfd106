"""All that is written to a cluster beside statuses: how each is made, told and asked. What it does is its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from translator.engine import Engine, Name, Table
from translator.ir.finding import Finding
from translator.ir.plane import CLASS
from translator.ir.tables import OUT_COPIES, OUT_MESH, OUT_PLANE, OUT_SIDECARS
from translator.planes.manifests import Terms
from xds.bootstrap import split
from xds.forks.following import Following as Baselines
from xds.forks.writer import Forks
from xds.lives import Key
from xds.mesh.difference import OUTPUTS
from xds.mesh.following import Following
from xds.mesh.writer import Meshes
from xds.outlet import Outlet
from xds.planes.identity import Issuer
from xds.planes.settings import DataPlanes
from xds.planes.standing import Stand
from xds.planes.writer import Place, Planes
from xds.removal import Removal
from xds.reports.problems import Problems
from xds.sources.folder import Located
from xds.sources.kube.notices import NOWHERE
from xds.sources.kube.transport import Caller, Transport
from xds.webhook.sidecars import Sidecars
from xds.webhook.start import started
from xds.webhook.writer import Companions
from xds.webhook.writer import Place as SidecarPlace

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


@dataclass(frozen=True)
class Base:
    """What all of them have: `writing` is the election's own connection, `following` makes one for watches, `told` is called when
    findings are different.
    """

    engine: Engine
    writing: Caller
    following: Callable[[], Transport]
    leads: Callable[[], bool]
    clock: Callable[[], float]
    told: Callable[[], None]


def planes(base: Base, of: DataPlanes, trust: str) -> Outlet:
    """`trust` is the trust domain of the certificates of proxies."""
    place = Place(of.reach, split(of.reach)[0], Terms(of.image, of.replicas), of.home, of.counted)
    made = Planes(base.writing, lambda group: base.engine.get(OUT_PLANE, group), place, Issuer(Path(of.ca), trust), base.leads, base.clock)
    stand = Stand(base.following(), made.touch)
    made.stand = stand
    made.problems.told = stand.told = base.told
    return Outlet(
        tasks=(lambda: made.run(lambda: list(base.engine.rows(OUT_PLANE))), stand.run),
        settled=lambda names: made.touch(_of(OUT_PLANE, names)),
        findings=lambda: [*_each(_unmade, made.problems), *stand.findings],
        report=lambda metrics: metrics.planes(made.counts, len(made.problems.held)),
    )


def meshes(base: Base) -> Outlet:
    made = Meshes(base.writing, lambda: _rows(base.engine, OUT_MESH), base.leads, base.clock)
    following = Following(base.following(), made.changed, made.look)
    made.problems.told = following.told = base.told
    return Outlet(
        tasks=(made.run, following.run),
        settled=lambda names: made.touch({_namespace(key) for _, key in _of(OUT_MESH, names)}),
        read=lambda keys: made.changed({_namespace(key) for kind, key in keys if kind in OUTPUTS["GatewayAPI"]}),
        findings=lambda: [*_each(_unmeshed, made.problems), *map(nowhere, made.findings()), *following.findings],
    )


def forks(base: Base, say: Callable[[str, str], None], groups: tuple[str, ...]) -> Outlet:
    """`say` is told what is wrong with the forks of a Sandbox, in whose status it stands; `groups` are those that Sandboxes are in."""
    made = Forks(base.writing, lambda: _rows(base.engine, OUT_COPIES), say, base.leads, base.clock, groups)
    made.standing = following = Baselines(base.following, made.touch)
    return Outlet(tasks=(made.run, following.run), settled=lambda names: made.touch({_namespace(key) for key in _of(OUT_COPIES, names)}))


def companions(base: Base, of: DataPlanes, trust: str, sidecars: Sidecars) -> Outlet:
    """`sidecars` are those that Pods are given as they are made."""
    place, issuer = SidecarPlace(started(of), Path(of.ca)), Issuer(Path(of.ca), trust)
    made = Companions(base.writing, sidecars, place, issuer, base.leads, base.clock)
    made.problems.told = base.told
    return Outlet(
        tasks=(made.run,),
        settled=lambda names: made.touch(_of(OUT_SIDECARS, names)),
        read=lambda keys: made.touch([key for kind, key in keys if kind == "Service" and sidecars.get(key)]),
        findings=lambda: _each(_unaccompanied, made.problems),
    )


def removal(base: Base, over: Callable[[], Collection[Key]], groups: tuple[str, ...]) -> tuple[Outlet, Callable[[Key], None]]:
    """`over` gives objects whose time is over. What is given back beside is told when the time of one ends."""
    made = Removal(base.writing, over, base.leads, base.clock, groups)
    made.problems.told = base.told
    return Outlet(tasks=(made.run,), findings=lambda: _each(_undeleted, made.problems)), made.touch


# What is wrong -----------------------------------------------------------------------------------------------------------


def nowhere(one: Finding) -> Located:
    """Of no file."""
    return Located("", NOWHERE, one)


def _each(of: Callable[[str, str], Finding], problems: Problems) -> list[Located]:
    return [nowhere(of(name, why)) for name, why in sorted(problems.held.items())]


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


# What the engine says ----------------------------------------------------------------------------------------------------


def _of(table: Table[K, Any], names: Sequence[Name]) -> list[K]:
    return [key for of, key in names if of is table]


def _rows(engine: Engine, table: Table[K, R]) -> dict[K, R]:
    return {key: row for key, (row,) in engine.rows(table).items()}


def _namespace(key: str) -> str:
    return key.partition("/")[0]
