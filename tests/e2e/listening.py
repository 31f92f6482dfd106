"""Servers for tests: each connection has a task, and with the server they all end, so that nothing is left open behind a test."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
GONE = (asyncio.IncompleteReadError, OSError)


@contextlib.asynccontextmanager
async def listening(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of loopback on which `handler` is given each connection. A client that goes away is no error."""
    tasks: set[asyncio.Task[None]] = set()

    async def handled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        try:
            with contextlib.suppress(*GONE):
                await handler(reader, writer)
        finally:
            tasks.discard(task)
            await closed(writer)

    server = await asyncio.start_server(handled, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        left = list(tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def closed(writer: asyncio.StreamWriter) -> None:
    """Until it is."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
