"""A program of the cluster: started with a log of its own, found dead early, ended for certain."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PARENT_DIES = 1  # prctl(PR_SET_PDEATHSIG): nothing outlives a test run that is killed
STARTER = ThreadPoolExecutor(1, "starter")  # the parent that must not die is a thread: one that lives as long as the process
LIBC = ctypes.CDLL(None, use_errno=True)
ENDS = 10.0  # seconds
POLL = 0.02


class DiedError(Exception):
    """A program ended, or was not ready in time; with the end of its log."""


class Process:
    def __init__(self, name: str, command: list[str], log: Path, at: Path | None = None) -> None:
        self.name, self.command, self.log, self._at = name, command, log, at
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        STARTER.submit(self._start).result()

    def _start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self._at,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - it calls nothing of Python that takes a lock
            )

    def wait(self, ready: Callable[[], bool], seconds: float) -> None:
        """Until it is ready. DiedError where it never will be."""
        deadline = time.monotonic() + seconds
        while not self._asked(ready):
            if self._process is None or self._process.poll() is not None:
                raise DiedError(f"{self.name} ended: {self.tail()}")
            if time.monotonic() > deadline:
                raise DiedError(f"{self.name} was not ready in {seconds:.0f} s: {self.tail()}")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(POLL)

    def _asked(self, ready: Callable[[], bool]) -> bool:
        try:
            return ready()
        except OSError:
            return False

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-1500:] if self.log.exists() else ""

    def kill(self) -> None:
        """At once, as a machine that loses power."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """Its connections stand, and nothing comes any more."""
        if self._process:
            os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        if self._process:
            os.kill(self._process.pid, signal.SIGCONT)

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(ENDS)
            except subprocess.TimeoutExpired:
                self.kill()


def _die_with_parent() -> None:
    LIBC.prctl(PARENT_DIES, signal.SIGKILL)
