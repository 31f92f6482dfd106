"""A port of a Pod, asked through an API server: what is sent and read, byte by byte, and every way in which it can fail."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import WSMsgType, web

from xds.sources.kube.access import Access
from xds.sources.kube.forward import PROTOCOL, ForwardError, body, page
from xds.sources.kube.transport import Transport

FOUND = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
PORT = struct.pack("<H", 19000)


@asynccontextmanager
async def asked(*messages: bytes, refuse: int = 0) -> AsyncIterator[tuple[Transport, list[bytes]]]:
    """Through an API server that answers the first message with these; and what it was sent."""
    sent: list[bytes] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.path == "/api/v1/namespaces/ns/pods/p/portforward"
        assert dict(request.query) == {"ports": "19000"}
        if refuse:
            return web.Response(status=refuse)
        opened = web.WebSocketResponse(protocols=(PROTOCOL,))
        await opened.prepare(request)
        assert opened.ws_protocol == PROTOCOL
        message = await opened.receive()
        assert message.type is WSMsgType.BINARY
        sent.append(message.data)
        for one in messages:
            await opened.send_bytes(one)
        await opened.close()
        return opened

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = "{}:{}".format(*runner.addresses[0])

    async def load() -> Access:
        return Access(f"http://{address}", False, None, None, dict)

    transport = Transport(load)
    try:
        yield transport, sent
    finally:
        await transport.close()
        await runner.cleanup()


async def test_request_is_sent_as_data_and_the_answer_comes_without_the_ports_before_it() -> None:
    async with asked(b"\0" + PORT, b"\1" + PORT, b"\0" + FOUND[:20], b"\0" + FOUND[20:]) as (transport, sent):
        assert await page(transport, "ns", "p", 19000, "/proxies") == b"hello"
    (request,) = sent
    assert request.startswith(b"\0GET /proxies HTTP/1.1\r\nHost: 127.0.0.1:19000\r\n")


async def test_port_and_data_may_come_in_one_message() -> None:
    async with asked(b"\0" + PORT + FOUND) as (transport, _):
        assert await page(transport, "ns", "p", 19000, "/") == b"hello"


async def test_what_the_node_says_of_a_failure_is_told() -> None:
    async with asked(b"\0" + PORT, b"\1" + PORT, b"\1nobody listens on 19000\n") as (transport, _):
        with pytest.raises(ForwardError, match=r"^nobody listens on 19000$"):
            await page(transport, "ns", "p", 19000, "/")


async def test_empty_messages_say_nothing() -> None:
    async with asked(b"", b"\0" + PORT + FOUND) as (transport, _):
        assert await page(transport, "ns", "p", 19000, "/") == b"hello"


@pytest.mark.parametrize(("status", "words"), [(403, "get and create of pods/portforward are needed"), (404, "answered 404")])
async def test_refusal_of_the_api_server_is_a_sentence(status: int, words: str) -> None:
    async with asked(refuse=status) as (transport, _):
        with pytest.raises(ForwardError, match=f"Pod ns/p: .*{words}"):
            await page(transport, "ns", "p", 19000, "/")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(b"", "no answer", id="nothing"),
        pytest.param(b"SSH-2.0\r\n", "no answer", id="another-protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhel", "no answer: IncompleteRead", id="cut-off"),
        pytest.param(b"HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nlate", "answered 503: late", id="refused"),
    ],
)
def test_what_is_no_good_answer_is_an_error(answer: bytes, words: str) -> None:
    with pytest.raises(ForwardError, match=words):
        body(answer)


def test_chunks_are_joined() -> None:
    assert body(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n") == b"hello"
