"""A small API server that replays recordings of a real one, in the order a test asks for; where none is given, it has nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict, deque
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.unit.xds.sources.kube.lines import KINDS, body, bookmark, page

RECORDINGS = Path(__file__).parent / "recordings"


@dataclass(frozen=True)
class Reply:
    """`stays`: the body does not end. `later` goes on with it once the test lets it; then it ends, unless it stays."""

    status: int
    body: bytes
    stays: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    later: bytes | None = None


def recorded(name: str, *, stays: bool = False) -> Reply:
    head, _, text = (RECORDINGS / f"{name}.http").read_bytes().partition(b"\n\n")
    return Reply(int(head.split()[1]), text, stays)


class Fake:
    """`replies` are taken one a request, by resource (`httproutes`) or object (`httproutes/a`); `asked` are the queries of each."""

    def __init__(self) -> None:
        self.replies: defaultdict[str, deque[Reply]] = defaultdict(deque)
        self.asked: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
        self.tokens: set[str] = set()  # those that are let in; all, while there are none
        self.go_on = asyncio.Event()
        self._end = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.address = ""

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.address = "{}:{}".format(*self._runner.addresses[0])
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.go_on.set()
        self._end.set()
        assert self._runner
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        parts = request.path.strip("/").split("/")
        name = parts[-1] if parts[-1] in KNOWN else "/".join(parts[-2:])
        self.asked[name].append(dict(request.query))
        if self.tokens and request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return await self._send(request, recorded("unauthorized"))
        waiting = self.replies[name]
        return await self._send(request, waiting.popleft() if waiting else _nothing(name, request))

    async def _send(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        response = web.StreamResponse(status=reply.status, headers={"Content-Type": "application/json", **reply.headers})
        await response.prepare(request)
        await response.write(reply.body)
        if reply.later is not None:
            await self.go_on.wait()
            await response.write(reply.later)
        if reply.stays:
            await self._end.wait()
        with contextlib.suppress(ConnectionError):  # nobody reads any more
            await response.write_eof()
        return response


KNOWN = frozenset(kind.plural for kind in KINDS.values())


def _nothing(name: str, request: web.Request) -> Reply:
    """There is no object, and none comes."""
    if "/" in name:
        return Reply(200, body({"metadata": {"name": name}})) if name.startswith("customresource") else Reply(404, b"{}")
    if "sendInitialEvents" in request.query:
        return Reply(200, bookmark(1, ends_list=True), stays=True)
    return Reply(200, b"", stays=True) if "watch" in request.query else Reply(200, page(1))
