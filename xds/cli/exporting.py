"""`export`: what a folder's RouteGroups have for a mesh, as objects to apply. Whether forks answer is not known here: all are in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from translator.ir.mesh import MeshRoute, answering
from translator.ir.output import Group
from translator.ir.tables import OUT_MESH
from translator.mesh import gamma, istio
from xds.cli.checking import line, load_or_exit
from xds.cli.output import Exit, Output, dumped, meant, say
from xds.mesh.difference import Json, unsaid, untold
from xds.sources import disk
from xds.sources.documents import Fault, read

OUTPUTS = {"istio": "Istio", "gateway-api": "GatewayAPI"}
KINDS = {"istio": ("VirtualService",), "gateway-api": ("HTTPRoute", "GRPCRoute")}


def export(name: str, root: Path, output: Output, groups: tuple[str, ...]) -> None:
    """Objects of ours, and those of the user's that our routes belong into, whole. Exit code 1 where a finding says that one is missing."""
    if name not in OUTPUTS:
        raise Exit(2, f"export {name}: {' or '.join(OUTPUTS)}.{meant(name, [*OUTPUTS])}")
    loaded = load_or_exit(root, Group(), groups)
    rows = loaded.engine.rows(OUT_MESH)
    all_of = [row for (of, _), (row,) in sorted(rows.items()) if of == OUTPUTS[name]]
    routes = [one for each in all_of if (one := answering(each, surely=True))]
    wrong = [line(root, one) for one in loaded.findings if one.finding.kind in ("Sandbox", "RouteGroup")]
    if not routes:
        raise Exit(1, "\n".join([*wrong, f"no Sandbox is led to by a RouteGroup with meshOutput: {OUTPUTS[name]}"]))
    found = [one for one in _documents(root) if one.get("kind") in KINDS[name]]
    made = [one for wanted, there in _each(routes, found) for one in documents(name, wanted, there)]
    told = [untold(one) for wanted, there in _each(routes, found) for one in unsaid(OUTPUTS[name], wanted, there)]
    wrong += [line(root, one) for one in loaded.holder.placed([], told)]
    say(dumped({"apiVersion": "v1", "kind": "List", "items": made}, output) if output is Output.JSON else "\n---\n".join(_texts(made)))
    if wrong:
        raise Exit(1, "\n".join(wrong))


def documents(name: str, routes: list[MeshRoute], found: list[Json]) -> list[Json]:
    """Of one namespace."""
    if name != "istio":
        return gamma.documents(routes, found)
    own, merged = istio.documents(routes, found)
    return [*own, *merged]


def _each(routes: list[MeshRoute], found: list[Json]) -> Iterator[tuple[list[MeshRoute], list[Json]]]:
    """Each namespace for itself: a host without dots is one of its own."""
    for namespace in sorted({one.namespace for one in routes}):
        there = [one for one in found if one["metadata"]["namespace"] == namespace]
        yield [one for one in routes if one.namespace == namespace], there


def _texts(made: list[Json]) -> Iterator[str]:
    return (dumped(one, Output.YAML) for one in made)


def _documents(root: Path) -> Iterator[Json]:
    """Every object of the folder, or of the one file, in its namespace. What cannot be read has been told already."""
    files = [root.name] if root.is_file() else sorted(disk.scan(str(root)).files)
    for path in files:
        try:
            pieces = read(disk.content(str(root.parent if root.is_file() else root), path), "json" if path.endswith(".json") else "yaml")
        except (Fault, OSError):
            continue
        for one in (document.value for piece in pieces for document in piece.documents):
            if isinstance(one, dict) and isinstance(one.get("metadata"), dict) and one["metadata"].get("name"):
                yield {**one, "metadata": {"namespace": "default", **one["metadata"]}}
