"""The program `helm`, built by Go from what `charts/go.mod` pins, once for each version. Knows nothing of charts."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from tests.kube.cluster.programs import NoProgramsError, cache, compiled

MODULES = Path(__file__).parent / "charts"
PACKAGE = "helm.sh/helm/v3/cmd/helm"


def helm() -> Path:
    """From the cache, or built now. NoProgramsError where there is no Go tool chain, or it fails."""
    pinned = (MODULES / "go.mod").read_bytes() + (MODULES / "go.sum").read_bytes()
    path = cache() / f"helm-{hashlib.sha256(pinned).hexdigest()[:12]}" / "helm"
    if not path.exists():
        go = shutil.which("go")
        if go is None:
            raise NoProgramsError("the Go tool chain is not installed, and helm was not built before")
        path.parent.mkdir(parents=True, exist_ok=True)
        compiled(go, PACKAGE, path, MODULES, "-s -w")
    return path
