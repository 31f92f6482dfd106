"""The table of methods against Envoy's own services, and the same resources through every one of them."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from google.protobuf.descriptor import MethodDescriptor

import protos
from protos.v3 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse, Node
from translator.ir.output import Packed
from translator.ir.tables import SERVED
from xds.events import Event
from xds.kinds import BY_URL, KINDS, Kind, Variant
from xds.server import Server
from xds.services import DELTA_ADS, METHODS, SOTW_ADS, Method
from xds.snapshot import Snapshots

SINGLE = [method for method in METHODS if method not in (DELTA_ADS, SOTW_ADS)]
TABLES = {table.name: table for table in SERVED}
EXPECTED = {b"one", b"two"}


def described() -> dict[str, MethodDescriptor]:
    """Every streaming method of Envoy's discovery services, by path."""
    found = {}
    for path in (Path(protos.__path__[0]) / "envoy" / "service").glob("*/v3/*_pb2.py"):
        module = importlib.import_module(f"protos.envoy.service.{path.parent.parent.name}.v3.{path.stem}")
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                if method.server_streaming and "Discovery" in method.input_type.name:
                    found[f"/{service.full_name}/{method.name}"] = method
    return found


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_method_is_envoys_own(method: Method) -> None:
    envoys = described()[method.path]
    assert envoys.input_type.name == ("DeltaDiscoveryRequest" if method.variant is Variant.DELTA else "DiscoveryRequest")


def test_no_method_of_envoy_is_missing() -> None:
    """Locality endpoints alone are not served: no resource of ours names them."""
    missing = described().keys() - {method.path for method in METHODS}
    assert missing == {"/envoy.service.endpoint.v3.LocalityEndpointDiscoveryService/DeltaLocalityEndpoints"}


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    snapshots, events = Snapshots(), list[Event]()
    tables = [TABLES[kind.table] for kind in KINDS]
    snapshots.apply({(table, (view, name)): Packed(name.encode()) for table in tables for view in VIEWS for name in ("one", "two")})
    snapshots.synced = True
    server = Server(snapshots, events.append)
    yield server, await server.start("127.0.0.1:0")
    await server.stop(0)


VIEWS = ("local", "local~flat")


def first(method: Method, kind: Kind) -> DeltaDiscoveryRequest | DiscoveryRequest:
    node = Node(id="n", cluster="local")
    if method.variant is Variant.DELTA:
        return DeltaDiscoveryRequest(node=node, type_url=kind.type_url, resource_names_subscribe=["one", "two"])
    return DiscoveryRequest(node=node, type_url=kind.type_url, resource_names=["one", "two"])


def bodies(method: Method, data: bytes) -> set[bytes]:
    if method.variant is Variant.DELTA:
        return {one.resource.value for one in DeltaDiscoveryResponse.FromString(data).resources}
    return {one.value for one in DiscoveryResponse.FromString(data).resources}


CASES = [(method, BY_URL[method.type_url]) for method in SINGLE]
CASES += [(method, kind) for method in (DELTA_ADS, SOTW_ADS) for kind in KINDS]


@pytest.mark.parametrize(("method", "kind"), CASES, ids=lambda one: getattr(one, "name", one))
async def test_every_method_gives_the_same_resources(server: tuple[Server, str], method: Method, kind: Kind) -> None:
    async with grpc.aio.insecure_channel(server[1]) as channel:
        call: Any = channel.stream_stream(method.path)()
        await call.write(first(method, kind).SerializeToString())
        assert bodies(method, await call.read()) == EXPECTED
        call.cancel()


async def test_service_of_one_type_refuses_others_and_needs_no_type(server: tuple[Server, str]) -> None:
    method = next(one for one in SINGLE if one.name == "StreamClusters")
    async with grpc.aio.insecure_channel(server[1]) as channel:
        call: Any = channel.stream_stream(method.path)()
        await call.write(DiscoveryRequest(node=Node(id="n")).SerializeToString())
        assert bodies(method, await call.read()) == EXPECTED
        await call.write(DiscoveryRequest(type_url="type.googleapis.com/other").SerializeToString())
        assert await call.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert method.type_url in await call.details()
