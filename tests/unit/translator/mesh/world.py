"""A namespace with a RouteGroup for meshes, and what is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.objects import changes, objects
from translator.door.door import Door
from translator.ir.mesh import MeshRoute, answering
from translator.ir.output import Group
from translator.ir.tables import GROUP, OUT_MESH
from translator.program import engine
from xds.crds import shipped

ISTIO_CRD = Path(__file__).parents[3] / "crds" / "istio-virtualservice.yaml"
READ = ("VirtualService", "HTTPRoute", "GRPCRoute")  # what users may have of the objects that we make


def split(text: str) -> tuple[str, list[dict[str, Any]]]:
    """What is translated, and the objects of meshes that are there."""
    documents = [one for one in yaml.safe_load_all(text) if one]
    for one in documents:
        one["metadata"].setdefault("namespace", "default")
    mesh = [one for one in documents if one["kind"] in READ]
    return yaml.safe_dump_all([one for one in documents if one["kind"] != "VirtualService"]), mesh


def routes(text: str, output: str) -> list[MeshRoute]:
    core = engine()
    core.apply([(GROUP, "local", Group()), *changes(objects(split(text)[0]))])
    assert not core.failures
    return [one for (of, _), (row,) in sorted(core.rows(OUT_MESH).items()) if of == output and (one := answering(row, surely=True))]


@cache
def door() -> Door:
    return Door([*shipped(), yaml.safe_load(ISTIO_CRD.read_text())])


def wrongs(documents: Sequence[dict[str, Any]]) -> list[str]:
    """What an API server would say against them, by their CRDs: schema, rules, lists."""
    return [f"{one.code} {one.path} {one.message}" for document in documents for one in _found(document)]


def _found(document: dict[str, Any]) -> Sequence[Any]:
    try:
        return door().admit(document).findings
    except KeyError:  # nothing of ours decodes a VirtualService; by then it has passed
        return ()
