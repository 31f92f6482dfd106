"""A port of a Pod's loopback for who asks by WebSocket, as a kubelet gives it: one port, binary messages of v4.channel.k8s.io."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
import struct

from aiohttp import WSMsgType, web

from tests.kube.cluster.node.node import Node

PROTOCOL = "v4.channel.k8s.io"
DATA, ERROR = 0, 1
NEW_NETWORK = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


async def forward(request: web.Request) -> web.StreamResponse:
    node: Node = request.app["node"]
    wanted = request.match_info["namespace"], request.match_info["pod"]
    pod = next((one for one in node.pods.values() if (one.namespace, one.name) == wanted), None)
    if pod is None:
        raise web.HTTPNotFound
    port = int(request.query["port"])
    opened = web.WebSocketResponse(protocols=(PROTOCOL,))
    await opened.prepare(request)
    for channel in (DATA, ERROR):
        await opened.send_bytes(bytes([channel]) + struct.pack("<H", port))
    try:
        inside = await asyncio.to_thread(_connected, pod.network.name, port)
    except OSError as error:
        await opened.send_bytes(bytes([ERROR]) + f"failed to connect to localhost:{port} inside the Pod: {error.strerror}".encode())
    else:
        await _both_ways(opened, *await asyncio.open_connection(sock=inside))
    await opened.close()
    return opened


def _connected(network: str, port: int) -> socket.socket:
    """In a thread, which is in the Pod's network while it connects; a socket stays in that of its making."""
    here, there = os.open("/proc/thread-self/ns/net", os.O_RDONLY), os.open(f"/run/netns/{network}", os.O_RDONLY)
    try:
        LIBC.setns(there, NEW_NETWORK)
        made = socket.create_connection(("127.0.0.1", port), timeout=5)
        made.setblocking(False)
        return made
    finally:
        LIBC.setns(here, NEW_NETWORK)
        os.close(here)
        os.close(there)


async def _both_ways(outside: web.WebSocketResponse, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async def inwards() -> None:
        async for message in outside:
            if message.type is WSMsgType.BINARY and message.data[:1] == bytes([DATA]):
                writer.write(message.data[1:])

    task = asyncio.create_task(inwards())
    try:
        while content := await reader.read(65536):
            await outside.send_bytes(bytes([DATA]) + content)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        writer.close()
