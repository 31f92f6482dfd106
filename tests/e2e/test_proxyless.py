"""grpcio's own xDS client, without an Envoy: it asks by state of the world and by name, and takes what it is given."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc.aio

from protos import v3
from tests.e2e.made import ADS, HCM, ROUTER, changes, cluster, packed
from tests.e2e.proxyless import METHOD
from tests.waiting import wait_until
from translator.ir.output import Packed
from xds.events import Acked, Event, Nacked, Sent
from xds.server import Server
from xds.snapshot import Changes, Snapshots

ROOT = Path(__file__).parents[2]


@contextlib.asynccontextmanager
async def named(name: str) -> AsyncIterator[int]:
    """A gRPC server that answers with its name; its port."""

    async def own(_: bytes, __: Any) -> bytes:
        return name.encode()

    server = grpc.aio.server()
    _, service, method = METHOD.split("/")
    handlers = {method: grpc.unary_unary_rpc_method_handler(own)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)


@contextlib.asynccontextmanager
async def client(xds: str, target: str) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """A client process, for its bootstrap is read once: a function that makes one call."""
    credentials = [{"type": "insecure"}]
    bootstrap = {"xds_servers": [{"server_uri": xds, "channel_creds": credentials}], "node": {"id": "proxyless", "cluster": "local"}}
    command = [sys.executable, "-m", "tests.e2e.proxyless", target]
    env = {**os.environ, "GRPC_XDS_BOOTSTRAP_CONFIG": json.dumps(bootstrap)}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT, env=env)
    assert process.stdin
    assert process.stdout
    given, read = process.stdin, process.stdout

    async def call() -> str:
        given.write(b"\n")
        return (await asyncio.wait_for(read.readline(), 30)).decode().strip()

    try:
        yield call
    finally:
        process.kill()
        await process.wait()


def listener() -> Packed:
    hcm = {"@type": HCM, "stat_prefix": "test", "rds": {"route_config_name": "r", "config_source": ADS}, "http_filters": [ROUTER]}
    return packed(v3.Listener(), {"name": "shop", "api_listener": {"api_listener": hcm}})


def routes(to: str) -> Packed:
    host = {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": ""}, "route": {"cluster": to}}]}
    return packed(v3.RouteConfiguration(), {"name": "r", "virtual_hosts": [host]})


def endpoints(name: str, port: int) -> Packed:
    """A locality without a weight is none for gRPC."""
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    locality = {"locality": {"zone": "z"}, "load_balancing_weight": 1, "lb_endpoints": [{"endpoint": {"address": address}}]}
    return packed(v3.ClusterLoadAssignment(), {"cluster_name": name, "endpoints": [locality]})


def state(one: str, port: int, gone: str = "") -> Changes:
    """A client without our module is shown the flat view."""
    old = {gone: None} if gone else {}
    return {
        **changes(cds={one: cluster(one), **old}, eds={one: endpoints(one, port), **old}),
        **changes("local~flat", lds={"shop": listener()}, rds={"r": routes(one)}),
    }


async def test_grpc_client_follows_routes_without_an_envoy() -> None:
    events = list[Event]()
    snapshots = Snapshots()
    server = Server(snapshots, events.append)
    async with named("one") as one, named("two") as two:
        snapshots.apply(state("a", one))
        snapshots.synced = True
        address = await server.start("127.0.0.1:0")
        async with client(address, "xds:///shop") as call:
            assert await call() == "one"
            snapshots.apply(state("b", two, gone="a"))
            server.publish()
            seen = set[str]()

            async def moved() -> bool:
                seen.add(await call())
                return "two" in seen

            await wait_until(moved, what="the calls to move")
            assert seen <= {"one", "two"}
            await wait_until(lambda: count(events, Sent) == count(events, Acked), what="all to be ACKed")
        await server.stop(0)
    assert not count(events, Nacked)


def count(events: list[Event], kind: type[Event]) -> int:
    return sum(isinstance(event, kind) for event in events)
