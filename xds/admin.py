"""The admin port: health, metrics, and what the server knows, as JSON. Reads only; on loopback, and for its own names only.

Health and metrics, which say nothing of what objects hold, can also be had on a port of their own, for probes and Prometheus.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from translator.ir.tables import FORK
from xds import render
from xds.app import App
from xds.bootstrap import is_loopback, split
from xds.crash import told
from xds.kinds import FLAT
from xds.objects import described, finding
from xds.offline import GROUP_NAME

SLICE = 20  # resources rendered before others have a turn
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Admin:
    def __init__(self, app: App) -> None:
        self._app = app
        self._runners: list[web.AppRunner] = []
        self.address = self.pages = ""

    def application(self) -> web.Application:
        application = web.Application(middlewares=[_guarded], client_max_size=4096)
        for path, handler in (
            *self._public(),
            ("/status", self._status),
            ("/proxies", self._proxies),
            ("/loads", self._loads),
            ("/config", self._config),
        ):
            application.router.add_get(path, handler, allow_head=False)
        return application

    def _public(self) -> tuple[tuple[str, Handler], ...]:
        return ("/healthz", self._healthz), ("/readyz", self._readyz), ("/metrics", self._metrics)

    async def start(self, address: str, pages: str = "") -> str:
        """Listen on a loopback `host:port` (0: any free one); gives what it is bound to. `pages` is where health and metrics can
        be had by others. OSError where it cannot be.
        """
        self.address = await self._listen(self.application(), address)
        if pages:
            public = web.Application(middlewares=[_told], client_max_size=4096)
            for path, handler in self._public():
                public.router.add_get(path, handler, allow_head=False)
            self.pages = await self._listen(public, pages)
        return self.address

    async def _listen(self, application: web.Application, address: str) -> str:
        host, port = split(address)
        runner = web.AppRunner(application, access_log=None)
        self._runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0]
        return f"[{bound[0]}]:{bound[1]}" if ":" in bound[0] else f"{bound[0]}:{bound[1]}"

    async def stop(self) -> None:
        for one in self._runners:
            await one.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n") if self._app.synced.is_set() else web.Response(status=503, text="first full sync is not done\n")

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._app.scrape(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _status(self, _: web.Request) -> web.Response:
        objects = await self._app.source.ask(described, self._app.source.holder, self._app.statuses)
        return _answer({"objects": objects, "findings": [finding(one) for one in self._app.findings]})

    async def _proxies(self, _: web.Request) -> web.Response:
        now = self._app.server.clock()
        return _answer([{**msgspec.to_builtins(one), "connected_seconds": now - one.connected_since} for one in self._app.server.proxies()])

    async def _loads(self, _: web.Request) -> web.Response:
        """What proxies that report load (LRS) have said, by cluster; and forks, with their Sandbox and the requests that were counted.
        These are all of them, and those of a report of load begin seconds after a cluster does.
        """
        app, loads = self._app, self._app.server.companions.loads
        async with app.translation.calm:
            requests = app.traffic.forks()
            forks = {
                use.fork: {"sandbox": use.key, "requests": requests.get(use.fork, 0)}
                for use in app.engine.rows(FORK)
                if use.fork in requests or use.fork in loads.clusters
            }
        found = {"clusters": msgspec.to_builtins(loads.clusters), "passed_over": loads.passed_over}
        return _answer({**found, "counted": app.settings.group.counted, "forks": forks})

    async def _config(self, request: web.Request) -> web.Response:
        """All resources of a proxy group: `?group=infra/edge`; `?view=flat` for Envoys without our native module."""
        app, group = self._app, request.query.get("group", GROUP_NAME)
        view = group + (FLAT if request.query.get("view") == "flat" else "")
        found: dict[str, list[Any]] = {section: [] for section in render.SECTIONS}
        async with app.translation.calm:
            wanted = render.items(app.engine, group, view)
        for start in range(0, len(wanted), SLICE):
            async with app.translation.calm:
                for section, table, key in wanted[start : start + SLICE]:
                    if one := render.item(app.engine, section, table, key):
                        found[section].append(one)
            await asyncio.sleep(0)
        return _answer(found)


def _answer(value: Any) -> web.Response:
    return web.Response(text=json.dumps(value, indent=1, ensure_ascii=False) + "\n", content_type="application/json")


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A page in somebody's browser can make a name of its own lead here: only loopback's own names are answered."""
    try:
        named = is_loopback(request.host if ":" in request.host.rpartition("]")[2] else f"{request.host}:0")
    except ValueError:
        named = False
    if not named:
        return web.Response(status=403, text="this Host is not served here\n")
    return await _told(request, handler)


@web.middleware
async def _told(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPException:
        raise
    except Exception as error:  # noqa: BLE001 - aiohttp would print a traceback
        asyncio.get_running_loop().call_exception_handler({"message": "a request failed", "exception": error})
        return web.Response(status=500, text=f"this server has a bug: {told(error)}\n")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
