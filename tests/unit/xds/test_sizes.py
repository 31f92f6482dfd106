"""Large sets over real gRPC: what a client with default limits is given, what it may ask, and who waits for whom."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import grpc.aio
import pytest

from protos.v3 import DeltaDiscoveryResponse
from tests.clients import RawClient
from tests.waiting import wait_until
from translator.ir.output import Packed
from translator.ir.tables import OUT_CLUSTER, OUT_ENDPOINTS
from xds.events import Event
from xds.kinds import CLUSTER, ENDPOINT, Variant
from xds.server import Server
from xds.snapshot import Snapshots

TABLES = {CLUSTER: OUT_CLUSTER, ENDPOINT: OUT_ENDPOINTS}
MIB = 1024 * 1024
ANY_SIZE = ("grpc.max_receive_message_length", -1)
STUCK = [("grpc.http2.lookahead_bytes", 1024), ("grpc.http2.bdp_probe", 0), ANY_SIZE]  # asks for no more than it reads


class Rig:
    def __init__(self) -> None:
        self.snapshots, self.events = Snapshots(), list[Event]()
        self.snapshots.synced = True
        self.server = Server(self.snapshots, self.events.append)

    def put(self, kind: object = CLUSTER, **bodies: bytes | None) -> None:
        self.snapshots.apply({(TABLES[kind], ("local", name)): body and Packed(body) for name, body in bodies.items()})
        self.server.publish()

    @contextlib.asynccontextmanager
    async def client(self, variant: Variant, kind: object = CLUSTER, *options: object, node: str = "n") -> AsyncIterator[RawClient]:
        async with grpc.aio.insecure_channel(self.address, options=options) as channel:
            client = RawClient(channel, variant, kind, node)
            yield client
            client.call.cancel()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    rig.address = await rig.server.start("127.0.0.1:0")
    yield rig
    await rig.server.stop(0)


async def test_client_with_default_limits_takes_a_set_of_many_megabytes(rig: Rig) -> None:
    """4 MiB is what gRPC clients take when nobody told them to take more."""
    rig.put(**{f"c{number}": bytes(MIB) for number in range(10)})
    async with rig.client(Variant.DELTA) as client:
        await client.ask()
        names, responses = [], 0
        while len(names) < 10:
            names += [one.name for one in (await client.take()).resources]
            responses += 1
        assert (sorted(names), responses) == ([f"c{number}" for number in range(10)], 4)


async def test_client_with_default_limits_is_told_of_many_removals(rig: Rig) -> None:
    versions = {f"cluster number {number} with a long and telling name": "0" for number in range(100_000)}
    async with rig.client(Variant.DELTA) as client:
        await client.ask(have=versions)
        gone, sizes = set[str](), list[int]()
        while len(gone) < len(versions):
            response = await client.take()
            assert isinstance(response, DeltaDiscoveryResponse)
            gone.update(response.removed_resources)
            sizes.append(response.ByteSize())
        assert gone == versions.keys()
        assert len(sizes) == 2
        assert max(sizes) < 4 * MIB


async def test_state_of_the_world_of_a_whole_type_is_never_split(rig: Rig) -> None:
    """What a response lacks is deleted, so it holds all, however large."""
    rig.put(**{f"c{number}": bytes(MIB) for number in range(6)})
    async with rig.client(Variant.SOTW, CLUSTER, ANY_SIZE) as client:
        await client.ask()
        assert len((await client.take()).resources) == 6


async def test_state_of_the_world_of_a_named_type_is_split(rig: Rig) -> None:
    rig.put(ENDPOINT, **{f"e{number}": bytes(MIB) for number in range(6)})
    async with rig.client(Variant.SOTW, ENDPOINT) as client:
        await client.ask([f"e{number}" for number in range(6)])
        assert [len((await client.take()).resources) for _ in range(2)] == [3, 3]


@pytest.mark.parametrize("variant", Variant)
async def test_client_comes_back_with_a_hundred_thousand_names(rig: Rig, variant: Variant) -> None:
    """Its first request is larger than gRPC's default limit (envoy#46072: such an Envoy could never come back)."""
    names = [f"cluster number {number} with a long and telling name" for number in range(100_000)]
    rig.put(ENDPOINT, **{names[7]: b"1", names[8]: b"1"})
    held = rig.snapshots.of("local", ENDPOINT).live
    versions = dict.fromkeys(names, "0") | {names[7]: held[names[7]].version}
    async with rig.client(variant, ENDPOINT, ANY_SIZE) as client:
        await client.ask(names, have=versions, version="0")
        response = await client.take()
        assert len(response.resources) == (1 if variant is Variant.DELTA else 2)
        (proxy,) = rig.server.proxies()
        assert proxy.types[0].subscribed == 100_000


@pytest.mark.parametrize("variant", Variant)
async def test_one_stuck_client_among_several_delays_nobody_and_costs_what_it_was_last_given(rig: Rig, variant: Variant) -> None:
    rig.put(big=bytes(24_000_000))
    async with contextlib.AsyncExitStack() as stack:
        stuck = await stack.enter_async_context(rig.client(variant, CLUSTER, *STUCK, node="stuck"))
        await stuck.ask()
        readers = [await stack.enter_async_context(rig.client(variant, CLUSTER, ANY_SIZE, node=f"reader {at}")) for at in range(3)]
        for reader in readers:
            await reader.ask()
            await reader.take()
        await wait_until(lambda: any(one.writing_since is not None for one in rig.server._connections), what="a writer to be stuck")
        (slow,) = [one for one in rig.server._connections if one.stream.proxy.node == "stuck"]
        kept = []
        for number in range(20):
            rig.put(big=None, **{f"small {number}": f"small {number}".encode(), f"small {number - 1}": None})
            for reader in readers:
                while f"small {number}" not in names(response := await reader.take()):
                    assert response
            flight = slow.stream.watches[CLUSTER].flight
            assert flight
            kept.append((len(slow._outbox), len(flight.parts), sum(len(part.data) for part in flight.parts)))
        assert len(set(kept)) == 1
        assert kept[0][:2] == (0, 1)


def names(response: object) -> set[str]:
    """Of a SotW response, whose resources have no names here, by what is in them: the bodies that were put are the names."""
    return {getattr(one, "name", "") or one.value.decode() for one in response.resources}
