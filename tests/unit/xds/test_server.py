"""The gRPC shell, seen by a raw client: bytes in, bytes out, streams end as they should."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
import pytest

from protos.v3 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node
from tests.waiting import wait_until
from translator.ir.output import Packed
from translator.ir.tables import OUT_CLUSTER
from xds import server as shell
from xds.events import Connected, Disconnected, Event
from xds.kinds import CLUSTER
from xds.server import Server
from xds.services import DELTA_ADS
from xds.snapshot import Snapshots


class Rig:
    def __init__(self) -> None:
        self.snapshots, self.events = Snapshots(), list[Event]()
        self.snapshots.synced = True
        self.server = Server(self.snapshots, self.events.append)
        self.address = ""

    def put(self, **bodies: bytes) -> None:
        self.snapshots.apply({(OUT_CLUSTER, ("local", name)): Packed(body) for name, body in bodies.items()})
        self.server.publish()

    @contextlib.asynccontextmanager
    async def client(self, node: str = "n") -> AsyncIterator[Client]:
        async with grpc.aio.insecure_channel(self.address, options=[("grpc.max_receive_message_length", -1)]) as channel:
            client = Client(channel)
            await client.ask(node=Node(id=node, cluster="local"))
            yield client
            client.call.cancel()


class Client:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.call = channel.stream_stream(DELTA_ADS.path)()

    async def ask(self, node: Node | None = None, **fields: object) -> None:
        await self.call.write(DeltaDiscoveryRequest(node=node, type_url=CLUSTER.type_url, **fields).SerializeToString())

    async def next(self) -> DeltaDiscoveryResponse:
        data = await asyncio.wait_for(self.call.read(), 10)
        assert data is not grpc.aio.EOF
        return DeltaDiscoveryResponse.FromString(data)

    async def take(self) -> list[str]:
        response = await self.next()
        await self.ask(response_nonce=response.nonce)
        return [one.name for one in response.resources] + [f"-{name}" for name in response.removed_resources]

    async def status(self) -> tuple[grpc.StatusCode, str]:
        return await asyncio.wait_for(self.call.code(), 10), await self.call.details()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    rig.address = await rig.server.start("127.0.0.1:0")
    yield rig
    await rig.server.stop(0)


async def test_client_is_given_what_there_is_and_what_comes(rig: Rig) -> None:
    rig.put(a=b"1")
    async with rig.client() as client:
        assert await client.take() == ["a"]
        rig.put(b=b"1")
        assert await client.take() == ["b"]


async def test_streams_in_step_are_sent_the_same_bytes(rig: Rig) -> None:
    rig.put(a=b"1")
    async with rig.client("one") as one, rig.client("two") as two:
        assert await one.next() == await two.next()


async def test_more_streams_than_look_in_one_turn_are_all_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "AT_ONCE", 2)
    rig.put(a=b"1")
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(rig.client(f"n{number}")) for number in range(5)]
        for client in clients:
            await client.take()
        rig.put(a=b"2")
        rig.put(b=b"1")
        assert [await client.take() for client in clients] == [["a", "b"]] * 5


async def test_unix_socket_is_an_address(tmp_path: Path) -> None:
    rig = Rig()
    rig.put(a=b"1")
    rig.address = await rig.server.start(f"unix:{tmp_path}/xds.sock")
    async with rig.client() as client:
        assert await client.take() == ["a"]
    await rig.server.stop(0)


async def test_second_server_on_a_port_is_refused(rig: Rig) -> None:
    with pytest.raises(RuntimeError):
        await Server(rig.snapshots, rig.events.append).start(rig.address)


async def test_bad_request_ends_the_stream_with_a_reason(rig: Rig) -> None:
    async with rig.client(node="") as client:
        code, details = await client.status()
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "node.id" in details


async def test_proxies_are_told_of_while_they_are_connected(rig: Rig) -> None:
    rig.put(a=b"1")
    async with rig.client() as client:
        await client.next()
        (proxy,) = rig.server.proxies()
        (state,) = proxy.types
        assert (proxy.node, proxy.view, state.state, state.wildcard, state.held) == ("n", "local~flat", "STALE", True, 1)
    await wait_until(lambda: not rig.server.proxies())
    await wait_until(lambda: any(isinstance(event, Disconnected) for event in rig.events))
    assert isinstance(rig.events[0], Connected)


async def test_accepted_and_refused_types_are_told_apart(rig: Rig) -> None:
    rig.put(a=b"1")
    async with rig.client() as client:
        await client.take()
        await wait_until(lambda: rig.server.proxies()[0].types[0].state == "SYNCED")
        rig.put(a=b"bad")
        response = await client.next()
        await client.ask(response_nonce=response.nonce, error_detail={"code": 3, "message": "no such thing"})
        state = await wait_until(lambda: next((one for one in rig.server.proxies()[0].types if one.state == "NACK"), None))
        assert (state.error, state.refused, state.sent == state.acked) == ("no such thing", ("a",), True)


async def test_stopping_ends_the_streams(rig: Rig) -> None:
    async with rig.client() as client:
        await client.next()
        await rig.server.stop(5)
        code, _ = await client.status()
    assert code == grpc.StatusCode.UNAVAILABLE
    assert not rig.server.proxies()


async def test_client_that_closes_its_half_ends_the_stream(rig: Rig) -> None:
    async with rig.client() as client:
        await client.next()
        await client.call.done_writing()
        code, _ = await client.status()
    assert code == grpc.StatusCode.OK


async def test_request_of_many_megabytes_is_taken(rig: Rig) -> None:
    """A large Envoy names all that it has when it reconnects (envoy#46072)."""
    rig.put(a=b"1")
    versions = {f"cluster number {number} with a long name": "0123456789abcdef" for number in range(100_000)}
    async with rig.client() as client:
        await client.next()
        assert len(DeltaDiscoveryRequest(initial_resource_versions=versions).SerializeToString()) > 5_000_000
        await client.ask(initial_resource_versions=versions, resource_names_subscribe=["a"])
        await wait_until(lambda: rig.server.proxies()[0].types[0].subscribed == 1)


async def test_client_that_does_not_read_delays_nobody_and_is_let_go(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.put(big=bytes(24_000_000))  # more than the kernel and grpc hold for a client between them
    async with grpc.aio.insecure_channel(
        rig.address, options=[("grpc.http2.lookahead_bytes", 1024), ("grpc.http2.bdp_probe", 0)]
    ) as channel:
        stuck = Client(channel)
        await stuck.ask(node=Node(id="stuck"))
        async with rig.client("reader") as reader:
            assert await reader.take() == ["big"]
            await wait_until(lambda: any(one.writing_since is not None for one in rig.server._connections))
            for number in range(20):
                rig.put(big=bytes([number + 1]) * 1_000)
                assert await reader.take() == ["big"]
            assert sum(len(one._outbox) for one in rig.server._connections) == 0
            monkeypatch.setattr(shell, "WRITE_SECONDS", 0.0)
            rig.server.sweep()
            await wait_until(lambda: [proxy.node for proxy in rig.server.proxies()] == ["reader"])


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"])
async def test_address_that_others_can_reach_is_refused_in_plain_text(rig: Rig, address: str) -> None:
    with pytest.raises(RuntimeError, match="plain text"):
        await Server(rig.snapshots, rig.events.append).start(address)


async def test_stream_that_meets_a_bug_ends_alone(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one stream stumbles over must not keep the others from what is new."""
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context["exception"])))
    async with rig.client("one") as one, rig.client("two") as two:
        await one.take()
        await two.take()
        first = next(iter(rig.server._connections))

        def broken(_: float) -> None:
            raise ZeroDivisionError("a bug")

        monkeypatch.setattr(first.stream, "changed", broken)
        rig.put(a=b"1")
        clients = {"one": one, "two": two}
        ends, goes_on = clients.pop(first.stream.proxy.node), next(iter(clients.values()))
        assert await goes_on.take() == ["a"]
        assert await ends.status() == (grpc.StatusCode.INTERNAL, "this server has a bug")
    assert told == ["a bug"]
