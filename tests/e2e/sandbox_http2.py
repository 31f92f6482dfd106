"""Requests of one HTTP/2 connection, all of them under way at once, each with headers of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from h2.connection import H2Connection
from h2.events import DataReceived, RemoteSettingsChanged, ResponseReceived, StreamEnded
from h2.settings import SettingCodes

Headers = Sequence[tuple[str, str]]
PATIENCE = 20.0  # seconds for all of them


async def ask_at_once(port: int, host: str, requests: Sequence[Headers]) -> list[tuple[int, str]]:
    """Status and body of each."""
    connection = H2Connection()
    connection.initiate_connection()
    streams = [connection.get_next_available_stream_id() + 2 * place for place in range(len(requests))]
    for stream, headers in zip(streams, requests, strict=True):
        pseudo = [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", host)]
        connection.send_headers(stream, [*pseudo, *headers], end_stream=True)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    statuses, bodies = dict.fromkeys(streams, 0), dict.fromkeys(streams, b"")
    left = set(streams)
    try:
        async with asyncio.timeout(PATIENCE):
            while left:
                writer.write(connection.data_to_send())
                given = await reader.read(65_536)
                assert given, "the connection was closed"
                for event in connection.receive_data(given):
                    if isinstance(event, ResponseReceived):
                        statuses[event.stream_id] = int(dict(event.headers)[b":status"])
                    elif isinstance(event, DataReceived):
                        bodies[event.stream_id] += event.data
                    elif isinstance(event, StreamEnded):
                        left.discard(event.stream_id)
    finally:
        writer.close()
    return [(statuses[stream], bodies[stream].decode()) for stream in streams]


async def look_at_connect(port: int, host: str) -> None:
    """Nobody is led through to elsewhere, and no WebSocket inside of HTTP/2 is offered: docs/edge.md says why."""
    for authority in (host, "elsewhere.example.org:443"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
        try:
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 404 "), head
        finally:
            writer.close()
        assert await connecting(port, authority) == (0, 404)


async def connecting(port: int, authority: str) -> tuple[int, int]:
    """Whether HTTP/2 offers more than a plain CONNECT (RFC 8441), and the status of that."""
    connection, offered = H2Connection(), 0
    connection.initiate_connection()
    connection.send_headers(1, [(":method", "CONNECT"), (":authority", authority)])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                writer.write(connection.data_to_send())
                given = await reader.read(65_536)
                assert given, "the connection was closed"
                for event in connection.receive_data(given):
                    if isinstance(event, RemoteSettingsChanged):
                        known = event.changed_settings.get(SettingCodes.ENABLE_CONNECT_PROTOCOL)
                        offered = known.new_value if known else 0
                    elif isinstance(event, ResponseReceived):
                        return offered, int(dict(event.headers)[b":status"])
    finally:
        writer.close()
