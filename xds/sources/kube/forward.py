"""A port of a Pod, asked through the API server: for what listens on the Pod's loopback, which nobody else reaches.

Pods have no port open for it, and who may ask is for the cluster to say: `get` and `create` of pods/portforward. Source:
kubelet, pkg/cri/streaming/portforward/websocket.go: binary messages of v4.channel.k8s.io, the first byte is the channel, and
each channel begins with its port in two bytes. 0 is data, 1 what went wrong.
"""

from __future__ import annotations

import asyncio
import http.client
import io

import aiohttp

from xds.sources.kube.transport import Transport

PROTOCOL = "v4.channel.k8s.io"
LIMIT = 30.0  # seconds for a whole answer
LONGEST = 512 * 1024 * 1024  # bytes
DATA, ERROR = 0, 1


class ForwardError(Exception):
    """The port could not be asked; why, in a sentence."""


async def page(transport: Transport, namespace: str, pod: str, port: int, path: str) -> bytes:
    """The body of what a plain HTTP server on that port answers. ForwardError, or one of Broken."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
    place = f"/api/v1/namespaces/{namespace}/pods/{pod}/portforward"
    try:
        async with asyncio.timeout(LIMIT), transport.socket(place, {"ports": str(port)}, PROTOCOL) as socket:
            await socket.send_bytes(bytes([DATA]) + request)
            return body(await _all(socket))
    except aiohttp.WSServerHandshakeError as error:
        why = "you may not: get and create of pods/portforward are needed" if error.status == 403 else f"it answered {error.status}"
        raise ForwardError(f"Pod {namespace}/{pod}: {why}") from None


async def _all(socket: aiohttp.ClientWebSocketResponse) -> bytes:
    """Everything that comes, until the other side has said all."""
    pieces, begun, size = list[bytes](), set[int](), 0
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
            continue
        channel, content = message.data[0], message.data[1:]
        if channel not in begun:
            begun.add(channel)
            content = content[2:]
        if channel == ERROR and content:
            raise ForwardError(content.decode(errors="replace").strip())
        if channel == DATA:
            pieces.append(content)
            size += len(content)
        if size > LONGEST:
            raise ForwardError(f"more than {LONGEST} bytes")
    return b"".join(pieces)


def body(answer: bytes) -> bytes:
    """Of an HTTP answer. ForwardError where it is none, or another status than 200."""
    read = http.client.HTTPResponse(_Bytes(answer))  # type: ignore[arg-type] # of a socket it takes the file alone
    try:
        read.begin()
        found = read.read()
    except (http.client.HTTPException, ValueError) as error:
        raise ForwardError(f"no answer: {type(error).__name__}") from None
    if read.status != 200:
        raise ForwardError(f"it answered {read.status}: {found[:200].decode(errors='replace').strip()}")
    return found


class _Bytes:
    """What http.client takes for a socket."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, _: str) -> io.BytesIO:
        return io.BytesIO(self._content)
