"""`python -m tests.bench.floor`: what grpc.aio costs by itself. Every change is one shared response to every stream, every ACK
is read, and nothing is decided. The distance of our server from this is our own.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from tests.bench import made
from tests.bench.serve import Commands, arguments
from xds.kinds import CLUSTER, Variant
from xds.security.credentials import Credentials
from xds.server import OPTIONS
from xds.services import DELTA_ADS
from xds.snapshot import Snapshots


class Writer:
    def __init__(self) -> None:
        self.waiting: list[bytes] = []
        self.wake = asyncio.Event()

    def give(self, data: bytes) -> None:
        self.waiting.append(data)
        self.wake.set()


class Floor:
    def __init__(self, size: int) -> None:
        self._snapshots = Snapshots()
        self._snapshots.apply(made.fill(size, 0))
        self._table = self._snapshots.of(made.GROUP, CLUSTER)
        self._writers: set[Writer] = set()

    async def serve(self, _: Any, context: Any) -> None:
        writer = Writer()
        self._writers.add(writer)
        reader = asyncio.create_task(self._read(context, writer))
        try:
            while True:
                await writer.wake.wait()
                writer.wake.clear()
                while writer.waiting:
                    await context.write(writer.waiting.pop(0))
        finally:
            reader.cancel()
            self._writers.discard(writer)

    async def _read(self, context: Any, writer: Writer) -> None:
        await context.read()
        for part in self._table.parts(Variant.DELTA, tuple(self._table.live), ()):
            writer.give(part.data)
        while await context.read() is not grpc.aio.EOF:
            pass

    def change(self, command: dict[str, Any]) -> dict[str, int]:
        settled, since = made.changed(command)
        self._snapshots.apply(settled)
        ((_, (_, name)),) = settled
        (part,) = self._table.parts(Variant.DELTA, (name,), ())
        for writer in self._writers:
            writer.give(part.data)
        return {"since": since}


async def serve(size: int, tls: str) -> None:
    floor, server = Floor(size), grpc.aio.server(options=OPTIONS)
    handlers = {DELTA_ADS.name: grpc.stream_stream_rpc_method_handler(floor.serve)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(DELTA_ADS.service, handlers),))
    secure = Credentials(Path(tls), lambda: datetime.now(UTC)).for_server() if tls else None
    port = server.add_secure_port("127.0.0.1:0", secure) if secure else server.add_insecure_port("127.0.0.1:0")
    await server.start()
    await Commands(floor.change).serve(f"127.0.0.1:{port}")
    await server.stop(0)


if __name__ == "__main__":
    chosen = arguments(sys.modules[__name__].__doc__)
    asyncio.run(serve(chosen.resources, chosen.tls))
