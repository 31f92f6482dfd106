"""Services for tests that write down what they are asked: a backend, and those that say who may pass, by HTTP and by gRPC."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import grpc
import grpc.aio

from protos.envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption
from protos.envoy.service.auth.v3.external_auth_pb2 import CheckRequest, CheckResponse
from tests.e2e.listening import listening


@dataclass(frozen=True)
class Asked:
    """A request as a service sees it; names of headers in lower case."""

    path: str
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Said:
    status: int
    headers: dict[str, str]
    body: str = ""


Answer = Callable[[Asked], Said | Awaitable[Said]]


@contextlib.asynccontextmanager
async def http(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a service that speaks HTTP/1.1 over kept connections."""
    async with listening(partial(_serve, answer), tls) as port:
        yield port


async def _serve(answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := (await reader.readuntil(b"\r\n\r\n")).decode("latin-1"):
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
        said = answer(Asked(first.split(" ")[1], headers, body))
        found = said if isinstance(said, Said) else await said
        told = "".join(f"{name}: {value}\r\n" for name, value in found.headers.items())
        writer.write(f"HTTP/1.1 {found.status} Said\r\n{told}Content-Length: {len(found.body)}\r\n\r\n{found.body}".encode())
        if found.headers.get("Connection") == "close":
            break


@contextlib.asynccontextmanager
async def authorization(allow: Callable[[Asked], bool]) -> AsyncIterator[int]:
    """The port of a service that speaks Envoy's own protocol. Who may pass is known to backends as `x-user: grpc`."""

    async def check(request: CheckRequest, _: object) -> CheckResponse:
        asked = request.attributes.request.http
        if not allow(Asked(asked.path, dict(asked.headers), asked.body)):
            return CheckResponse(status={"code": grpc.StatusCode.PERMISSION_DENIED.value[0]}, denied_response={"status": {"code": 401}})
        header = HeaderValueOption(header=HeaderValue(key="x-user", value="grpc"))
        return CheckResponse(status={"code": 0}, ok_response={"headers": [header]})

    handler = grpc.unary_unary_rpc_method_handler(
        check, request_deserializer=CheckRequest.FromString, response_serializer=CheckResponse.SerializeToString
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("envoy.service.auth.v3.Authorization", {"Check": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield port
    await server.stop(None)
