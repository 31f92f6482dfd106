"""Backends that say their name, and what an Envoy needs in its environment to find our native module."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from functools import partial

from tests.e2e.folder import Folder
from tests.e2e.running import MODULES

WITH_MODULES = {**os.environ, "ENVOY_DYNAMIC_MODULES_SEARCH_PATH": str(MODULES)}


async def backends(stack: AsyncExitStack, folder: Folder) -> None:
    """`a` and `b`, declared in the folder; they end with the stack."""
    for name in "ab":
        backend = await asyncio.start_server(partial(answer, name), "127.0.0.1", 0)
        stack.callback(backend.close)
        folder.backend(name, backend.sockets[0].getsockname()[1])


async def answer(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A backend that says its name to whatever it is asked."""
    reply = f"HTTP/1.1 200 OK\r\nContent-Length: {len(name)}\r\n\r\n{name}".encode()
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(reply)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
