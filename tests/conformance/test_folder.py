"""A folder is told what a cluster is told: each manifest of the upstream suite, read as files, gives the statuses that our server
wrote to a real API server (`record.py`), where it passes the suite. What is left out, and why, stands in `worlds.LEFT_OUT`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.worlds import (
    BASE,
    CASES,
    LEFT_OUT,
    RECORDED,
    REPORTED,
    Document,
    base,
    comparable,
    documents,
    name_of,
    recorded,
    recording,
)
from translator.door import Door
from translator.inputs import OBJECTS
from translator.ir.output import Group
from translator.ir.tables import GROUP
from translator.program import engine
from xds.offline import door, read
from xds.sources.folder import Folder
from xds.status import Statuses

each_manifest = pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in (BASE, *CASES)])
shared_door = cache(door)


def statuses(folder: Path, found: Door) -> dict[str, Any]:
    """Of all objects of a folder, each Gateway with an Envoy of its own, as in the cluster."""
    files, core, told = Folder(found), engine(), Statuses(lambda: 0.0)
    read(files, folder)
    changes = [(OBJECTS[change.kind], change.key, change.object) for change in files.changes(0.0)]
    groups = [(GROUP, key, Group()) for table, key, _ in changes if table.name == "Gateway"]
    told.apply(core.apply([*groups, *changes]))
    assert core.failures == {}
    return {f"{kind}/{key}": comparable(told.get(kind, key)) for kind, key in told.names()}


def of(path: Path, folder: Path) -> dict[str, Any]:
    """The base and a manifest: an object of the manifest takes the place of one of its name."""
    found = {name_of(one): one for one in (*base(), *(documents(path) if path != BASE else ()))}
    _write(folder, found.values())
    return statuses(folder, shared_door())


def _write(folder: Path, found: Iterable[Document]) -> None:
    for number, one in enumerate(found):
        (folder / f"{number:03}.json").write_text(json.dumps(one))


@each_manifest
def test_folder_is_told_what_the_cluster_was_told(path: Path, tmp_path: Path) -> None:
    """Objects of the base are not in a recording where they say what they always say; nor may they say anything else here."""
    told, usual, wanted = of(path, tmp_path), recorded(BASE), recorded(path)
    assert {name: told.get(name, {}) for name in wanted} == wanted
    others = usual.keys() - wanted.keys()
    assert {name: told.get(name) for name in others} == {name: usual[name] for name in others}


def test_every_manifest_has_a_recording_and_no_recording_is_left_over() -> None:
    assert {recording(path) for path in (BASE, *CASES)} == set(RECORDED.glob("*.yaml"))
    assert len(CASES) == 132  # of v1.6.1


def test_every_object_that_can_have_a_status_is_in_the_recording_of_its_manifest() -> None:
    for path in CASES:
        mine = {name_of(one) for one in documents(path) if one["kind"] in REPORTED}
        assert mine <= recorded(path).keys(), path.stem


def test_recordings_say_enough_to_be_worth_comparing() -> None:
    lines = [text for path in CASES for text in _conditions(recorded(path))]
    assert len(lines) > 1000
    assert {text.split(":")[0].split(" ")[0] for text in lines} == {"True", "False"}
    assert len({text.split(":")[0] for text in lines}) > 20  # different reasons


def _conditions(found: Any) -> Iterable[str]:
    if isinstance(found, dict):
        yield from found.get("conditions", {}).values()
    for below in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from _conditions(below)


def test_another_reason_or_another_count_is_seen(tmp_path: Path) -> None:
    """Without its ReferenceGrant a route says so, and with a route less a listener counts one less."""
    path = next(path for path in CASES if path.stem == "httproute-reference-grant")
    found = [*base(), *documents(path)]
    _write(tmp_path, (one for one in found if one["kind"] != "ReferenceGrant"))
    told, wanted = statuses(tmp_path, shared_door()), recorded(path)
    (route,) = [name for name in wanted if name.startswith("HTTPRoute/")]
    assert told[route] != wanted[route]
    for file in tmp_path.iterdir():
        file.unlink()
    _write(tmp_path, (one for one in found if one["kind"] != "HTTPRoute"))
    gateway = next(name for name in wanted if name.startswith("Gateway/"))
    assert statuses(tmp_path, shared_door())[gateway] != wanted[gateway]


def test_each_field_that_is_left_out_has_a_reason() -> None:
    assert all(LEFT_OUT.values())
    assert not LEFT_OUT.keys() & {"conditions", "parents", "ancestors", "listeners", "attachedRoutes", "supportedKinds", "parentRef"}
