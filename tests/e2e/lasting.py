"""Connections that are opened once and kept: whoever cuts one is found out. Echo servers behind them, by TCP, TLS and UDP."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.listening import closed, listening


def trusting() -> ssl.SSLContext:
    """A client that believes anybody."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def _repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)


@contextlib.asynccontextmanager
async def echo(pair: tuple[Path, Path] | None = None) -> AsyncIterator[int]:
    """The port of a server that repeats lines, in TLS with a certificate and its key."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if pair else None
    if context and pair:
        context.load_cert_chain(*pair)
    async with listening(_repeat, context) as port:
        yield port


class _Peers(asyncio.DatagramProtocol):
    """Says to each datagram from which port it came: another session comes from another port."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(data + b" from " + str(addr[1]).encode(), addr)  # type: ignore[attr-defined]


@contextlib.asynccontextmanager
async def datagrams() -> AsyncIterator[int]:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(_Peers, ("127.0.0.1", 0))
    yield transport.get_extra_info("sockname")[1]
    transport.close()


@dataclass
class Stream:
    """A connection that stays. `name` is for whoever reads that it was cut."""

    name: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    said: int = 0

    async def holds(self) -> None:
        self.said += 1
        line = f"{self.name} {self.said}\n".encode()
        self.writer.write(line)
        async with asyncio.timeout(60):
            answer = await self.reader.readline()
        assert answer == line, f"{self.name} was cut after {self.said - 1} lines"

    async def end(self) -> None:
        await closed(self.writer)


async def stream(name: str, port: int, host: str = "") -> Stream | None:
    """None where nobody answers."""
    try:
        context = trusting() if host else None
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=host or None)
    except OSError:
        return None
    found = Stream(name, reader, writer)
    try:
        await found.holds()
    except (OSError, AssertionError, TimeoutError):
        await found.end()
        return None
    return found


class Session(asyncio.DatagramProtocol):
    """A session of datagrams that stays: whoever answers sees them come from one port."""

    def __init__(self) -> None:
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        self._first = b""
        self._said = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, _addr: tuple[str, int]) -> None:
        self._answers.put_nowait(data)

    async def answered(self) -> bytes:
        """From where the backend saw it come, or nothing: a datagram may be lost, and is sent again."""
        self._said += 1
        mark = f"{self._said}".encode()
        self.transport.sendto(mark)  # type: ignore[attr-defined]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                while not (answer := await self._answers.get()).startswith(mark + b" from "):
                    continue
                return answer.removeprefix(mark)
        return b""

    async def holds(self) -> None:
        found = b""
        for _ in range(20):
            if found := await self.answered():
                break
        assert found, "nobody answers datagrams"
        self._first = self._first or found
        assert found == self._first, "the session was lost"

    async def end(self) -> None:
        self.transport.close()


async def session(port: int) -> Session:
    _, found = await asyncio.get_running_loop().create_datagram_endpoint(Session, remote_addr=("127.0.0.1", port))
    return found
