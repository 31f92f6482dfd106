"""The upstream suite as a program, and the echo server that it puts into Pods: built by Go, unmodified, from what go.mod pins.

Knows how to build and where to keep; knows nothing of clusters.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from tests.kube.cluster.programs import NoProgramsError

SUITE = Path(__file__).parent / "suite"
SUITE_PROGRAM, ECHO = "conformance.test", "echo-basic"
COMMANDS = {
    ECHO: ("build", "sigs.k8s.io/gateway-api/conformance/echo-basic"),
    SUITE_PROGRAM: ("test", "-c", "."),
}


def built() -> Path:
    """The folder that holds them: from the cache, or built now. NoProgramsError where there is no Go tool chain, or it fails."""
    pinned = b"".join((SUITE / name).read_bytes() for name in ("go.mod", "go.sum", "conformance_test.go"))
    folder = _cache() / hashlib.sha256(pinned).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    for name, command in COMMANDS.items():
        if not (folder / name).exists():
            _build(folder / name, *command)
    return folder


def _cache() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return Path(os.environ.get("POINTSMAN_CONFORMANCE_CACHE") or home / "pointsman" / "conformance")


def _build(to: Path, verb: str, *rest: str) -> None:
    go = shutil.which("go")
    if go is None:
        raise NoProgramsError("the Go tool chain is not installed, and the suite was not built before")
    unfinished = to.with_suffix(".unfinished")
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false -trimpath -mod=readonly"}
    command = [go, verb, "-ldflags=-s -w", "-o", str(unfinished), *rest]
    done = subprocess.run(command, cwd=SUITE, env=os.environ | settings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoProgramsError(f"{to.name} cannot be built: {' '.join(done.stderr.split())[-400:]}")
    unfinished.rename(to)
