"""The webhook: an API server asks over HTTPS about each new Pod that is to have a sidecar, and any replica may answer.

It holds up the making of Pods for as long as it takes, so it asks nobody, and whatever it cannot answer it says so at once.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from translator.injection.admission import Asked, Verdict, answer, asked, patch, verdict
from translator.injection.workload import Beside, digest
from xds.bootstrap import split
from xds.crash import told
from xds.security.credentials import CERTIFICATE, KEY
from xds.webhook.sidecars import Sidecars
from xds.webhook.start import Started

PATH = "/inject"
LONGEST = 8 * 1024 * 1024  # bytes of a question: an API server takes no object above 3 MiB, and wraps it
SENT = 5.0  # seconds in which a question must be here
PATIENCE = 0.5  # seconds for a Service to be known that was made just before its Pods


class Webhook:
    """`folder` has the certificate; `image` and `started` are those of sidecars; `ready` is whether all Services are known."""

    def __init__(self, sidecars: Sidecars, folder: Path, image: str, started: Started, ready: Callable[[], bool]) -> None:
        self._sidecars, self._image, self._started, self._ready = sidecars, image, started, ready
        self._certificate = Certificate(folder)
        self._runner: web.AppRunner | None = None

    async def start(self, address: str) -> str:
        """Listen on `host:port` (0: any free one); gives what it is bound to. OSError where it cannot be."""
        host, port = split(address)
        application = web.Application(client_max_size=LONGEST)
        application.router.add_post(PATH, self._inject)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, ssl_context=self._certificate.context).start()
        bound = self._runner.addresses[0]
        return f"[{bound[0]}]:{bound[1]}" if ":" in bound[0] else f"{bound[0]}:{bound[1]}"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _inject(self, request: web.Request) -> web.Response:
        if not self._ready():
            return web.Response(status=503, text="not all Services are known yet\n")
        try:
            async with asyncio.timeout(SENT):
                document = msgspec.json.decode(await request.read())
            one = asked(document)
        except (ValueError, RecursionError, OSError, TimeoutError, web.RequestPayloadError) as error:
            return web.Response(status=400, text=f"this is not answered: {error or 'it does not come'}\n")
        try:
            return _answered(await self._answer(one) if one else answer(document["request"]["uid"]))
        except Exception as error:  # noqa: BLE001 - aiohttp would print a traceback
            asyncio.get_running_loop().call_exception_handler({"message": "an admission failed", "exception": error})
            return web.Response(status=500, text=f"this server has a bug: {told(error)}\n")

    async def _answer(self, one: Asked) -> dict[str, Any]:
        found = await self._verdict(one)
        if not found.service:
            return answer(one.uid, warning=found.warning)
        beside = Beside(found.service, self._image, found.ports, digest(self._started(found.service)))
        return answer(one.uid, patch(one.pod, beside))

    async def _verdict(self, one: Asked) -> Verdict:
        """A Service that was made with its Pods in one go may be known a moment later than they are asked about."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while (found := verdict(one.pod, self._sidecars.of(one.namespace))).late:
                    await self._sidecars.moved()
        return found


def _answered(document: dict[str, Any]) -> web.Response:
    return web.Response(body=msgspec.json.encode(document), content_type="application/json")


class Certificate:
    """Looked at in each handshake: one that was made anew is in force at once, and one that cannot be used never."""

    def __init__(self, folder: Path) -> None:
        """OSError where there is none, or none that can be used."""
        self._folder = folder
        self._seen, self._inner = self._state(), _context(folder)
        self.context = _context(folder)
        self.context.sni_callback = self._choose

    def _choose(self, connection: ssl.SSLSocket | ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        with suppress(OSError):
            if (state := self._state()) != self._seen:
                self._inner = _context(self._folder)
                self._seen = state
        connection.context = self._inner

    def _state(self) -> list[tuple[int, int]]:
        return [(stat.st_mtime_ns, stat.st_ino) for stat in ((self._folder / name).stat() for name in (CERTIFICATE, KEY))]


def _context(folder: Path) -> ssl.SSLContext:
    """ssl.SSLError, which is an OSError, where a key is not that of its certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.load_cert_chain(folder / CERTIFICATE, folder / KEY)
    return made
