"""What is looked at in the world of `test_sandboxes` beside plain requests: whose keys are believed, streams, and WebSockets."""

from __future__ import annotations

import asyncio
import hmac
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import grpc
import grpc.aio
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.waiting import wait_until
from xds.security.issuing import Pair

SECRET = b"sixteen bytes at least"
KNOWN = ("ci.example.com", "spiffe://example.com/ns/ci/sa/runner")
CHAT = "/echo.Chat/Talk"


class Asked(Protocol):
    """A request to one of the listeners: by its port, from an address of ours."""

    async def __call__(
        self, port: int, host: str, headers: Any = (), path: str = "/", source: str = "127.0.0.1", tls: Any = None
    ) -> tuple[int, str]: ...


def signed(key: str, *, seconds: int = 600, secret: bytes = SECRET) -> str:
    message = f"{key}.{int(time.time()) + seconds}"
    return f"{message}.{hmac.digest(secret, message.encode(), 'sha256').hex()}"


async def look_at_signed_keys(ask: Asked, port: int) -> None:
    """Who has a signed key may use it until it expires, and nobody changes one. What goes on carries the bare key."""

    async def says(value: str, name: str = "X-Route-Key") -> tuple[int, str]:
        return await ask(port, "a.example.com", [(name, value)])

    good = signed("alice")
    assert await says(good) == (200, "a>b-alice>c")
    assert await says(good) == (200, "a>b-alice>c")
    assert await says(f"sd-routing-key={good}", "baggage") == (200, "a>b-alice>c")
    key, until, code = good.split(".")
    forged = [f"bob.{until}.{code}", f"{key}.{int(until) + 9999}.{code}", f"{key}.{until}.{'0' * 64}", good[:-1], f"{good}0"]
    for value in ("alice", signed("alice", seconds=-1), signed("alice", secret=b"another secret than ours"), *forged):
        assert (await says(value))[0] == 400, value
    for others in ([("X-Route-Key", signed("bob"))], [("X-Route-Key", "alice")], [("baggage", "sd-routing-key=alice")]):
        assert (await ask(port, "a.example.com", [("X-Route-Key", good), *others]))[0] == 400, others
    told = await ask(port, "e.example.com", [("X-Route-Key", good)])
    assert told[0] == 200
    assert "x-route-key: alice" in told[1].lower()
    assert code not in told[1], "no service sees a signature, so none passes it on"
    await until_expired(says)
    assert await ask(port, "a.example.com") == (200, "a>b>c")


async def until_expired(says: Callable[..., Awaitable[tuple[int, str]]]) -> None:
    """The same key, again and again, until its time is over; then in another spelling too."""
    short = signed("alice", seconds=2)

    async def is_over() -> bool:
        return (await says(short))[0] == 400

    await wait_until(is_over, 30, "a signed key to expire")
    assert (await says(f"sd-routing-key={short}", "baggage"))[0] == 400


async def look_at_sources(ask: Asked, port: int) -> None:
    """A stranger's key is taken away, whatever it says of where it comes from; a neighbour's is believed."""
    alice = ("X-Route-Key", "alice")
    assert await ask(port, "a.example.com", [alice], source="127.0.0.2") == (200, "a>b-alice>c")
    assert await ask(port, "a.example.com", [alice, ("X-Forwarded-For", "127.0.0.2")]) == (200, "a>b>c")


async def look_at_certificates(ask: Asked, port: int, authority: Pair, folder: Path) -> None:
    """A verified certificate is believed by the first of its names, DNS or URI; another one that is as good is not."""
    alice = ("X-Route-Key", "alice")
    dns, uri = x509.DNSName, x509.UniformResourceIdentifier
    for names, wanted in (
        ([dns(KNOWN[0]), dns("x.example")], "b-alice"),
        ([uri(KNOWN[1])], "b-alice"),
        ([dns("x.example"), dns(KNOWN[0])], "b"),
    ):
        shown = leaf(authority, names)
        (folder / "client.pem").write_bytes(shown.pem + shown.key)
        context = ssl.create_default_context(cadata=authority.pem.decode())
        context.check_hostname = False
        context.load_cert_chain(folder / "client.pem")
        assert await ask(port, "a.example.com", [alice], tls=context) == (200, f"a>{wanted}>c"), names


def leaf(by: Pair, names: list[x509.GeneralName]) -> Pair:
    """Signed for a client, with these names in this order."""
    private, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(by.certificate.subject).public_key(private.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    return Pair(builder.add_extension(usage, critical=False).sign(by.private, SHA256()), private)


async def look_at_streams(port: int) -> None:
    """A stream both ways stays with the fork that its first headers led to."""
    await talk(port, "g-fork", ("x-route-key", "streams"))
    await talk(port, "g")


async def talk(port: int, name: str, *metadata: tuple[str, str], authority: str = "g.example.com") -> None:
    """A stream, each message of which is answered by who has this name before the next is sent."""
    options = [("grpc.default_authority", authority)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        call = channel.stream_stream(CHAT)(metadata=metadata)
        for number in range(3):
            await call.write(b"%d" % number)
            assert await asyncio.wait_for(call.read(), 20) == b"%s %d" % (name.encode(), number)
        await call.done_writing()
        assert await asyncio.wait_for(call.read(), 20) is grpc.aio.EOF


async def look_at_web_sockets(port: int) -> None:
    await chat(port, "w-fork", X_Route_Key="streams")
    await chat(port, "w")


async def chat(port: int, name: str, **headers: str) -> None:
    """The same over a WebSocket to `w.example.com`."""
    given = {"Host": "w.example.com", **{one.replace("_", "-"): value for one, value in headers.items()}}
    async with aiohttp.ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{port}/", headers=given) as socket:
        for number in range(3):
            await socket.send_str(str(number))
            assert await socket.receive_str(timeout=20) == f"{name} {number}"


# Their backends ----------------------------------------------------------------------------------------------------------


async def grpc_backend(stack: AsyncExitStack, name: str) -> int:
    """Says its name and what it was told, message by message."""

    async def talk(messages: AsyncIterator[bytes], _: Any) -> AsyncIterator[bytes]:
        async for message in messages:
            yield b"%s %s" % (name.encode(), message)

    service, method = CHAT.strip("/").split("/")
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, {method: grpc.stream_stream_rpc_method_handler(talk)})])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    stack.push_async_callback(server.stop, 0)
    return port


async def socket_backend(stack: AsyncExitStack, name: str) -> int:
    async def talk(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        if not socket.can_prepare(request):
            return web.Response(text=name)
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"{name} {message.data}")
        return socket

    application = web.Application()
    application.router.add_get("/", talk)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return int(runner.addresses[0][1])


Backend = Callable[[AsyncExitStack, str], Awaitable[int]]
BACKENDS: tuple[tuple[str, Backend], ...] = (
    ("g", grpc_backend),
    ("g-fork", grpc_backend),
    ("w", socket_backend),
    ("w-fork", socket_backend),
)
