"""The services beside discovery on the same port: health, what each client has (CSDS), load reports (LRS), what it counted of
requests (OTLP), and reflection.

Moves bytes and keeps no rule of its own: what is said stands in `client_status.py`, `loads.py` and `traffic/`, or is gRPC's own library.
They are registered on the one server, behind the same guard: a client sees, and speaks for, the nodes that it may be.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Struct
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from protos.services import described
from protos.v3 import ClientConfig, ClientStatusRequest, ClientStatusResponse, ExportMetricsServiceRequest, LoadStatsRequest
from xds.client_status import client_config, resources
from xds.loads import Loads
from xds.node_match import any_means
from xds.security.access import Speaker
from xds.security.guard import granted, refuse
from xds.services import METHODS
from xds.stream import Stream
from xds.traffic.reports import Point, points

CLIENT_STATUS = "envoy.service.status.v3.ClientStatusDiscoveryService"
LOAD_REPORTING = "envoy.service.load_stats.v3.LoadReportingService"
COUNTS = "opentelemetry.proto.collector.metrics.v1.MetricsService"
HEALTH = health.SERVICE_NAME
SLICE = 200  # resources told, or numbers taken, before others have a turn
Context = Any  # grpc.aio.ServicerContext: grpc has no types


class Health(health.aio.HealthServicer):  # type: ignore[misc]
    """The library's, with the method that it lacks."""

    async def List(self, _: object, __: Context) -> Any:  # noqa: N802
        each = {name: health_pb2.HealthCheckResponse(status=status) for name, status in self._server_status.items()}
        return health_pb2.HealthListResponse(statuses=each)


class Companions:
    """`streams` gives those that are connected; `measured` is told what a load report adds: succeeded, failed, dropped; `counted` what
    a proxy counted of requests, and the group of proxies that it speaks for, or none where it may be any.
    """

    def __init__(
        self,
        streams: Callable[[], Iterable[Stream]],
        loads: Loads | None = None,
        measured: Callable[[int, int, int], None] = lambda *_: None,
        *,
        reflection: bool = False,
    ) -> None:
        self.loads = loads or Loads()
        self.measured = measured
        self.counted: Callable[[Sequence[Point], str], Awaitable[None]] = nobody_counts
        self._streams, self._reflection, self._health = streams, reflection, Health()
        self._services = sorted({method.service for method in METHODS} | {CLIENT_STATUS, LOAD_REPORTING, COUNTS})

    async def add_to(self, server: grpc.aio.Server) -> None:
        await self._tell(health_pb2.HealthCheckResponse.NOT_SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        status = {
            "StreamClientStatus": grpc.stream_stream_rpc_method_handler(self._stream_status),
            "FetchClientStatus": grpc.unary_unary_rpc_method_handler(self._fetch_status),
        }
        loads = {"StreamLoadStats": grpc.stream_stream_rpc_method_handler(self._report)}
        counts = {"Export": grpc.unary_unary_rpc_method_handler(self._export)}
        services = ((CLIENT_STATUS, status), (LOAD_REPORTING, loads), (COUNTS, counts))
        server.add_generic_rpc_handlers(tuple(grpc.method_handlers_generic_handler(*one) for one in services))
        if self._reflection:
            reflection.enable_server_reflection([*self._services, HEALTH, reflection.SERVICE_NAME], server, pool=described())

    async def serving(self) -> None:
        """Discovery answers from now on."""
        await self._tell(health_pb2.HealthCheckResponse.SERVING)

    async def stopping(self) -> None:
        await self._health.enter_graceful_shutdown()

    async def _tell(self, status: Any) -> None:
        for service in ("", *self._services):
            await self._health.set(service, status)

    # Client status -----------------------------------------------------------------------------------------------------

    async def _stream_status(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        speaker = Speaker(granted())
        async for data in requests:
            yield await self._status(data, speaker, context)

    async def _fetch_status(self, data: bytes, context: Context) -> bytes:
        return await self._status(data, Speaker(granted()), context)

    async def _status(self, data: bytes, speaker: Speaker, context: Context) -> bytes:
        """Only of proxies that the client may be: of others it is told as if there were none."""
        request = await parsed(ClientStatusRequest, data, context)
        await heard(speaker, request.node.id)
        seen = [stream for stream in self._streams() if granted().admits(stream.proxy.node)]
        configs = [await self._config(stream, request) for stream in seen if asked_for(request, stream)]
        return ClientStatusResponse(config=configs).SerializeToString()

    async def _config(self, stream: Stream, request: ClientStatusRequest) -> ClientConfig:
        config, each = client_config(stream), resources(stream, contents=not request.exclude_resource_contents)
        while some := list(islice(each, SLICE)):
            config.generic_xds_configs.extend(some)
            await asyncio.sleep(0)
        return config

    # Load reports ------------------------------------------------------------------------------------------------------

    async def _report(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        """The first message says who reports, and is told how often; the rest are its reports."""
        reporter, speaker, first = self.loads.reporter(), Speaker(granted()), True
        try:
            async for data in requests:
                request = await parsed(LoadStatsRequest, data, context)
                await heard(speaker, request.node.id)
                if not speaker.node:
                    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the first message must say who reports: node.id is empty")
                self.measured(*reporter.take(request.cluster_stats))
                if first:
                    yield self.loads.answer()
                first = False
        finally:
            reporter.ended()

    # Requests ----------------------------------------------------------------------------------------------------------

    async def _export(self, data: bytes, context: Context) -> bytes:
        """No node is named: what a proxy may speak of is its certificate's to say."""
        told, group = points(await parsed(ExportMetricsServiceRequest, data, context)), granted().only
        while some := list(islice(told, SLICE)):
            await self.counted(some, group)
            await asyncio.sleep(0)
        return b""


async def nobody_counts(_: Sequence[Point], __: str) -> None:
    """What becomes of counts where nobody adds them up."""


async def parsed(message: Any, data: bytes, context: Context) -> Any:
    try:
        return message.FromString(data)
    except DecodeError:
        return await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"the request is not a {message.DESCRIPTOR.name}")


async def heard(speaker: Speaker, node: str) -> None:
    """Does not return where the client may not speak in the name of this node."""
    if why := speaker.says(node):
        await refuse(why)


def asked_for(request: ClientStatusRequest, stream: Stream) -> bool:
    if not stream.proxy.node:
        return False
    return not request.node_matchers or any_means(request.node_matchers, stream.proxy.node, Struct.FromString(stream.metadata))
