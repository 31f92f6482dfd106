"""A real gRPC client and real gRPC servers in network namespaces: they speak over unix sockets of this machine, and bytes are carried
between these and sockets that live in a namespace.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio

ECHO = "/echo.Echo/Talk"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def carried(to: Callable[[], Awaitable[Streams]], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until both sides have nothing more to say."""
    try:
        other, out = await to()
    except (OSError, TimeoutError):
        writer.close()
        return
    await asyncio.gather(_pumped(reader, out), _pumped(other, writer))


async def _pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    writer.close()


class Echo(grpc.GenericRpcHandler):
    """Says its name and what it hears, a message for a message; after `end` it ends with a status and a trailer."""

    def __init__(self, name: str) -> None:
        self._name = name

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        return grpc.stream_stream_rpc_method_handler(self._talk) if details.method == ECHO else None

    async def _talk(self, heard: AsyncIterator[bytes], context: grpc.aio.ServicerContext) -> AsyncIterator[bytes]:
        async for one in heard:
            if one == b"end":
                context.set_trailing_metadata((("ended-by", self._name),))
                await context.abort(grpc.StatusCode.OUT_OF_RANGE, "that is all")
            yield self._name.encode() + b":" + one


@asynccontextmanager
async def echoing(name: str, at: Path) -> AsyncIterator[Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]]:
    """What answers connections as this server."""
    server, place = grpc.aio.server(), at / f"{name}.grpc"
    server.add_generic_rpc_handlers((Echo(name),))
    server.add_insecure_port(f"unix:{place}")
    await server.start()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await carried(lambda: asyncio.open_unix_connection(place), reader, writer)

    try:
        yield answer
    finally:
        await server.stop(0)


@asynccontextmanager
async def channel(at: Path, to: Callable[[], Awaitable[Streams]]) -> AsyncIterator[grpc.aio.Channel]:
    """Each of its connections is one that `to` makes."""
    place = at / "client.grpc"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await carried(to, reader, writer)

    server = await asyncio.start_unix_server(answer, place)
    try:
        async with grpc.aio.insecure_channel(f"unix:{place}") as made:
            yield made
    finally:
        server.close()
