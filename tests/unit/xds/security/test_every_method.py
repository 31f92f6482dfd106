"""Every method that the server has with every credential that must not do. The methods are read out of the server object, so
that one which is added later is tried without anybody thinking of it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import grpc
import grpc.aio
import pytest
from grpc_reflection.v1alpha import reflection

from protos.v3 import ClientStatusRequest, DeltaDiscoveryRequest, DiscoveryRequest, LoadStatsRequest, Node
from tests.certificates import EDGE, OTHER, TRUST, ca, channel_credentials, now, of, revoke, serving, write
from tests.unit.xds.security.reflection import Registered, methods
from tests.waiting import wait_until
from xds.app import App
from xds.companions import CLIENT_STATUS, COUNTS, HEALTH, LOAD_REPORTING
from xds.kinds import CLUSTER
from xds.security.access import Identity
from xds.security.issuing import Pair, client
from xds.services import METHODS
from xds.settings import Settings
from xds.telemetry import logger

CODES = grpc.StatusCode


class Rig:
    """A whole server with certificates, whose clock can be moved."""

    def __init__(self, at: Path) -> None:
        (at / "files").mkdir()
        self.tls = write(at / "tls", serving())
        self.app = App(Settings(files=str(at / "files"), xds="127.0.0.1:0", tls=str(self.tls), reflection=True), logger("none"))
        assert self.app.server.credentials
        self.credentials = self.app.server.credentials
        self.credentials.wall = lambda: now() + self.later
        self.later = timedelta()

    @property
    def methods(self) -> list[Registered]:
        assert self.app.server._grpc
        return methods(self.app.server._grpc)

    def channel(self, pair: Pair | None) -> grpc.aio.Channel:
        return grpc.aio.secure_channel(self.app.xds, channel_credentials(pair))

    def refused(self, reason: str) -> float:
        return self.app.metrics.registry.get_sample_value("pointsman_xds_turned_away_total", {"reason": reason}) or 0.0


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    await rig.app.start()
    async with asyncio.timeout(30):
        await rig.app.synced.wait()
    yield rig
    await rig.app.stop()


def request(method: Registered, node: str) -> bytes | None:
    """Its first request, from this node; None where requests of the method name none. A new service says here how it does."""
    service, _, name = method.path.removeprefix("/").partition("/")
    discovery = {one.path: one.type_url or CLUSTER.type_url for one in METHODS}
    if service in (HEALTH, reflection.SERVICE_NAME, COUNTS):
        return None
    if service == CLIENT_STATUS:
        return ClientStatusRequest(node=Node(id=node)).SerializeToString()
    if service == LOAD_REPORTING:
        return LoadStatsRequest(node=Node(id=node)).SerializeToString()
    if method.path in discovery:
        kind = DeltaDiscoveryRequest if name.startswith("Delta") else DiscoveryRequest
        return kind(node=Node(id=node), type_url=discovery[method.path]).SerializeToString()
    raise AssertionError(f"say here how a request of {method.path} names its node, or that it names none")


async def outcome(channel: grpc.aio.Channel, method: Registered, *requests: bytes) -> tuple[list[bytes], grpc.StatusCode]:
    """All that comes back, and how it ends. A client that may go on asking does not stop: the server must end it.

    Who is refused at once says nothing: gRPC's client calls it an internal error when a call ends while it writes.
    """
    make = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
        (True, True): channel.stream_stream,
    }[method.request_streaming, method.response_streaming]
    call = make(method.path)() if method.request_streaming else make(method.path)(requests[0] if requests else b"")
    answers: list[bytes] = []
    with contextlib.suppress(grpc.aio.AioRpcError):
        async with asyncio.timeout(20):
            for one in requests if method.request_streaming else ():
                await call.write(one)
            if method.response_streaming:
                while (answer := await call.read()) is not grpc.aio.EOF:
                    answers.append(answer)
            else:
                answers.append(await call)
    return answers, await asyncio.wait_for(call.code(), 20)


async def test_reflection_finds_all_discovery_methods(rig: Rig) -> None:
    assert {one.path for one in METHODS} <= {one.path for one in rig.methods}


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(None, id="no-credentials"),
        pytest.param(of(EDGE, ended=True), id="expired"),
        pytest.param(of(EDGE, by="two"), id="wrong-ca"),
        pytest.param(serving(), id="server-certificate"),
    ],
)
async def test_handshake_fails_for_every_method(rig: Rig, pair: Pair | None) -> None:
    async with rig.channel(pair) as channel:
        for method in rig.methods:
            assert await outcome(channel, method) == ([], CODES.UNAVAILABLE), method
    assert not rig.app.server.proxies()


async def test_plain_text_is_not_understood_for_any_method(rig: Rig) -> None:
    async with grpc.aio.insecure_channel(rig.app.xds) as channel:
        for method in rig.methods:
            assert await outcome(channel, method) == ([], CODES.UNAVAILABLE), method


async def test_certificate_that_ends_after_the_handshake_does_no_more(rig: Rig) -> None:
    async with rig.channel(of(EDGE)) as channel:
        await channel.channel_ready()
        rig.later = timedelta(days=2)
        for method in rig.methods:
            assert await outcome(channel, method) == ([], CODES.UNAUTHENTICATED), method
    assert rig.refused("expired") == len(rig.methods)


async def test_ca_that_is_taken_away_after_the_handshake_vouches_no_more(rig: Rig) -> None:
    async with rig.channel(of(EDGE)) as channel:
        await channel.channel_ready()
        write(rig.tls, serving(), "two")
        rig.credentials.look()
        for method in rig.methods:
            assert await outcome(channel, method) == ([], CODES.UNAUTHENTICATED), method
    assert rig.refused("untrusted") == len(rig.methods)


async def test_certificate_that_was_taken_back_after_the_handshake_does_no_more(rig: Rig) -> None:
    async with rig.channel(of(EDGE)) as channel:
        await channel.channel_ready()
        revoke(rig.tls, of(EDGE))
        rig.credentials.look()
        for method in rig.methods:
            assert await outcome(channel, method) == ([], CODES.UNAUTHENTICATED), method
    assert rig.refused("revoked") == len(rig.methods)


async def test_certificate_that_names_no_gateway_does_for_no_method(rig: Rig) -> None:
    nobody = client(ca(), Identity(TRUST, "infra", "envoy", "edge/.."), now(), 1)
    async with rig.channel(nobody) as channel:
        for method in rig.methods:
            assert await outcome(channel, method) == ([], CODES.UNAUTHENTICATED), method


async def test_other_node_is_refused_by_every_method_that_is_told_one(rig: Rig) -> None:
    async with rig.channel(of(EDGE)) as channel:
        for method in rig.methods:
            if (asked := request(method, OTHER.key)) is not None:
                assert await outcome(channel, method, asked) == ([], CODES.PERMISSION_DENIED), method


async def test_own_node_is_let_in_by_every_discovery_method(rig: Rig) -> None:
    """Else the refusals above would prove nothing."""
    async with rig.channel(of(EDGE)) as channel:
        for method in METHODS:
            call = channel.stream_stream(method.path)()
            [asked] = [request(one, "infra/edge/pod") for one in rig.methods if one.path == method.path]
            await call.write(asked)
            await wait_until(lambda: [one.node for one in rig.app.server.proxies()] == ["infra/edge/pod"], what=method.path)
            call.cancel()
            await wait_until(lambda: not rig.app.server.proxies(), what=method.path)


async def test_node_that_changes_in_mid_stream_ends_it(rig: Rig) -> None:
    async with rig.channel(of(EDGE)) as channel:
        for method in rig.methods:
            first, second = request(method, "infra/edge/a"), request(method, "infra/edge/b")
            if method.request_streaming and first is not None and second is not None:
                _, code = await outcome(channel, method, first, second)
                assert code is CODES.INVALID_ARGUMENT, method


async def test_node_that_changes_to_that_of_another_ends_it(rig: Rig) -> None:
    async with rig.channel(of(EDGE)) as channel:
        for method in rig.methods:
            first, second = request(method, EDGE.key), request(method, OTHER.key)
            if method.request_streaming and first is not None and second is not None:
                _, code = await outcome(channel, method, first, second)
                assert code is CODES.INVALID_ARGUMENT, method
