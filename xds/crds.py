"""Where the CustomResourceDefinitions are that we ship, what they say, and how our own are written. Checks nothing with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from translator.resources.crd import EXAMPLE, GROUP, definitions

HERE = Path(__file__).parent
OF_EXAMPLE = HERE.parent / "deploy" / "sandbox-example"  # in a checkout: for those who ask for it
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


def written(definition: Mapping[str, Any]) -> str:
    """The text of a file that holds one definition of ours."""
    return "# Written by `make crds`.\n" + plain(definition)


def plain(document: Mapping[str, Any]) -> str:
    """YAML as people write it: in the order of the document, and nothing by reference."""
    return yaml.dump(document, Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - a definition says what it says where it says it
        return True


def write(folder: Path = PLACES[1] / "pointsman", example: Path = OF_EXAMPLE) -> None:
    """What `make crds` does."""
    for place, group in ((folder, GROUP), (example, EXAMPLE)):
        place.mkdir(parents=True, exist_ok=True)
        for name, definition in definitions(group).items():
            (place / name).write_text(written(definition))
