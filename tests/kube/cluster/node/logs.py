"""What containers say: kept in memory with the time at which it came, and in a file."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path

KEPT = 20_000  # lines
Line = tuple[datetime, str]


class Log:
    def __init__(self, file: Path) -> None:
        self.lines: deque[Line] = deque(maxlen=KEPT)
        self._file = file.open("a", buffering=1)
        self._reader: asyncio.Task[None] | None = None
        self.moved = asyncio.Condition()
        self.ended = False

    def follow(self, pipe: asyncio.StreamReader | None) -> None:
        assert pipe
        self._reader = asyncio.create_task(self._read(pipe))

    async def _read(self, pipe: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await pipe.read(65536):
            *whole, rest = (rest + chunk).split(b"\n")
            now = datetime.now(UTC)
            for line in whole:
                text = line.decode(errors="replace")
                self.lines.append((now, text))
                self._file.write(text + "\n")
            async with self.moved:
                self.moved.notify_all()
        if rest:
            self.lines.append((datetime.now(UTC), rest.decode(errors="replace")))

    async def close(self) -> None:
        self.ended = True
        async with self.moved:
            self.moved.notify_all()
        self._file.close()

    def asked(self, query: dict[str, str]) -> list[Line]:
        """As `kubectl logs` asks."""
        since = None
        if "sinceTime" in query:
            since = datetime.fromisoformat(query["sinceTime"])
        elif "sinceSeconds" in query:
            since = datetime.now(UTC) - timedelta(seconds=int(query["sinceSeconds"]))
        lines = [line for line in self.lines if since is None or line[0] >= since]
        return lines[-int(query["tailLines"]) :] if "tailLines" in query else lines
