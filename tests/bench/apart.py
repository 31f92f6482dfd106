"""Benches that change the network of their process run in one of their own, and say why where they cannot run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence

from tests.bench.programs import ROOT
from tests.kube.cluster.isolation import NoIsolationError
from tests.kube.cluster.programs import NoProgramsError


def apart(module: str, *arguments: str) -> None:
    """`python -m tests.bench.MODULE` with these arguments, in a process of its own."""
    subprocess.run([sys.executable, "-m", f"tests.bench.{module}", *arguments], cwd=ROOT, check=True)


def main(run: Callable[[Sequence[str]], None], arguments: Sequence[str]) -> None:
    try:
        run(arguments)
    except (NoProgramsError, NoIsolationError) as reason:
        print(f"skipped: {reason}")
