"""`run` and `serve`: a server in the foreground until a signal ends it, with or without an Envoy of its own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from translator.resources.gateway import Gateway
from translator.resources.meta import Object
from xds.admin import Admin
from xds.app import App
from xds.bootstrap import Bootstrap, bootstrap, split
from xds.cli.checking import line as found_line
from xds.cli.checking import place
from xds.cli.options import Options, check, check_pages, group
from xds.cli.output import Exit, Output, dumped, say
from xds.cli.showing import check_address
from xds.dataplane import Envoy, NoEnvoyError, binary, modules
from xds.demo.backends import Samples, TakenError
from xds.events import Refused
from xds.journal import Line
from xds.objects import finding
from xds.security.credentials import CredentialsError
from xds.settings import Listener, Settings
from xds.sources.folder import Located, Name
from xds.sources.interface import NoClusterError
from xds.telemetry import logger

if TYPE_CHECKING:
    from xds.webhook.server import Webhook

EVERYWHERE = "0.0.0.0"  # noqa: S104 - in Pods, whose network is their own
REACHABLE_LIMIT = 10.0
POLL = 0.01


@dataclass(frozen=True)
class Running:
    """A server in the foreground."""

    directory: Path | None
    output: Output
    options: Options


def serve(running: Running) -> None:
    check(running.options)
    _main(running, with_envoy=False)


def run(running: Running) -> None:
    _main(running, with_envoy=True)


def _main(running: Running, *, with_envoy: bool) -> None:
    check_address(running.options.admin, "--admin")
    check_pages(running.options.pages)
    if running.directory and not running.directory.is_dir():
        raise Exit(2, f"{running.directory} is not a folder. pointsman demo {running.directory} writes one to start with")
    try:
        envoy = binary() if with_envoy else None
    except NoEnvoyError as error:
        raise Exit(3, str(error)) from None
    asyncio.run(_until_signal(running, envoy))


async def _until_signal(running: Running, envoy: Path | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with tempfile.TemporaryDirectory(prefix="pointsman-") as home:
        async with contextlib.AsyncExitStack() as life:
            app = await life.enter_async_context(_server(running, home))
            child = await life.enter_async_context(_child(app, home, envoy)) if envoy else None
            watched = {asyncio.create_task(one) for one in (_stopped(stop), app.failed(), *((child.ended(),) if child else ()))}
            life.push_async_callback(_cancel, watched)
            if await _synced(app, stop):
                objects = await app.source.ask(app.source.holder.objects)
                if running.options.samples:
                    await life.enter_async_context(_samples(objects.values()))
                urls = sorted({url for held in objects.values() if isinstance(held, Gateway) for url in _urls(held, running.options)})
                if child:
                    await _reachable(urls, stop)
                _serving(running, app, objects, urls)
            done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            for reason in (task.result() for task in done):
                if reason:
                    raise Exit(1, reason)


@contextlib.asynccontextmanager
async def _samples(objects: Iterable[Object]) -> AsyncIterator[None]:
    try:
        async with Samples(objects):
            yield
    except TakenError as error:
        raise Exit(3, f"{error}: give it another port, or end who has it") from None


async def _stopped(stop: asyncio.Event) -> str:
    await stop.wait()
    return ""


async def _cancel(tasks: set[asyncio.Task[str]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _with_certificates(options: Options, home: Path) -> tuple[Options, asyncio.Task[None] | None]:
    """Those of a CA of our own, where data planes are wanted and nobody brings any; and what makes them anew in time."""
    if not (options.planes and options.cluster) or options.planes.ca:
        return options, None
    from xds.planes.authority import Own, keep, prepare
    from xds.reports.writer import home as namespace
    from xds.sources.kube.access import loader
    from xds.sources.kube.transport import Broken, Transport

    transport = Transport(loader(options.cluster.kubeconfig, options.cluster.context))
    hosts = dict.fromkeys((split(options.planes.reach)[0], f"pointsman.{namespace()}.svc"))  # the latter as an API server finds us
    own = Own(namespace(), tuple(hosts), options.policy.trust)
    try:
        await prepare(transport, own, home / "certs", datetime.now(UTC))
    except (*Broken, CredentialsError) as error:
        raise Exit(3, str(error) or type(error).__name__) from None
    finally:
        await transport.close()
    keeping = asyncio.create_task(keep(own, home / "certs", lambda: datetime.now(UTC)))
    return replace(options, tls=str(home / "certs" / "server"), planes=replace(options.planes, ca=str(home / "certs"))), keeping


@contextlib.asynccontextmanager
async def _server(running: Running, home: str) -> AsyncIterator[App]:
    (options, keeping), teller = await _with_certificates(running.options, Path(home)), Teller(running.directory, running.output)
    settings = Settings(
        files=str(running.directory or ""),
        cluster=options.cluster,
        xds=options.xds or f"unix:{home}/xds",
        group=group(options),
        allow_mass_deletion=options.allow_mass_deletion,
        reflection=options.reflection,
        tls=options.tls,
        policy=options.policy,
        planes=options.planes,
        mesh=options.mesh,
        forks=options.forks,
        signadot=options.signadot,
        groups=options.groups,
        webhook=options.webhook,
    )
    app = App(settings, logger("none" if running.output is not Output.TABLE or not options.xds else "console"), teller.listener())
    admin, webhook = Admin(app), _webhook(app)
    try:
        await app.start()
        await admin.start(options.admin, options.pages)
        if webhook:
            await webhook.start(options.webhook)
    except NoClusterError as error:
        raise Exit(3, str(error)) from None
    except (OSError, RuntimeError) as error:
        await app.stop()
        place = " or ".join(filter(None, (options.admin, options.pages, options.webhook))) if isinstance(error, OSError) else options.xds
        taken = f"{place} cannot be listened on"
        raise Exit(3, f"{taken}: {'in use' if getattr(error, 'errno', 0) == errno.EADDRINUSE else error}") from None
    try:
        yield app
    finally:
        if keeping:
            keeping.cancel()
        if webhook:
            await webhook.stop()
        await admin.stop()
        await app.stop()


def _webhook(app: App) -> Webhook | None:
    settings = app.settings
    if not (settings.webhook and settings.planes):
        return None
    from xds.webhook.server import Webhook
    from xds.webhook.start import started

    return Webhook(app.sidecars, Path(settings.tls), settings.planes.image, started(settings.planes), app.synced.is_set)


@contextlib.asynccontextmanager
async def _child(app: App, home: str, envoy: Path) -> AsyncIterator[Envoy]:
    counted = app.settings.group.counted
    config = bootstrap(
        Bootstrap(
            xds=app.xds, node="pointsman-run", admin="127.0.0.1:0", modules=("shard",) if modules() else (),
            load_reports=counted, request_metrics=counted,
        )
    )  # fmt: skip
    child = Envoy(config, Path(home), envoy)
    try:
        await child.start()
        yield child
    except NoEnvoyError as error:
        raise Exit(3, str(error)) from None
    finally:
        await child.stop()


async def _synced(app: App, stop: asyncio.Event) -> bool:
    waits = [asyncio.create_task(one.wait()) for one in (app.synced, stop)]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for task in waits:
        task.cancel()
    return app.synced.is_set()


async def _reachable(urls: list[str], stop: asyncio.Event) -> None:
    """Wait until Envoy takes connections at all of these, but not for ever: another program may hold a port."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(REACHABLE_LIMIT):
            for url in urls:
                while not stop.is_set() and not await _connects(url):  # noqa: ASYNC110 - Envoy tells nobody when it listens
                    await asyncio.sleep(POLL)


