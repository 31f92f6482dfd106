"""Requests to an API server: bytes out, status and bytes in. The only file here that opens connections."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

import aiohttp
import msgspec

from xds.sources.interface import NoClusterError
from xds.sources.kube.access import Access, Current, Load
from xds.sources.kube.rights import Rights

CONNECT = 8.0  # seconds until a connection must stand: with 35 s of a watch, what is half open is found within 45
ANSWER = 15.0  # seconds until an answer begins
CALL = 30.0  # seconds for a whole call
APPLY = "application/apply-patch+yaml"  # of server-side apply
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

Broken = (aiohttp.ClientError, TimeoutError, OSError, NoClusterError)  # of requests; ValueError too where the server talks nonsense


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    retry_after: float = 0.0

    def json(self) -> Any:
        """msgspec.DecodeError where the body is none."""
        return msgspec.json.decode(self.body)

    def said(self) -> str:
        """What the API server says of a refusal, in its words."""
        try:
            return str(self.json()["message"])
        except (ValueError, LookupError, TypeError):
            return f"it answered {self.status}"


class Caller(Protocol):
    """The part of a transport that most of us use."""

    async def call(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, *, content: str = "application/json"
    ) -> Answer: ...
    async def close(self) -> None: ...


class Transport:
    """To be closed. Every watch has a connection of its own; calls share theirs."""

    def __init__(self, load: Load, agent: str = "pointsman") -> None:
        self._access, self._agent, self.rights = Current(load), agent, Rights()
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    def _sessions(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=20, socket_factory=_socket)
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=True)
        return self._session

    async def access(self) -> Access:
        """How the server is reached. NoClusterError where nothing says so."""
        return await self._access.get()

    @contextlib.asynccontextmanager
    async def get(self, path: str, query: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """A GET whose body is read by the caller, who minds the time. Raises one of Broken."""
        async with asyncio.timeout(ANSWER):
            response = await self._request("GET", path, query, aiohttp.ClientTimeout(total=None, sock_connect=CONNECT), {})
        try:
            yield response
        finally:
            response.close()

    @contextlib.asynccontextmanager
    async def socket(self, path: str, query: Mapping[str, str], protocol: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket, closed at the end. aiohttp.WSServerHandshakeError where it is refused; else raises one of Broken."""
        access = await self._access.get()
        headers = {"User-Agent": self._agent, **access.headers()}
        asked = self._sessions().ws_connect(
            access.url + path, params=query, protocols=(protocol,), headers=headers, ssl=access.tls, proxy=access.proxy,
            server_hostname=access.server_name, max_msg_size=0,
        )  # fmt: skip
        async with asked as opened:
            yield opened

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        *,
        content: str = "application/json",
        accept: str = "application/json",
    ) -> Answer:
        """A whole request and its whole answer; once more with new credentials after 401. Raises one of Broken."""
        limits = aiohttp.ClientTimeout(total=CALL, sock_connect=CONNECT)
        data = None if body is None else msgspec.json.encode(body)
        headers = {"Accept": accept, "Content-Type": content}
        for last in (False, True):
            async with await self._request(method, path, query or {}, limits, headers, data) as response:
                answer = Answer(response.status, await response.read(), retry_after(response))
            if answer.status != HTTPStatus.UNAUTHORIZED or last:
                break
        self.rights.answered(method, path, answer.status, answer.body)
        return answer

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        limits: aiohttp.ClientTimeout,
        headers: dict[str, str],
        data: bytes | None = None,
    ) -> aiohttp.ClientResponse:
        access = await self._access.get()
        more: dict[str, Any] = {"server_hostname": access.server_name} if access.server_name else {}
        response = await self._sessions().request(
            method,
            access.url + path,
            params=query,
            data=data,
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": self._agent, **headers, **access.headers()},
            ssl=access.tls,
            proxy=access.proxy,
            timeout=limits,
            allow_redirects=False,
            **more,
        )
        if response.status == HTTPStatus.UNAUTHORIZED:
            self._access.refused(access)
        return response


def retry_after(response: aiohttp.ClientResponse) -> float:
    """Seconds of Retry-After; an API server never gives a date."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else 0.0


def _socket(info: Any) -> socket.socket:
    """Keepalive finds a peer that is gone from behind a watch, where nothing is sent for long."""
    family, kind, protocol, _, _ = info
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):  # not everywhere
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return made
