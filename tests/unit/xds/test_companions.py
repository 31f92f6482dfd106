"""Health, client status, load reports and reflection, on the port of discovery and as their clients see them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.json_format import ParseDict
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from protos.v3 import (
    ClientConfig,
    ClientStatusRequest,
    ClientStatusResponse,
    Cluster,
    ConfigStatus,
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    LoadStatsRequest,
    LoadStatsResponse,
    Node,
    Secret,
    data,
)
from tests.unit.xds.test_loads import stats
from tests.unit.xds.traffic.told import SHOP, answered, export, took
from tests.waiting import wait_until
from translator.ir.output import Packed
from translator.ir.tables import OUT_CLUSTER, OUT_SECRET
from xds.companions import CLIENT_STATUS, COUNTS, LOAD_REPORTING, SLICE
from xds.events import Event
from xds.kinds import CLUSTER, ENDPOINT, SECRET, Kind
from xds.server import Server
from xds.services import DELTA_ADS, METHODS
from xds.snapshot import Snapshots

FETCH = f"/{CLIENT_STATUS}/FetchClientStatus"
STREAM = f"/{CLIENT_STATUS}/StreamClientStatus"
REPORT = f"/{LOAD_REPORTING}/StreamLoadStats"
EXPORT = f"/{COUNTS}/Export"
KEY = b"-----BEGIN PRIVATE KEY----- canary"


class Rig:
    def __init__(self, *, reflection: bool = False) -> None:
        self.snapshots = Snapshots()
        self.snapshots.synced = True
        self.server = Server(self.snapshots, list[Event]().append, reflection=reflection)

    def put(self, *names: str, seconds: int = 1) -> None:
        rows = {name: Packed(data(Cluster(name=name, connect_timeout={"seconds": seconds}))) for name in names}
        self.snapshots.apply({(OUT_CLUSTER, ("local", name)): packed for name, packed in rows.items()})
        self.server.publish()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[grpc.aio.Channel]:
        address = await self.server.start("127.0.0.1:0")
        async with grpc.aio.insecure_channel(address) as channel:
            yield channel
        await self.server.stop(0)


class Client:
    """A delta client that says what it is told to say."""

    def __init__(self, channel: grpc.aio.Channel, node: str, **metadata: str) -> None:
        self.call: Any = channel.stream_stream(DELTA_ADS.path)()
        self.node = ParseDict({"id": node, "metadata": metadata}, Node())

    async def ask(self, kind: Kind, *names: str) -> None:
        await self.call.write(
            DeltaDiscoveryRequest(node=self.node, type_url=kind.type_url, resource_names_subscribe=names).SerializeToString()
        )

    async def take(self) -> DeltaDiscoveryResponse:
        return DeltaDiscoveryResponse.FromString(await self.call.read())

    async def say(self, response: DeltaDiscoveryResponse, error: str = "") -> None:
        request = DeltaDiscoveryRequest(type_url=response.type_url, response_nonce=response.nonce)
        if error:
            request.error_detail.message = error
        await self.call.write(request.SerializeToString())


async def fetched(channel: grpc.aio.Channel, **fields: Any) -> list[ClientConfig]:
    request = ParseDict(fields, ClientStatusRequest())
    return list(ClientStatusResponse.FromString(await channel.unary_unary(FETCH)(request.SerializeToString())).config)


async def states(channel: grpc.aio.Channel) -> dict[str, str]:
    configs = await fetched(channel)
    return {one.name: ConfigStatus.Name(one.config_status) for config in configs for one in config.generic_xds_configs}


# Client status -------------------------------------------------------------------------------------------------------------


async def test_each_resource_of_a_client_is_synced_stale_not_sent_or_in_error() -> None:
    rig = Rig()
    rig.put("good", "bad")
    async with rig.running() as channel:
        client = Client(channel, "n")
        await client.ask(CLUSTER)
        first = await client.take()
        assert await states(channel) == {"good": "STALE", "bad": "STALE"}
        await client.say(first)
        await wait_until(lambda: told(channel, {"good": "SYNCED", "bad": "SYNCED"}))

        rig.put("bad", seconds=2)
        response = await client.take()
        assert [one.name for one in response.resources] == ["bad"]
        rig.put("new")
        await wait_until(lambda: told(channel, {"good": "SYNCED", "bad": "STALE", "new": "NOT_SENT"}))

        await client.say(response, "no such timeout")
        await client.say(await client.take())
        await wait_until(lambda: told(channel, {"good": "SYNCED", "bad": "ERROR", "new": "SYNCED"}))
        (config,) = await fetched(channel)
        (bad,) = [one for one in config.generic_xds_configs if one.name == "bad"]
        live = rig.snapshots.of("local", CLUSTER).live["bad"]
        assert (bad.error_state.details, bad.error_state.version_info, bad.version_info) == ("no such timeout", live.version, live.version)


async def told(channel: grpc.aio.Channel, expected: dict[str, str]) -> bool:
    return await states(channel) == expected


async def test_name_that_does_not_exist_is_told_as_not_sent() -> None:
    rig = Rig()
    async with rig.running() as channel:
        client = Client(channel, "n")
        await client.ask(ENDPOINT, "ghost")
        await client.take()
        assert await states(channel) == {"ghost": "NOT_SENT"}


async def test_contents_are_what_was_sent_unless_they_are_not_wanted() -> None:
    rig = Rig()
    rig.put("a")
    async with rig.running() as channel:
        client = Client(channel, "n")
        await client.ask(CLUSTER)
        (sent,) = (await client.take()).resources
        (config,) = await fetched(channel)
        (one,) = config.generic_xds_configs
        assert (config.node.id, one.type_url, one.name, one.version_info) == ("n", CLUSTER.type_url, "a", sent.version)
        assert one.xds_config == sent.resource
        (config,) = await fetched(channel, exclude_resource_contents=True)
        assert not config.generic_xds_configs[0].HasField("xds_config")


async def test_what_a_secret_holds_is_not_told() -> None:
    rig = Rig()
    secret = Secret(name="s")
    secret.tls_certificate.private_key.inline_bytes = KEY
    rig.snapshots.apply({(OUT_SECRET, ("local", "s")): Packed(data(secret))})
    async with rig.running() as channel:
        client = Client(channel, "n")
        await client.ask(SECRET, "s")
        assert KEY in (await client.take()).SerializeToString()
        (config,) = await fetched(channel)
        assert config.generic_xds_configs[0].name == "s"
        assert b"canary" not in config.SerializeToString()


async def test_nodes_are_chosen_by_their_id_and_their_metadata() -> None:
    rig = Rig()
    rig.put("a")
    async with rig.running() as channel:
        for name in ("one", "two"):
            client = Client(channel, name, zone=f"zone of {name}")
            await client.ask(CLUSTER)
            await client.take()
        zone = {"path": [{"key": "zone"}], "value": {"string_match": {"exact": "zone of two"}}}
        assert {one.node.id for one in await fetched(channel)} == {"one", "two"}
        assert [one.node.id for one in await fetched(channel, node_matchers=[{"node_id": {"exact": "one"}}])] == ["one"]
        assert [one.node.id for one in await fetched(channel, node_matchers=[{"node_metadatas": [zone]}])] == ["two"]


async def test_client_status_streams_an_answer_for_each_request() -> None:
    rig = Rig()
    async with rig.running() as channel:
        call: Any = channel.stream_stream(STREAM)()
        for _ in range(2):
            await call.write(ClientStatusRequest().SerializeToString())
            assert ClientStatusResponse.FromString(await call.read()) == ClientStatusResponse()
        call.cancel()


async def test_garbage_is_refused_by_each_of_them() -> None:
    rig = Rig()
    async with rig.running() as channel:
        for path in (STREAM, REPORT):
            call: Any = channel.stream_stream(path)()
            await call.write(b"\xff\xff")
            assert await call.code() == grpc.StatusCode.INVALID_ARGUMENT
        with pytest.raises(grpc.aio.AioRpcError, match="ClientStatusRequest"):
            await channel.unary_unary(FETCH)(b"\xff\xff")


# Load reports --------------------------------------------------------------------------------------------------------------


async def test_load_reports_are_answered_once_and_added_up() -> None:
    rig = Rig()
    async with rig.running() as channel:
        call: Any = channel.stream_stream(REPORT)()
        await call.write(LoadStatsRequest(node=Node(id="n")).SerializeToString())
        assert LoadStatsResponse.FromString(await call.read()).send_all_clusters
        for _ in range(2):
            await call.write(LoadStatsRequest(cluster_stats=[stats("a", (3, 1, 5))]).SerializeToString())
        loads = rig.server.companions.loads.clusters
        await wait_until(lambda: "a" in loads and loads["a"].reports == 2)
        assert (loads["a"].succeeded, loads["a"].failed, loads["a"].in_progress) == (6, 2, 5)
        call.cancel()
        await wait_until(lambda: loads["a"].in_progress == 0)


async def test_who_reports_load_must_say_its_name() -> None:
    rig = Rig()
    async with rig.running() as channel:
        call: Any = channel.stream_stream(REPORT)()
        await call.write(LoadStatsRequest().SerializeToString())
        assert await call.code() == grpc.StatusCode.INVALID_ARGUMENT


# Health and reflection -----------------------------------------------------------------------------------------------------


async def test_health_is_serving_after_the_first_sync_and_not_when_it_stops() -> None:
    rig = Rig()
    async with rig.running() as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        watching = stub.Watch(health_pb2.HealthCheckRequest(service="envoy.service.discovery.v3.AggregatedDiscoveryService"))
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert (await stub.Check(health_pb2.HealthCheckRequest())).status == health_pb2.HealthCheckResponse.NOT_SERVING
        await rig.server.companions.serving()
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
        assert (await stub.Check(health_pb2.HealthCheckRequest())).status == health_pb2.HealthCheckResponse.SERVING
        listed = (await stub.List(health_pb2.HealthListRequest())).statuses
        assert listed.keys() == {"", CLIENT_STATUS, LOAD_REPORTING, COUNTS} | {method.service for method in METHODS}
        await rig.server.companions.stopping()
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_unknown_service_has_no_health() -> None:
    async with Rig().running() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service="other"))
        assert error.value.code() == grpc.StatusCode.NOT_FOUND


async def reflected(channel: grpc.aio.Channel, **fields: str) -> reflection_pb2.ServerReflectionResponse:
    call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo()
    await call.write(reflection_pb2.ServerReflectionRequest(**fields))
    try:
        return await call.read()
    finally:
        call.cancel()


async def test_reflection_is_off_unless_it_is_asked_for() -> None:
    async with Rig().running() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await reflected(channel, list_services="")
        assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_reflection_tells_every_service_and_its_messages() -> None:
    async with Rig(reflection=True).running() as channel:
        services = {one.name for one in (await reflected(channel, list_services="")).list_services_response.service}
        assert services > {method.service for method in METHODS} | {CLIENT_STATUS, LOAD_REPORTING, COUNTS, "grpc.health.v1.Health"}
        for service in services:
            found = await reflected(channel, file_containing_symbol=service)
            assert found.file_descriptor_response.file_descriptor_proto, service


# Requests ------------------------------------------------------------------------------------------------------------------


async def test_what_a_proxy_counted_is_taken_piece_by_piece() -> None:
    rig, taken = Rig(), list[tuple[str, str]]()

    async def counted(told: Sequence[Any], group: str) -> None:
        assert len(told) <= SLICE
        taken.extend((one.route, group) for one in told)

    rig.server.companions.counted = counted
    request = export(*(answered(f"httproute/shop/cart/{number}/0") for number in range(3 * SLICE // 2)), took())
    async with rig.running() as channel:
        assert await channel.unary_unary(EXPORT)(request.SerializeToString()) == b""
        with pytest.raises(grpc.aio.AioRpcError, match="ExportMetricsServiceRequest"):
            await channel.unary_unary(EXPORT)(b"\xff\xff")
    assert len(taken) == 3 * SLICE // 2 + 1
    assert taken[-1] == (SHOP, ""), "on a way that only this machine has, whoever comes is believed"
