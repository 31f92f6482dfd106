"""`pointsman serve` as a process of its own, which can be killed and started again on the same ports."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests.ports import free_port
from tests.waiting import wait_until

READY = 60.0  # seconds; a quiet machine needs two


class Server:
    def __init__(self, folder: Path | None, log: Path, *options: str, module: str = "xds") -> None:
        """Without a folder the options say where objects come from. `module` is what to run as the program."""
        self.xds, self.admin = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        source = ["--files", str(folder)] if folder else []
        self._command = [sys.executable, "-m", module, "serve", *source, "--xds", self.xds, "--admin", self.admin, *options]
        self._log = log
        self.process: asyncio.subprocess.Process | None = None
        self._before = 0  # how often it was synced in earlier lives

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:  # else it would go on without anybody
            await self.kill()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def _synced(self) -> int:
        return self._log.read_text().count("sources.synced") if self._log.exists() else 0

    async def start(self) -> None:
        self._before = self._synced()
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(*self._command, stdout=log, stderr=log)
        await wait_until(self._is_ready, READY, "the server to be ready")

    async def kill(self) -> None:
        """As the kernel does it when memory is short: no word to anybody."""
        assert self.process
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def _is_ready(self) -> bool:
        """Its log says so first: asking a server that reads ten thousand files a hundred times a second slows it down."""
        assert self.process
        assert self.process.returncode is None, self._log.read_text()[-2000:]
        if self._synced() == self._before:
            return False
        try:
            async with aiohttp.ClientSession() as session, session.get(f"http://{self.admin}/readyz") as response:
                return response.status == 200
        except aiohttp.ClientConnectionError:
            return False

    async def get(self, path: str) -> Any:
        return json.loads(await self.text(path))

    async def text(self, path: str) -> str:
        async with aiohttp.ClientSession() as session, session.get(f"http://{self.admin}{path}") as response:
            return await response.text()
