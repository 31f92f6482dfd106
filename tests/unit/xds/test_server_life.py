"""How long a connection lives: until it is old, or until its other end is gone without a word."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest

from protos.v3 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node
from tests.waiting import wait_until
from translator.ir.output import Packed
from translator.ir.tables import OUT_CLUSTER
from xds import server as shell
from xds.events import Acked, Event, Sent
from xds.kinds import CLUSTER
from xds.server import Server
from xds.services import DELTA_ADS
from xds.snapshot import Snapshots


class Rig:
    def __init__(self, age: float = shell.AGE_SECONDS) -> None:
        self.snapshots, self.events, self.time = Snapshots(), list[Event](), 0.0
        self.snapshots.synced = True
        self.snapshots.apply({(OUT_CLUSTER, ("local", name)): Packed(b"1") for name in "ab"})
        self.server = Server(self.snapshots, self.events.append, lambda: self.time, age=age)

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        address = await self.server.start("127.0.0.1:0")
        try:
            yield address
        finally:
            await self.server.stop(0)


async def ask(call: grpc.aio.StreamStreamCall, **fields: object) -> None:
    await call.write(DeltaDiscoveryRequest(node=Node(id="n"), type_url=CLUSTER.type_url, **fields).SerializeToString())


async def answer(call: grpc.aio.StreamStreamCall) -> DeltaDiscoveryResponse:
    return DeltaDiscoveryResponse.FromString(await asyncio.wait_for(call.read(), 10))


async def ended(call: grpc.aio.StreamStreamCall) -> tuple[grpc.StatusCode, str]:
    return await asyncio.wait_for(call.code(), 10), await call.details()


async def test_old_stream_is_ended_when_its_last_answer_has_come() -> None:
    rig = Rig(age=1000.0)
    async with rig.served() as address, grpc.aio.insecure_channel(address) as channel:
        call = channel.stream_stream(DELTA_ADS.path)()
        await ask(call)
        response = await answer(call)
        [connection] = rig.server._connections
        await wait_until(lambda: connection.writing_since is None)
        rig.time = connection._ends_at + 1
        rig.server.sweep()
        assert rig.server.proxies()[0].types[0].state == "STALE"
        await ask(call, response_nonce=response.nonce)
        await wait_until(lambda: any(isinstance(event, Acked) for event in rig.events))
        rig.server.sweep()
        assert await ended(call) == (grpc.StatusCode.UNAVAILABLE, shell.OLD.message)


async def test_old_stream_that_never_answers_is_ended_a_minute_later() -> None:
    rig = Rig(age=1000.0)
    async with rig.served() as address, grpc.aio.insecure_channel(address) as channel:
        call = channel.stream_stream(DELTA_ADS.path)()
        await ask(call)
        await answer(call)
        [connection] = rig.server._connections
        await wait_until(lambda: connection.writing_since is None)
        rig.time = 1200.0 + shell.LAST_SECONDS
        rig.server.sweep()
        assert (await ended(call))[0] == grpc.StatusCode.UNAVAILABLE


async def test_streams_that_begin_at_once_do_not_end_at_once() -> None:
    rig = Rig(age=1000.0)
    async with rig.served() as address, grpc.aio.insecure_channel(address) as channel:
        calls = [channel.stream_stream(DELTA_ADS.path)() for _ in range(20)]
        for call in calls:
            await ask(call)
        await wait_until(lambda: len(rig.server.proxies()) == len(calls))
        ends = {connection._ends_at for connection in rig.server._connections}
    assert len(ends) == len(calls)
    assert all(1100.0 <= end <= 1200.0 for end in ends)


async def test_client_of_an_old_connection_comes_back_on_another_and_is_sent_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a connection that gRPC calls old at once, and never cuts off, however slow this machine is."""
    monkeypatch.setattr(shell, "ages", lambda _: [("grpc.max_connection_age_ms", 200)])
    rig = Rig(age=0.4)
    async with rig.served() as address, grpc.aio.insecure_channel(address) as channel:
        call = channel.stream_stream(DELTA_ADS.path)()
        await ask(call)
        response = await answer(call)
        held = {one.name: one.version for one in response.resources}
        await ask(call, response_nonce=response.nonce)
        await wait_until(lambda: any(isinstance(event, Acked) for event in rig.events))
        await wait_until(lambda: channel.get_state() is not grpc.ChannelConnectivity.READY, what="the connection to take nothing new")
        rig.time = 0.5
        rig.server.sweep()
        assert (await ended(call))[0] == grpc.StatusCode.UNAVAILABLE

        before = len([event for event in rig.events if isinstance(event, Sent)])
        again = channel.stream_stream(DELTA_ADS.path)()
        await ask(again, initial_resource_versions=held)
        state = await wait_until(lambda: [proxy.types[0].state for proxy in rig.server.proxies() if proxy.types])
        assert state in (["SYNCED"], ["NOT_SENT"])
        assert len([event for event in rig.events if isinstance(event, Sent)]) == before


class Relay:
    """Between a client and a server; can fall silent while both connections stay."""

    def __init__(self, to: str) -> None:
        self._host, _, self._port = to.rpartition(":")
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._taken, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def fall_silent(self) -> None:
        self._open.clear()

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._host, int(self._port))
        for one, other in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pump(one, other))
            self._tasks.add(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._open.wait()
                writer.write(data)
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def relay(to: str) -> AsyncIterator[Relay]:
    one = Relay(to)
    await one.start()
    try:
        yield one
    finally:
        await one.stop()


async def test_client_that_is_gone_without_a_word_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the intervals cut short. A client that is there answers pings though it says nothing."""
    short = {"grpc.keepalive_time_ms": 200, "grpc.keepalive_timeout_ms": 200, "grpc.http2.ping_timeout_ms": 200}
    monkeypatch.setattr(shell, "OPTIONS", [(name, short.get(name, value)) for name, value in shell.OPTIONS])
    rig = Rig()
    async with (
        rig.served() as address,
        relay(address) as silent,
        grpc.aio.insecure_channel(silent.address) as far,
        grpc.aio.insecure_channel(address) as near,
    ):
        calls = [channel.stream_stream(DELTA_ADS.path)() for channel in (far, near)]
        for call in calls:
            await ask(call)
            await answer(call)
        assert len(rig.server.proxies()) == 2
        silent.fall_silent()
        await wait_until(lambda: len(rig.server.proxies()) == 1, what="the silent one to be let go")
        await ask(calls[1])


def test_keepalive_finds_a_dead_client_within_forty_seconds() -> None:
    options = dict(shell.OPTIONS)
    assert options["grpc.keepalive_time_ms"] + options["grpc.http2.ping_timeout_ms"] <= 40_000
    assert options["grpc.keepalive_permit_without_calls"] == 1


def test_pings_of_envoy_are_allowed() -> None:
    """Every 30 s by our bootstrap; other Envoys may ping more often."""
    options = dict(shell.OPTIONS)
    assert options["grpc.http2.min_recv_ping_interval_without_data_ms"] <= 5_000
    assert options["grpc.http2.max_ping_strikes"] == 0
