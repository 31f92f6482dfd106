"""Whatever stands in objects, what is made of them is taken by Envoy. A refusal is a gap in our checks."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.envoy_validate import refusal
from tests.golden.translation import CASES, HERE, door
from tests.objects import changes
from translator.ir.output import Group
from translator.ir.tables import GROUP, RESOURCES
from translator.program import engine
from translator.resources.meta import Object
from xds.sources.documents import read as documents

pytestmark = pytest.mark.e2e

WAVES = int(os.environ.get("POINTSMAN_WAVES", "2"))  # more on demand: each is some hundred objects and a second
SEED = int(os.environ.get("POINTSMAN_SEED", "1"))
NUMBERS = [-1, 0, 1, 100, 599, 600, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1]
TEXTS = [
    "", " ", "a b", "a\nb", "a\tb", "\x00", "\x7f", "ä", "\ud800", "%", "%%", "%REQ(x)%", "%{x}", "%BAD", "{", "/", "//", "/a/", "/a//b",
    "/a?b#c", "/%2f", "*", "*.", "*.*", "..", ".", "-", "a.", ".a", "[", "a(b", "(?i)a", "(?=a)", "a{1000}", "a" * 300, "a" * 20_000,
    ":path", "host", "Host", "x-envoy-x", "GET ", "http", "HTTPS", "1s", "-1s", "0s", "1h", "999999h", "1ns", "127.0.0.1", "::1",
    "999.0.0.1", "1.2.3", "fe80::1%eth0", "a.example.com", "A.EXAMPLE.com", "a_b.example.com", "/run/x.sock", "@x", "Exact", "PathPrefix",
]  # fmt: skip


def corpus() -> Iterator[dict[str, Any]]:
    """Every object of the goldens. Routes get names of their own, so that all are served; of others the first of a name counts."""
    paths = [*sorted((HERE / "base").glob("*.yaml")), *(case.path for case in CASES)]
    found = [document.value for path in paths for piece in documents(path.read_bytes(), "yaml") for document in piece.documents]
    seen = set()
    for number, one in enumerate(found):
        if not door().admit(one).object:
            continue
        name = (one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"])
        if is_route(one):
            yield {**one, "metadata": {**one["metadata"], "name": f"r{number}"}}
        elif name not in seen:
            yield one
        seen.add(name)


def is_route(document: dict[str, Any]) -> bool:
    return str(document["kind"]).endswith("Route")


def leaves(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to everything in a document, but for what says who it is."""
    yield at
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if key not in ("kind", "metadata"):
                yield from leaves(inner, (*at, key))


def damaged(chance: random.Random, document: dict[str, Any]) -> dict[str, Any]:
    """With one value at the edge, gone, or there twice."""
    found = deepcopy(document)
    *way, last = chance.choice([path for path in leaves(found) if path] or [("spec",)])
    holder: Any = found
    for step in way:
        holder = holder[step]
    if isinstance(holder, dict) and last not in holder:
        return found
    match holder[last]:
        case bool() as value:
            holder[last] = not value
        case int():
            holder[last] = chance.choice(NUMBERS)
        case str():
            holder[last] = chance.choice(TEXTS)
        case list() as value if value:
            value.insert(0, deepcopy(chance.choice(value)))
        case _:
            del holder[last]
    return found


def complaint(objects: list[Object], folder: Path) -> str:
    """What Envoy says against what is made of these, or which rule raised; nothing if all is well."""
    core = engine()
    settled = core.apply([(GROUP, "local", Group()), *changes(objects)])
    if core.failures:
        return str(core.failures)
    return refusal({name: row for name, row in settled.items() if name[0] in RESOURCES}, "local", folder)


def culprit(objects: list[Object], sound: list[Object], folder: Path) -> Object:
    """One of these that is refused beside the sound."""
    while len(objects) > 1:
        half = len(objects) // 2
        objects = objects[:half] if complaint([*sound, *objects[:half]], folder) else objects[half:]
    return objects[0]


SOUND = list(corpus())


def test_envoy_takes_what_is_made_of_all_goldens_together(tmp_path: Path) -> None:
    found = [one for document in SOUND if (one := door().admit(document).object)]
    assert len(found) == len(SOUND)
    assert complaint(found, tmp_path) == ""


@pytest.mark.parametrize("wave", range(WAVES))
def test_envoy_takes_what_is_made_of_damaged_objects(wave: int, tmp_path: Path) -> None:
    chance = random.Random(SEED * 1_000 + wave)
    sound, bad = [], []
    for number, document in enumerate(SOUND):
        if is_route(document):
            for each in range(3):
                hurt = damaged(chance, document)
                bad.append({**hurt, "metadata": {**hurt["metadata"], "name": f"d{number}-{each}"}})
        elif chance.random() < 0.3:
            bad.append(damaged(chance, document))
        else:
            sound.append(document)
    keep, found = ([one for document in those if (one := door().admit(document).object)] for those in (sound, bad))
    assert len(found) > 100
    text = complaint(keep + found, tmp_path)
    assert not text, (text[-1000:], culprit(found, keep, tmp_path))
