"""An open-loop load: requests leave at a fixed rate whatever comes back, and every one that fails is kept with its reason. Where a
machine cannot keep up, those that would make more than `most` at a time do not leave, and are counted.

Speaks HTTP/1.1 over kept connections as a well-behaved client does: a connection that the server closed, or says it will close, is
not used again, and all have turns, so that none lies unused while a server waits to be rid of it. Knows nothing of what it asks for.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True)
class Target:
    """What is asked for. With `tls`, each request is a connection and a handshake of its own."""

    port: int
    path: str = "/"
    host: str = "shop.example.com"
    address: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None

    @property
    def request(self) -> bytes:
        return f"GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode()


@dataclass
class Load:
    """`async with Load(targets, rate=500) as load:` runs for as long as the block does; then look at what it counted."""

    targets: list[Target]
    rate: float
    patience: float = 5.0  # seconds for one request
    most: int = 10_000
    answers: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    sent: int = 0
    kept_back: int = 0
    _idle: dict[Target, deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _clock: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._idle = {target: deque() for target in self.targets}
        self._clock = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._clock
        self._clock.cancel()
        await asyncio.gather(self._clock, *self._tasks, return_exceptions=True)
        for idle in self._idle.values():
            for _, writer in idle:
                writer.close()

    async def _tick(self) -> None:
        loop, never = asyncio.get_running_loop(), asyncio.Event()
        start = loop.time()
        while True:
            while self.sent + self.kept_back < (loop.time() - start) * self.rate:
                if len(self._tasks) >= self.most:
                    self.kept_back += 1
                    continue
                task = asyncio.create_task(self._one(self.targets[self.sent % len(self.targets)]))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                self.sent += 1
            try:
                await asyncio.wait_for(never.wait(), 1 / self.rate)
            except TimeoutError:
                continue

    async def _one(self, target: Target) -> None:
        try:
            async with asyncio.timeout(self.patience):
                status, body = await self._ask(target)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            self.failed.append(f"{target.path} {type(error).__name__} {error}")
            return
        if status == 200:
            self.answers[body] += 1
        else:
            self.failed.append(f"{target.path} {status} {body[:80]}")

    async def _ask(self, target: Target) -> tuple[int, str]:
        idle = self._idle[target]
        while idle and idle[0][0].at_eof():
            idle.popleft()[1].close()
        pair = idle.popleft() if idle else await self._connected(target)
        reader, writer = pair
        try:
            writer.write(target.request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.partition("content-length:")[2].split("\r\n")[0] or 0)
            body = (await reader.readexactly(length)).decode()
        except BaseException:
            writer.close()
            raise
        if target.tls or "connection: close" in head:
            writer.close()
        else:
            idle.append(pair)
        return int(head.split(" ", 2)[1]), body

    async def _connected(self, target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        name = target.host if target.tls else None
        return await asyncio.open_connection(target.address, target.port, ssl=target.tls, server_hostname=name)
