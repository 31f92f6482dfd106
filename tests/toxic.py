"""A TCP proxy that can do what networks do: reset, swallow everything, refuse. Between anything and anything on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from types import TracebackType
from typing import Self


class Toxic:
    """To be used in an `async with`. `address` leads to `to`, while nothing is wrong."""

    def __init__(self, to: str) -> None:
        host, _, port = to.rpartition(":")
        self._to, self._server = (host, int(port)), None
        self._swallowing: set[asyncio.Event] = set()
        self._pipes: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, asyncio.Event]] = {}
        self.address = ""
        self.refusing = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.close()
        self.reset()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    def swallow(self) -> None:
        """Connections that stand go on standing, and nothing comes through them ever again. New ones are not concerned."""
        for _, dead in self._pipes.values():
            dead.set()

    def reset(self) -> None:
        """Every connection that stands ends at once, with a RST."""
        for task, (writer, _) in self._pipes.items():
            found = writer.get_extra_info("socket")
            if found and found.fileno() >= 0:  # else it has ended by itself
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.transport.abort()
            task.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        dead = asyncio.Event()
        task = asyncio.current_task()
        assert task
        self._pipes[task] = (writer, dead)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._to)
            await asyncio.gather(_pump(reader, far_writer, dead), _pump(far_reader, writer, dead))
        except OSError:
            writer.transport.abort()
        except asyncio.CancelledError:
            pass
        finally:
            del self._pipes[task]
            with contextlib.suppress(UnboundLocalError):
                far_writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dead: asyncio.Event) -> None:
    while data := await reader.read(65536):
        if not dead.is_set():
            writer.write(data)
            await writer.drain()
    if dead.is_set():
        await asyncio.Event().wait()  # an end is swallowed too
    writer.close()
