"""`check`: what is wrong with files, by file, line and column. Envoy itself is asked where the user wants it."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from translator.ir.output import Group
from translator.ir.tables import RESOURCES
from xds.cli.output import Exit, Output, dumped, say
from xds.objects import finding
from xds.offline import Loaded, load
from xds.sources.folder import Located

if TYPE_CHECKING:
    from xds.cli.cluster import Cluster

ENVOY_LIMIT = 60


def check(where: Path | Cluster, envoy: bool, output: Output, groups: tuple[str, ...]) -> None:
    """Exit code 1 where anything is found, warnings too."""
    loaded = loaded_of(where, Group(flat=envoy), groups)
    findings = [one for one in loaded.findings if not (envoy and one.finding.code == "PM0703")]  # the Envoy that is asked is no proxy
    root = where if isinstance(where, Path) else None
    refused = "; ".join(filter(None, (_envoy(loaded, group) for group in loaded.groups))) if envoy else ""
    if output is Output.NAME:
        say("\n".join(f"{one.finding.code} {one.finding.kind}/{one.finding.key}" for one in findings))
    elif output is Output.TABLE:
        for one in findings:
            say(line(root, one))
        if refused:
            say(f"envoy: {refused}")
        if not findings and not refused:
            say(f"{len(loaded.holder.objects())} objects, no findings" + (", and Envoy takes them" if envoy else ""))
    else:
        found: dict[str, Any] = {"findings": [finding(one) for one in findings]}
        say(dumped({**found, "envoy": refused} if envoy else found, output))
    if findings or refused:
        raise Exit(1)


def loaded_of(where: Path | Cluster, group: Group, groups: tuple[str, ...]) -> Loaded:
    """Of files, or of a cluster, in which each Gateway has proxies of its own. Exits where they cannot be read."""
    if isinstance(where, Path):
        return load_or_exit(where, group, groups)
    from xds.cli.cluster import read

    return read(where, group, groups)


def load_or_exit(root: Path, group: Group, groups: tuple[str, ...]) -> Loaded:
    if not root.exists():
        raise Exit(2, f"{root} is not there")
    try:
        return load(root, group, time.time, groups)
    except OSError as error:
        raise Exit(2, f"{root} cannot be read: {error.strerror or error}") from None


def line(root: Path | None, one: Located) -> str:
    """`file:line:column CODE object: message (fix)`."""
    what = one.finding
    name = f" {what.kind} {what.key}".rstrip() if what.kind else ""
    fix = f" ({what.fix})" if what.fix else ""
    return f"{place(root, one)}{what.code}{name}: {what.message}{fix}"


def place(root: Path | None, one: Located) -> str:
    """`file:line:column ` of a folder; objects of a cluster stand nowhere."""
    if root is None:
        return ""
    file = root / one.file if root.is_dir() or not root.exists() else root
    return f"{file}:{one.at.line}:{one.at.column} "


def _envoy(loaded: Loaded, group: str) -> str:
    """What Envoy says against the resources, or nothing."""
    from translator.envoy_v3.standalone import bootstrap
    from xds import dataplane

    try:
        binary = dataplane.binary()
    except dataplane.NoEnvoyError as error:
        raise Exit(3, str(error)) from None
    resources = {(table, key): row for table in RESOURCES for key, (row,) in loaded.engine.rows(table).items()}
    with tempfile.TemporaryDirectory(prefix="pointsman-") as home:
        path = Path(home, "bootstrap.json")
        path.write_bytes(bootstrap(resources, group, flat=True))
        try:
            done = subprocess.run(
                [binary, "--mode", "validate", "-c", path, "-l", "error"], capture_output=True, text=True, timeout=ENVOY_LIMIT, check=False
            )
        except subprocess.TimeoutExpired:
            return f"no answer within {ENVOY_LIMIT} s"
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip() or json.dumps({"exit": done.returncode})
