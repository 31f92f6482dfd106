"""Which program stands for an image. Nothing is pulled: an image is a command, and files that the machine has already."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xds.dataplane import NoEnvoyError, binary, modules

REPOSITORY = Path(__file__).parents[4]
PROGRAMS = "/opt/pointsman"  # where the images of ours have what others have in /usr


@dataclass(frozen=True)
class Image:
    """`files` are paths in the container, and what stands there on the machine: a file or a folder, read only."""

    pattern: str
    entrypoint: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


def own() -> list[Image]:
    """Those that this repository is about."""
    python = f"{sys.prefix}/bin/python"
    path = {"PATH": f"{sys.prefix}/bin:{PROGRAMS}/bin:/usr/local/bin:/usr/bin:/usr/sbin:/bin", "PYTHONPATH": str(REPOSITORY)}
    images = [Image("(^|/)pointsman-echo(:|$)", (python, "-m", "tests.kube.cluster.echo"), environment=path)]
    try:
        files = {f"{PROGRAMS}/bin/envoy": str(binary())}
    except NoEnvoyError:
        return images
    if place := modules():
        files[f"{PROGRAMS}/modules"] = str(place)
    path = {**path, "ENVOY_DYNAMIC_MODULES_SEARCH_PATH": f"{PROGRAMS}/modules"}
    return [*images, Image("(^|/)pointsman(:|@|$)", (f"{sys.prefix}/bin/pointsman",), files=files, environment=path)]


def read(file: Path) -> list[Image]:
    """Those of others: a list of objects with the fields of Image."""
    return [Image(**{**one, "entrypoint": tuple(one["entrypoint"])}) for one in json.loads(file.read_text())]


def chosen(images: Sequence[Image], name: str) -> Image | None:
    return next((one for one in images if re.search(one.pattern, name)), None)
