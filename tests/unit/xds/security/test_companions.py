"""What stands beside discovery shows an identity its own proxies, and takes their word for nobody else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
from google.protobuf.json_format import ParseDict

from protos.v3 import ClientStatusRequest, ClientStatusResponse, DeltaDiscoveryRequest, LoadStatsRequest, Node
from tests.certificates import EDGE, OTHER, channel_credentials, now, of, serving, write
from tests.unit.xds.test_companions import EXPORT, FETCH, REPORT, STREAM
from tests.unit.xds.traffic.told import answered, export
from tests.waiting import wait_until
from xds.events import Event
from xds.kinds import CLUSTER
from xds.security.access import Identity, Refusal
from xds.security.credentials import Credentials
from xds.server import Server
from xds.services import DELTA_ADS
from xds.snapshot import Snapshots

CODES = grpc.StatusCode


class Rig:
    def __init__(self, at: Path) -> None:
        self.told: list[Refusal] = []
        self.server = Server(
            Snapshots(), list[Event]().append,
            credentials=Credentials(write(at / "tls", serving()), now), turned_away=lambda why, *_: self.told.append(why),
        )  # fmt: skip

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[dict[Identity, grpc.aio.Channel]]:
        """A proxy of each of two Gateways, with a stream."""
        address = await self.server.start("127.0.0.1:0")
        async with contextlib.AsyncExitStack() as stack:
            channels = {}
            for one in (EDGE, OTHER):
                channels[one] = await stack.enter_async_context(grpc.aio.secure_channel(address, channel_credentials(of(one))))
                call = channels[one].stream_stream(DELTA_ADS.path)()
                await call.write(DeltaDiscoveryRequest(node=Node(id=f"{one.key}/pod"), type_url=CLUSTER.type_url).SerializeToString())
            await wait_until(lambda: len(self.server.proxies()) == len(channels))
            yield channels
        await self.server.stop(0)


async def shown(channel: grpc.aio.Channel, **fields: object) -> list[str]:
    request = ParseDict(fields, ClientStatusRequest()).SerializeToString()
    return [one.node.id for one in ClientStatusResponse.FromString(await channel.unary_unary(FETCH)(request)).config]


async def test_client_status_is_of_own_proxies_only(tmp_path: Path) -> None:
    async with Rig(tmp_path).connected() as channels:
        for one, channel in channels.items():
            assert await shown(channel) == [f"{one.key}/pod"]


async def test_client_status_of_anothers_proxy_is_like_that_of_one_that_does_not_exist(tmp_path: Path) -> None:
    async with Rig(tmp_path).connected() as channels:
        for asked in (f"{OTHER.key}/pod", "nobody"):
            assert await shown(channels[EDGE], nodeMatchers=[{"nodeId": {"exact": asked}}]) == []


async def test_streamed_client_status_is_of_own_proxies_only(tmp_path: Path) -> None:
    async with Rig(tmp_path).connected() as channels:
        call = channels[EDGE].stream_stream(STREAM)()
        for _ in range(2):
            await call.write(ClientStatusRequest(node=Node(id=EDGE.key)).SerializeToString())
            answer = ClientStatusResponse.FromString(await asyncio.wait_for(call.read(), 20))
            assert [one.node.id for one in answer.config] == [f"{EDGE.key}/pod"]


async def test_load_is_not_reported_in_the_name_of_another(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    async with rig.connected() as channels:
        call = channels[EDGE].stream_stream(REPORT)()
        await call.write(LoadStatsRequest(node=Node(id=OTHER.key)).SerializeToString())
        assert await asyncio.wait_for(call.code(), 20) is CODES.PERMISSION_DENIED
        assert [why.reason for why in rig.told] == ["node"]


async def test_stream_in_the_name_of_another_is_told_to_the_operator(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    async with rig.connected() as channels:
        call = channels[EDGE].stream_stream(DELTA_ADS.path)()
        await call.write(DeltaDiscoveryRequest(node=Node(id=OTHER.key), type_url=CLUSTER.type_url).SerializeToString())
        assert await asyncio.wait_for(call.code(), 20) is CODES.PERMISSION_DENIED
        assert [(why.reason, OTHER.key in why.message) for why in rig.told] == [("node", True)]


async def test_what_is_counted_is_of_the_proxies_that_the_certificate_is_for(tmp_path: Path) -> None:
    rig, groups = Rig(tmp_path), list[str]()

    async def counted(_: object, group: str) -> None:
        groups.append(group)

    rig.server.companions.counted = counted
    async with rig.connected() as channels:
        for channel in channels.values():
            await channel.unary_unary(EXPORT)(export(answered()).SerializeToString())
    assert groups == [EDGE.key, OTHER.key]
