"""The programs of the test cluster: built by Go from the modules that `binaries/go.mod` pins, once for each set of versions.

Knows how to build and where to keep; knows nothing of how they run. The first build takes ten minutes of two cores and 4 GiB.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

MODULES = Path(__file__).parents[1] / "binaries"
STAMPED = "k8s.io/component-base/version"  # a server that does not know its version is not understood by its clients
PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
}


class NoProgramsError(Exception):
    """The programs are not there and cannot be built here; the reason in one line."""


@dataclass(frozen=True)
class Programs:
    """Where they are."""

    folder: Path

    def __getitem__(self, name: str) -> str:
        return str(self.folder / name)


def programs() -> Programs:
    """From the cache, or built now. NoProgramsError where there is no Go tool chain, or it fails."""
    folder = cache() / _key()
    if not all((folder / name).exists() for name in PACKAGES):
        _build(folder)
    return Programs(folder)


def cache() -> Path:
    """Where programs are kept that Go built."""
    return Path(
        os.environ.get("POINTSMAN_KUBE_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "pointsman" / "kube"
    )


def _key() -> str:
    """Another version of anything is another key."""
    pinned = (MODULES / "go.mod").read_bytes() + (MODULES / "go.sum").read_bytes()
    return f"{_version()}-{hashlib.sha256(pinned).hexdigest()[:12]}"


def _version() -> str:
    found = re.search(r"^\tk8s\.io/kubernetes (v\S+)$", (MODULES / "go.mod").read_text(), re.MULTILINE)
    assert found, "go.mod pins no Kubernetes"
    return found[1]


def _build(folder: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise NoProgramsError("the Go tool chain is not installed, and the programs of the test cluster were not built before")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs at a time build once
        for name, package in PACKAGES.items():
            if not (folder / name).exists():
                sys.stderr.write(f"building {name}: the first time takes minutes\n")
                compiled(go, package, folder / name, MODULES, _flags())


def compiled(go: str, package: str, to: Path, modules: Path, flags: str) -> None:
    """A program of a package that the go.mod in `modules` pins. NoProgramsError where it cannot be built."""
    unfinished = to.with_suffix(".unfinished")
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false -trimpath -mod=readonly"}
    command = [go, "build", f"-ldflags={flags}", "-o", str(unfinished), package]
    done = subprocess.run(command, cwd=modules, env=os.environ | settings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoProgramsError(f"{package} cannot be built: {' '.join(done.stderr.split())[-400:]}")
    unfinished.rename(to)


def _flags() -> str:
    version = _version()
    minor = version.split(".")[1]
    stamps = {
        "gitVersion": version, "gitMajor": "1", "gitMinor": minor, "gitCommit": "module", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
    }  # fmt: skip
    return " ".join(["-s", "-w", *(f"-X {STAMPED}.{name}={value}" for name, value in stamps.items())])
