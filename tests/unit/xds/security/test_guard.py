"""The door in front of all methods: whom it lets in, what it lets them use, and when it shuts behind them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from tests.certificates import EDGE, OTHER, channel_credentials, now, of, revoke, serving, write
from tests.waiting import wait_until
from xds.security import guard as guarding
from xds.security.access import Identity, Limits, Policy, Refusal
from xds.security.credentials import Credentials
from xds.security.guard import Guard, granted
from xds.security.limits import Bucket

CODES = grpc.StatusCode


async def whoami(_: bytes, __: Any) -> bytes:
    return str(granted().identity).encode()


async def whoami_many(_: bytes, __: Any) -> AsyncIterator[bytes]:
    for _number in range(2):
        yield str(granted().identity).encode()


async def echo(_: Any, context: Any) -> None:
    await context.write(str(granted().identity).encode())
    while (data := await context.read()) is not grpc.aio.EOF:
        await context.write(data[:10])


async def echo_iterated(requests: AsyncIterator[bytes], __: Any) -> AsyncIterator[bytes]:
    async for data in requests:
        yield data[:10]


async def total(requests: AsyncIterator[bytes], __: Any) -> bytes:
    return str([len(data) async for data in requests]).encode()


HANDLERS = {
    "unary": grpc.unary_unary_rpc_method_handler(whoami),
    "plain": grpc.unary_unary_rpc_method_handler(lambda request, _: request),
    "down": grpc.unary_stream_rpc_method_handler(whoami_many),
    "up": grpc.stream_unary_rpc_method_handler(total),
    "echo": grpc.stream_stream_rpc_method_handler(echo),
    "iterated": grpc.stream_stream_rpc_method_handler(echo_iterated),
}


class Rig:
    """A server of ours in all but what it serves, with a clock for certificates and one for limits."""

    def __init__(self, at: Path, limits: Limits, *, plain: bool) -> None:
        self.tls = write(at / "tls", serving())
        self.later, self.time = timedelta(), 0.0
        self.credentials = None if plain else Credentials(self.tls, lambda: now() + self.later)
        self.told: list[tuple[Refusal, str, str]] = []
        self.guard = Guard(self.credentials, Policy(limits=limits), lambda: self.time, lambda *one: self.told.append(one))

    async def start(self) -> None:
        self.server = grpc.aio.server(interceptors=(self.guard,), options=[("grpc.max_receive_message_length", -1)])
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t", HANDLERS),))
        at = "127.0.0.1:0"
        port = self.server.add_secure_port(at, self.credentials.for_server()) if self.credentials else self.server.add_insecure_port(at)
        self.address = f"127.0.0.1:{port}"
        await self.server.start()

    @contextlib.asynccontextmanager
    async def channel(self, identity: Identity = EDGE, by: str = "one", *roots: str) -> AsyncIterator[grpc.aio.Channel]:
        made = (
            grpc.aio.secure_channel(self.address, channel_credentials(of(identity, by), *roots))
            if self.credentials
            else grpc.aio.insecure_channel(self.address)
        )
        async with made as channel:
            yield channel

    @property
    def reasons(self) -> list[str]:
        return [why.reason for why, _, _ in self.told]


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
async def rig(tmp_path: Path, limits: Limits, request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path, limits, plain=getattr(request, "param", "") == "plain")
    await rig.start()
    yield rig
    await rig.server.stop(0)


async def ended(call: Any) -> tuple[grpc.StatusCode, str]:
    """How a call ends. gRPC tells only when all that came before has been read."""
    with contextlib.suppress(grpc.aio.AioRpcError, grpc.aio.UsageError, AttributeError):
        while await asyncio.wait_for(call.read(), 10) is not grpc.aio.EOF:
            pass
    return await asyncio.wait_for(call.code(), 10), await call.details()


# Who ------------------------------------------------------------------------------------------------------------------


async def test_handlers_of_every_kind_know_who_asks(rig: Rig) -> None:
    async with rig.channel() as channel:
        assert await channel.unary_unary("/t/unary")(b"") == str(EDGE).encode()
        assert await channel.unary_unary("/t/plain")(b"x") == b"x"
        assert [one async for one in channel.unary_stream("/t/down")(b"")] == [str(EDGE).encode()] * 2
        assert await channel.stream_unary("/t/up")(iter([b"ab", b"c"])) == b"[2, 1]"
        assert [one async for one in channel.stream_stream("/t/echo")(iter([b"ab"]))] == [str(EDGE).encode(), b"ab"]
        assert [one async for one in channel.stream_stream("/t/iterated")(iter([b"ab", b"c"]))] == [b"ab", b"c"]
    assert rig.told == []


@pytest.mark.parametrize("rig", ["plain"], indirect=True)
async def test_where_only_this_machine_can_ask_nobody_is_asked_who_it_is(rig: Rig) -> None:
    async with rig.channel() as channel:
        assert await channel.unary_unary("/t/unary")(b"") == b"None"
        assert await channel.stream_unary("/t/up")(iter([b"ab", b"c"])) == b"[2, 1]"


def test_what_is_not_behind_the_guard_fails() -> None:
    with pytest.raises(LookupError):
        granted()


async def test_method_that_there_is_not_is_unimplemented(rig: Rig) -> None:
    async with rig.channel() as channel:
        code, _ = await ended(channel.unary_unary("/t/none")(b""))
    assert code is CODES.UNIMPLEMENTED


class Context:
    def __init__(self, **shown: list[bytes]) -> None:
        self.shown = shown

    def auth_context(self) -> dict[str, list[bytes]]:
        return self.shown


@pytest.mark.parametrize("version", [[b"TLSv1.2"], [], [b"TLSv1.3", b"TLSv1.2"]])
async def test_below_tls_1_3_a_good_certificate_is_refused(rig: Rig, version: list[bytes]) -> None:
    shown = {"x509_pem_cert": [of(EDGE).pem]}
    _, refusal = rig.guard._who(Context(**shown, ssl_tls_version=version))
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "tls-version"
    _, grant = rig.guard._who(Context(**shown, ssl_tls_version=[b"TLSv1.3"]))
    assert not isinstance(grant, Refusal)


async def test_connection_without_a_certificate_is_refused_even_if_the_handshake_let_it_in(rig: Rig) -> None:
    _, refusal = rig.guard._who(Context(ssl_tls_version=[b"TLSv1.3"]))
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "no-certificate"


# Until when -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["echo", "iterated"])
async def test_stream_ends_when_its_certificate_does(rig: Rig, method: str) -> None:
    async with rig.channel() as channel:
        call = channel.stream_stream(f"/t/{method}")()
        await call.write(b"x")
        await call.read()
        rig.guard.review()
        await call.write(b"x")
        await call.read()
        rig.later = timedelta(days=2)
        rig.guard.review()
        assert await ended(call) == (CODES.UNAUTHENTICATED, "the certificate has expired")
    assert rig.told == [(Refusal("UNAUTHENTICATED", "expired", "the certificate has expired"), f"/t/{method}", str(EDGE))]


async def test_stream_ends_when_its_ca_is_trusted_no_more_and_others_go_on(rig: Rig) -> None:
    assert rig.credentials
    write(rig.tls, serving(), "one", "two")
    rig.credentials.look()
    async with rig.channel(EDGE, "one") as old, rig.channel(OTHER, "two") as new:
        first, second = old.stream_stream("/t/echo")(), new.stream_stream("/t/echo")()
        assert [await first.read(), await second.read()] == [str(EDGE).encode(), str(OTHER).encode()]
        write(rig.tls, serving("two"), "two")
        rig.credentials.look()
        rig.guard.review()
        assert await ended(first) == (CODES.UNAUTHENTICATED, "the certificate is of a CA that is not trusted")
        await second.write(b"x")
        assert await second.read() == b"x"


async def test_stream_ends_when_its_certificate_is_taken_back_and_others_go_on(rig: Rig) -> None:
    assert rig.credentials
    async with rig.channel(EDGE) as one, rig.channel(OTHER) as other:
        first, second = one.stream_stream("/t/echo")(), other.stream_stream("/t/echo")()
        assert [await first.read(), await second.read()] == [str(EDGE).encode(), str(OTHER).encode()]
        revoke(rig.tls, of(EDGE))
        rig.credentials.look()
        rig.guard.review()
        assert await ended(first) == (CODES.UNAUTHENTICATED, "the certificate has been revoked")
        await second.write(b"x")
        assert await second.read() == b"x"
    assert rig.reasons == ["revoked"]


async def test_after_a_change_of_cas_some_chains_are_looked_at_in_each_turn(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rig.credentials
    monkeypatch.setattr(guarding, "CHAINS", 2)
    async with rig.channel() as channel:
        calls = [channel.stream_stream("/t/echo")() for _ in range(4)]
        for call in calls:
            await call.read()
        write(rig.tls, serving("two"), "two")
        rig.credentials.look()
        rig.guard.review()
        await wait_until(lambda: rig.reasons == ["untrusted"] * 2)
        rig.guard.review()
        for call in calls:
            assert (await ended(call))[0] is CODES.UNAUTHENTICATED
    assert rig.reasons == ["untrusted"] * 4


async def test_new_handshakes_see_the_new_certificate_and_cas(rig: Rig) -> None:
    assert rig.credentials
    write(rig.tls, serving("two"), "two")
    rig.credentials.look()
    async with rig.channel(EDGE, "two", "two") as channel:
        assert await channel.unary_unary("/t/unary")(b"") == str(EDGE).encode()
    async with rig.channel(EDGE, "one", "two") as channel:
        code, _ = await ended(channel.unary_unary("/t/unary")(b""))
        assert code is CODES.UNAVAILABLE


# How much -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limits", [Limits(streams=2)])
async def test_identity_has_its_number_of_streams_and_gets_them_back(rig: Rig) -> None:
    async with rig.channel() as one, rig.channel() as another, rig.channel(OTHER) as other:
        streams = [channel.stream_stream("/t/echo")() for channel in (one, another)]
        for stream in streams:
            await stream.read()
        assert await ended(one.stream_stream("/t/echo")()) == (
            CODES.RESOURCE_EXHAUSTED,
            "there are 2 streams of this identity already",
        )
        assert await one.unary_unary("/t/unary")(b"") == str(EDGE).encode()
        assert await other.stream_stream("/t/echo")().read() == str(OTHER).encode()
        streams[0].cancel()
        await wait_until(lambda: rig.guard._allowances._of[EDGE].streams == 1)
        assert await one.stream_stream("/t/echo")().read() == str(EDGE).encode()
    assert rig.reasons == ["streams"]


@pytest.mark.parametrize("limits", [Limits(first_within=0.05)])
@pytest.mark.parametrize("method", ["echo", "iterated"])
async def test_stream_that_asks_nothing_is_ended(rig: Rig, method: str) -> None:
    async with rig.channel() as channel:
        code, details = await ended(channel.stream_stream(f"/t/{method}")())
    assert (code, details) == (CODES.DEADLINE_EXCEEDED, "nothing was asked within 0.05 seconds")
    assert rig.reasons == ["first-message"]


@pytest.mark.parametrize("limits", [Limits(first_bytes=1000, bytes=100)])
async def test_first_request_may_be_large_and_later_ones_less(rig: Rig) -> None:
    async with rig.channel() as channel:
        call = channel.stream_stream("/t/echo")()
        await call.read()
        await call.write(bytes(1000))
        assert await call.read() == bytes(10)
        await call.write(bytes(100))
        assert await call.read() == bytes(10)
        await call.write(bytes(101))
        assert await ended(call) == (CODES.RESOURCE_EXHAUSTED, "a request is larger than 100 bytes")
        call = channel.stream_stream("/t/iterated")()
        await call.write(bytes(1001))
        assert await ended(call) == (CODES.RESOURCE_EXHAUSTED, "a request is larger than 1000 bytes")
    assert rig.reasons == ["message-size"] * 2


@pytest.mark.parametrize("limits", [Limits(requests=2.0, burst=3.0)])
async def test_requests_beyond_the_limit_wait_and_none_is_lost(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def waiting(seconds: float) -> None:
        waits.append(seconds)
        rig.time += seconds

    monkeypatch.setattr(guarding, "pause", waiting)
    async with rig.channel() as channel:
        sizes = await channel.stream_unary("/t/up")(iter([b"x"] * 8))
    assert sizes == str([1] * 8).encode()
    assert waits == pytest.approx([0.5] * 5)


@pytest.mark.parametrize("rig", ["plain", "tls"], indirect=True)
async def test_streams_that_come_at_once_are_taken_in_one_after_another(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[float] = []
    opened = asyncio.Event()

    async def waiting(seconds: float) -> None:
        turns.append(seconds)
        await opened.wait()

    monkeypatch.setattr(guarding, "pause", waiting)
    rig.guard._arrivals = Bucket(10.0, 2.0, 0.0)
    async with rig.channel() as channel:
        streams = [channel.stream_stream("/t/echo")() for _ in range(4)]
        await wait_until(lambda: len(turns) == 2)
        assert turns == pytest.approx([0.1, 0.2])
        opened.set()
        assert len({await stream.read() for stream in streams}) == 1


async def test_more_than_can_wait_are_told_to_come_again(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarding, "WAITING", 0)
    rig.guard._arrivals = Bucket(10.0, 0.0, 0.0)
    async with rig.channel() as channel:
        code, details = await ended(channel.stream_stream("/t/echo")())
    assert (code, details) == (CODES.UNAVAILABLE, "too many streams come at once; try again")


async def test_nobody_is_kept_in_mind_when_all_have_gone(rig: Rig) -> None:
    async with rig.channel() as channel:
        for method in ("/t/echo", "/t/iterated"):
            call = channel.stream_stream(method)()
            await call.write(b"x")
            await call.read()
            call.cancel()
    await wait_until(lambda: not rig.guard._calls)
    rig.time += 60
    rig.guard.review()
    assert len(rig.guard._allowances) == 0


# Calls of one request ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limits", [Limits(requests=1.0, burst=2.0)])
async def test_calls_of_one_request_come_to_an_end_where_an_identity_has_used_up_its_requests(rig: Rig) -> None:
    async with rig.channel() as channel, rig.channel(OTHER) as other:
        ask = channel.unary_unary("/t/plain")
        for _ in range(3):
            assert await ask(b"x") == b"x"
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await ask(b"x")
        assert (refused.value.code(), rig.reasons) == (CODES.RESOURCE_EXHAUSTED, ["requests"])
        assert await other.unary_unary("/t/plain")(b"x") == b"x", "others have their own"
        rig.time += 5
        assert await ask(b"x") == b"x"


@pytest.mark.parametrize("limits", [Limits(bytes=10)])
async def test_call_of_one_request_that_is_too_large_is_refused(rig: Rig) -> None:
    async with rig.channel() as channel:
        assert await channel.unary_unary("/t/plain")(b"x" * 10)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary("/t/plain")(b"x" * 11)
    assert (refused.value.code(), rig.reasons) == (CODES.RESOURCE_EXHAUSTED, ["message-size"])
