"""How many workers a gateway says it has, and whom it says that to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.ports import free_port
from xds.bootstrap import Client
from xds.laptops.asking import told, workers
from xds.security.issuing import Pair, authority, claimant, server

NOW = datetime.now(UTC)
SAID = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nserver.concurrency: 6\n"


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        (SAID, 6),
        (b"HTTP/1.1 200 OK\r\n\r\n", 0),
        (b"server.concurrency: 0\n", 0),
        (b"server.concurrency: 64\r\n", 64),
        (b"server.concurrency: 1000000\n", 0),
        (b"server.concurrency: -1\n", 0),
        (b"my.server.concurrency: 3\n", 0),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", 0),
        (b"\xff\x00", 0),
    ],
)
def test_answer_is_a_number_of_workers_that_can_be_or_nothing(answer: bytes, number: int) -> None:
    assert told(answer) == number


@pytest.fixture
def ca() -> Pair:
    return authority("test", "pointsman.local", NOW, 1)


def folder(at: Path, ca: Pair, pair: Pair) -> str:
    at.mkdir()
    for name, content in (("tls.crt", pair.pem), ("tls.key", pair.key), ("ca.crt", ca.pem)):
        (at / name).write_bytes(content)
    return str(at)


@asynccontextmanager
async def gateway(at: str, answer: bytes) -> AsyncIterator[str]:
    """It takes nobody without a certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=f"{at}/ca.crt")
    context.load_cert_chain(f"{at}/tls.crt", f"{at}/tls.key")
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["http/1.1"])

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET /workers HTTP/1.1\r\n")
            assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
            writer.write(answer)
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(answered, "127.0.0.1", 0, ssl=context)
    try:
        yield f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()


async def test_gateways_with_different_numbers_are_as_the_one_that_has_most(ca: Pair, tmp_path: Path) -> None:
    ends = folder(tmp_path / "ends", ca, server(ca, ["tunnels.example"], NOW, 1))
    who = Client(folder(tmp_path / "claim", ca, claimant(ca, "cart.alice.shop", NOW, 1)), "tunnels.example")
    async with gateway(ends, SAID) as one, gateway(ends, SAID.replace(b"6", b"2")) as other:
        assert await workers((other, one, f"127.0.0.1:{free_port()}"), who) == 6
        assert await workers((one, other), who) == 6
        assert await workers((other,), who) == 2


async def test_who_is_not_the_gateway_is_not_believed(ca: Pair, tmp_path: Path) -> None:
    stranger = folder(tmp_path / "stranger", ca, server(ca, ["elsewhere.example"], NOW, 1))
    who = Client(folder(tmp_path / "claim", ca, claimant(ca, "cart.alice.shop", NOW, 1)), "tunnels.example")
    async with gateway(stranger, SAID) as one:
        assert await workers((one,), who) == 0


async def test_nobody_there_says_nothing(ca: Pair, tmp_path: Path) -> None:
    who = Client(folder(tmp_path / "claim", ca, claimant(ca, "cart.alice.shop", NOW, 1)), "tunnels.example")
    assert await workers((f"127.0.0.1:{free_port()}",), who) == 0
