"""Sample backends: each answers its name, the path and the route key. They run beside the server, in the same process."""

from __future__ import annotations

from collections.abc import Iterable
from errno import EADDRINUSE
from types import TracebackType
from typing import Self

from aiohttp import web

from translator.resources.backend import Backend
from translator.resources.meta import Object

LABEL = "pointsman.io/sample"
KEY = "X-Route-Key"


def application(name: str) -> web.Application:
    async def answer(request: web.Request) -> web.Response:
        key = request.headers.get(KEY)
        return web.Response(text=f"{name} {request.path}" + (f" {KEY}={key}" if key else "") + "\n")

    backend = web.Application()
    backend.router.add_route("*", "/{path:.*}", answer)
    return backend


class TakenError(Exception):
    """A sample backend cannot listen where its object says: which, where and why."""


class Samples:
    """A server for each Backend among the objects that carries the label. TakenError where it cannot have its port."""

    def __init__(self, objects: Iterable[Object]) -> None:
        self._objects = objects
        self._runners: list[web.AppRunner] = []

    async def __aenter__(self) -> Self:
        for held in self._objects:
            if isinstance(held, Backend) and held.metadata.labels.get(LABEL) == "true":
                await self._start(held)
        return self

    async def _start(self, backend: Backend) -> None:
        runner = web.AppRunner(application(backend.metadata.name), access_log=None, shutdown_timeout=0.2)
        self._runners.append(runner)
        await runner.setup()
        for endpoint in backend.spec.endpoints:
            if endpoint.ip:
                try:
                    await web.TCPSite(runner, endpoint.ip.address, endpoint.ip.port).start()
                except OSError as error:
                    why = "in use" if error.errno == EADDRINUSE else error.strerror
                    raise TakenError(f"{endpoint.ip.address}:{endpoint.ip.port} of Backend {backend.key} is {why}") from None

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for runner in self._runners:
            await runner.cleanup()