async def _connects(url: str) -> bool:
    host, port = split(url.partition("://")[2])
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def _serving(running: Running, app: App, objects: dict[Name, Object], urls: list[str]) -> None:
    """Say what is served."""
    counts = Counter(kind for kind, _ in objects)
    if running.output is Output.TABLE:
        what = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "no objects yet"
        say(f"✓ {what}   {'  '.join(urls)}   admin http://{running.options.admin}")
        if running.options.welcome:
            say(running.options.welcome)
    else:
        _record(running.output, {"event": "serving", "objects": dict(counts), "urls": urls, "admin": running.options.admin, "xds": app.xds})


def _urls(gateway: Gateway, options: Options) -> list[str]:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(options.bind, options.bind)  # noqa: S104 - what to type, not where to listen
    return [f"{one.protocol.lower()}://{host}:{one.port + options.port_offset}" for one in gateway.spec.listeners]


def _record(output: Output, value: object) -> None:
    """One JSON text a line, or one YAML document."""
    say(msgspec.json.encode(value).decode() if output is Output.JSON else "---\n" + dumped(value, output))


class Teller:
    """One line for each change, each finding, and each finding that is gone."""

    def __init__(self, root: Path | None, output: Output) -> None:
        self._root, self._output = root, output
        self._offset = time.time() - time.monotonic()

    def listener(self) -> Listener:
        return Listener(self.line, self.found, self.cleared, self.refused)

    def refused(self, event: Refused) -> None:
        """Envoy does not take this, whoever is to blame: a port that another program has, or a gap in our checks."""
        if self._output is Output.TABLE:
            say(f"✗ Envoy refused {event.part or event.name}: {event.message}")
            return
        told = {"node": event.proxy.node, "name": event.name, "part": event.part, "message": event.message}
        _record(self._output, {"event": "refused", **told})

    def line(self, line: Line) -> None:
        if self._output is Output.TABLE:
            say(str(line))
            return
        changes = [{"kind": one.kind, "key": one.key, "what": one.what} for one in line.changes]
        milliseconds = None if line.seconds is None else round(line.seconds * 1000, 1)
        body = {
            "event": "change",
            "changes": changes,
            "sent": line.sent,
            "bytes": line.bytes,
            "ack_ms": milliseconds,
            "refused": line.refused,
        }
        _record(self._output, body)

    def found(self, one: Located) -> None:
        if self._output is not Output.TABLE:
            _record(self._output, {"event": "finding", **finding(one)})
            return
        serving = ""
        if one.since is not None:
            serving = f" (still serving {datetime.fromtimestamp(one.since + self._offset).astimezone():%H:%M:%S})"
        say(f"{'✗' if one.finding.severity == 'error' else '!'} {found_line(self._root, one)}{serving}")

    def cleared(self, one: Located) -> None:
        if self._output is Output.TABLE:
            name = "" if self._root else f" {one.finding.kind} {one.finding.key}".rstrip()
            say(f"✓ {place(self._root, one)}{one.finding.code}{name} cleared")
        else:
            _record(self._output, {"event": "cleared", **finding(one)})
