"""Programs under measurement: started, asked with lines of JSON, and looked at from outside, all by the same means."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

from xds.security.credentials import CA, CERTIFICATE, KEY

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GO_PATHS = ("/usr/local/go/bin",)


class NoGoError(RuntimeError):
    """Why there are no peers: told, never passed over in silence."""


def go() -> str:
    """The Go tool chain. NoGoError without one."""
    found = shutil.which("go") or shutil.which("go", path=os.pathsep.join(GO_PATHS))
    if not found:
        raise NoGoError("no Go tool chain on PATH: go-control-plane and the client cannot be built")
    return found


def built() -> Path:
    """Where client and server of the peers lie, built from what is there now. NoGoError where that cannot be."""
    target = ROOT / "build" / "bench"
    target.mkdir(parents=True, exist_ok=True)
    command = [go(), "build", "-o", f"{target}/", "./client", "./server"]
    done = subprocess.run(command, cwd=HERE / "peers", capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoGoError(f"the peers cannot be built: {done.stderr.strip().splitlines()[-1]}")
    return target


def cpu(pid: int) -> float:
    """Seconds of CPU of all its threads, dead ones too: what getrusage tells inside, to the nanosecond (clock_getcpuclockid(3))."""
    return time.clock_gettime(~pid << 3 | 2)


class Program:
    """A process that answers each line of JSON on its stdin with one on its stdout."""

    def __init__(self, *command: str | Path, env: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, env=env
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def ask(self, do: str, **what: Any) -> dict[str, Any]:
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"do": do, **what}).encode() + b"\n")
        self.process.stdin.flush()
        return self.hear()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, f"{self.process.args} ended with {self.process.wait()}"
        found: dict[str, Any] = json.loads(line)
        assert "error" not in found, found["error"]
        return found

    @property
    def cpu(self) -> float:
        return cpu(self.process.pid)

    @property
    def rss(self) -> int:
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * resource.getpagesize()


class Programs:
    """What is measured, and its client; all with mutual TLS where there are certificates (folders `server` and `client`)."""

    def __init__(self, certificates: Path | None = None) -> None:
        self._certificates = certificates

    def ours(self, size: int, secrets: int = 0) -> Program:
        return self._python("serve", f"--resources={size}", f"--secrets={secrets}")

    def floor(self, size: int) -> Program:
        return self._python("floor", f"--resources={size}")

    def peer(self, cache: str, size: int, secrets: int = 0) -> Program:
        return Program(built() / "server", f"-cache={cache}", f"-resources={size}", f"-secrets={secrets}", *self._files("server"))

    def client(self, address: str) -> Program:
        return Program(built() / "client", f"-address={address}", *self._files("client"))

    def _python(self, name: str, *options: str) -> Program:
        tls = [f"--tls={self._certificates / 'server'}"] if self._certificates else []
        return Program(sys.executable, "-m", f"tests.bench.{name}", *options, *tls)

    def _files(self, of: str) -> list[str]:
        names = {"cert": CERTIFICATE, "key": KEY, "ca": CA}
        return [f"-{flag}={self._certificates / of / name}" for flag, name in names.items()] if self._certificates else []


PLAIN = Programs()
