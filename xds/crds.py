"""Where the CustomResourceDefinitions are that we ship, and what they say. Reads files; checks nothing with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
PLACES = (HERE / "crds", HERE.parent / "deploy" / "crds")  # in an installed wheel; in a checkout


def folder() -> Path:
    """Where they are. FileNotFoundError where the installation is broken."""
    for place in PLACES:
        if place.is_dir():
            return place
    raise FileNotFoundError(f"no CustomResourceDefinitions in {' or '.join(map(str, PLACES))}")


def shipped() -> Iterator[Mapping[str, Any]]:
    """Every definition, in the order of its path."""
    for path in sorted(folder().rglob("*.yaml")):
        yield from yaml.load_all(path.read_bytes(), yaml.CSafeLoader)
