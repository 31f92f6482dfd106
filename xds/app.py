"""The one place where the parts of a server are wired: who feeds whom, and who ends with whom."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from translator.engine import Engine
from translator.ir import names as named
from translator.ir.cluster import Use
from translator.ir.tables import ACKED, CLUSTER, COPYING, EXPIRED, GROUP, OUT_FINDINGS, QUARANTINE, UNCOPIED, UNFOLLOWED, WANTED
from translator.program import engine
from xds.acknowledged import Acknowledged
from xds.crash import told
from xds.ending import Ending
from xds.events import Event, NeedsView, Refused
from xds.feedback import Feedback, Rows
from xds.groups import Groups
from xds.journal import Journal
from xds.kinds import BY_TABLE, group_of
from xds.lives import Key
from xds.offline import GROUP_NAME, door, translated
from xds.recording import record
from xds.security.access import Refusal
from xds.security.credentials import Credentials
from xds.served import Served
from xds.server import Server
from xds.settings import Listener, Settings
from xds.snapshot import Snapshots
from xds.sources.files import Files
from xds.sources.folder import Folder, Located
from xds.sources.followed import unfollowed
from xds.sources.interface import Source, Update
from xds.status import Statuses
from xds.store import Change, Store
from xds.telemetry import Log, Logger, Metrics, Requests
from xds.traffic.counts import Traffic
from xds.traffic.rules import Rules
from xds.translation import PIECE, Batch, Settled, Translation, without_collector
from xds.webhook.sidecars import Sidecars

if TYPE_CHECKING:
    from xds.outgoing import Outgoing


def _source(settings: Settings) -> Source:
    """Where objects come from. What only a cluster needs is loaded for a cluster only."""
    if settings.cluster is None:
        return Files(settings.files, Folder(door(settings.groups), allow_mass_deletion=settings.allow_mass_deletion), time.monotonic)
    from xds.sources.kube.source import kube  # noqa: PLC0415

    where = settings.cluster.kubeconfig, settings.cluster.context
    return kube(*where, allow_mass_deletion=settings.allow_mass_deletion, groups=settings.groups, signadot=settings.signadot)


_MORE = {"new": 1, "gone": -1}  # objects that there are more of


class App:
    def __init__(self, settings: Settings, log: Logger, listener: Listener | None = None) -> None:
        self.settings, self.metrics = settings, Metrics()
        self._log, self._listener = log, listener or Listener()
        self.source = _source(settings)
        self._look_for = asyncio.Event()
        self.engine: Engine = engine()
        self.store, self.snapshots, self.journal = Store(), Snapshots([GROUP_NAME]), Journal()
        self.ending = Ending(time.time, self._over)
        self.translation = Translation(self.engine, self.store, self._settled, taken=self._taken)
        self.feedback = Feedback(self.snapshots, self._uses)
        self.server = Server(
            self.snapshots, self._event, time.monotonic, reflection=settings.reflection,
            credentials=self._credentials(), policy=settings.policy, turned_away=self._turned_away,
        )  # fmt: skip
        self.served = Served(self.server.streams)
        self.statuses = Statuses(time.time, self.served.waits if settings.cluster else None)
        self.sidecars = Sidecars()
        self._outgoing = self._of_cluster() if settings.cluster else None
        self.server.companions.measured = self._reported
        self.traffic = Traffic(Rules(self.engine))
        self.server.companions.counted = lambda told, group: self.traffic.take_all(self.translation.calm, told, group)
        self.metrics.registry.register(Requests(self.traffic))
        self.acknowledged = Acknowledged(self.server.streams)
        self.server.caught_up = self._caught_up
        self.synced = asyncio.Event()
        self._wrong: dict[str, str] = {}  # Sandbox → what is wrong with its forks
        self.findings: list[Located] = []
        self._of_source: list[Located] = []
        self._unfollowed: tuple[str, str] | None = None
        self.groups = Groups(replace(settings.group, awaits=True), each=bool(settings.tls) and not settings.policy.shared)
        self._timer: asyncio.TimerHandle | None = None
        self._looks = False
        self._tasks: list[asyncio.Task[None]] = []
        self.xds = settings.xds

    def _credentials(self) -> Credentials | None:
        folder = self.settings.tls
        return Credentials(Path(folder), lambda: datetime.now(UTC), self._certificates) if folder else None

    def _of_cluster(self) -> Outgoing:
        """Statuses of files stay with us; those of a cluster are written there."""
        from xds.outgoing import Known, Outgoing  # noqa: PLC0415

        known = Known(
            engine=self.engine, statuses=self.statuses, soon=self.served.soon, over=lambda: self.ending.lives.over, sidecars=self.sidecars,
        )  # fmt: skip
        return Outgoing(self.settings, known, self._look_for.set, self._uncopied)

    # Life --------------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listening, and reading the source; `synced` says when all of it is served.

        RuntimeError where the port is taken; NoClusterError where nothing leads to an API server.
        """
        asyncio.get_running_loop().set_exception_handler(self._bug)
        await self.source.open()
        self.store.declare(GROUP, *self.groups.first())
        if self.settings.forks:
            self.store.declare(COPYING, "", True)
        self.xds = await self.server.start(self.settings.xds)
        if not self.settings.tls and not self.xds.startswith("unix:"):
            self._log.warning(Log.PLAINTEXT, xds=self.xds, reach="every user of this machine")
        self._log.info(Log.STARTED, xds=self.xds, source=self.settings.files or "kubernetes")
        self._tasks = [
            asyncio.create_task(one)
            for one in (self._read(), self.translation.run(), self._find(), *([self._outgoing.run(self.synced)] if self._outgoing else []))
        ]

    async def stop(self) -> None:
        self._log.info(Log.STOPPING)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)  # one that failed is for `failed` to tell
        self.ending.stop()
        if self._timer:
            self._timer.cancel()
        await self.server.stop(0.2)

    async def failed(self) -> str:
        """Waits until a task that should never end has ended, and says why."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        return "; ".join(told(task.exception()) for task in done if not task.cancelled())

    def _bug(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What asyncio would print, with a traceback and the arguments of calls."""
        self._log.error(Log.BUG, error=told(context.get("exception")))

    # Sources → store → engine ------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        async with contextlib.aclosing(self.source.updates()) as updates:
            self._sync(await self._first(updates))
            await self.server.companions.serving()
            async for update in updates:
                self.acknowledged.read(update.changes, time.monotonic())
                await self._take(update)
                if update.changes:
                    self.journal.changed(update.changes, time.monotonic())
                    self.translation.wake()
                    self._look_later()

    async def _first(self, updates: AsyncIterator[Update]) -> int:
        """Take in everything that must be there before anybody is served; the number of objects."""
        objects, final = 0, False
        while not final:
            with without_collector():
                update = await anext(updates)
                final, objects = update.final, objects + len(update.changes)
                await self._take(update)
                if update.changes or final:
                    await self.translation.build()
        return objects

    async def _take(self, update: Update) -> None:
        for start in range(0, len(update.changes), PIECE):
            piece = update.changes[start : start + PIECE]
            self._count(piece)
            self.store.put(piece)
            for row in filter(None, map(self.groups.follow, piece)):
                self.store.declare(GROUP, *row)
            await asyncio.sleep(0)
        self._of_source = update.findings
        self._tell_followed()
        self._look_for.set()

    def _tell_followed(self) -> None:
        """Kinds of a cluster that are parked are input too: the GatewayClass says so."""
        now = unfollowed(one.finding for one in self._of_source) if self.settings.cluster else None
        if now != self._unfollowed:
            self._unfollowed = now
            self.store.declare(UNFOLLOWED, "", now)
            if self.synced.is_set():
                self.translation.wake()

    def _sync(self, objects: int) -> None:
        """The first full sync: from now on, what is missing is gone, and not late."""
        self.snapshots.synced = True
        self.server.publish()
        self.synced.set()
        self.metrics.synced.set(1)
        self._log.info(Log.SYNCED, objects=objects)

    def _count(self, changes: list[Change]) -> None:
        for (kind, more), count in Counter((one.kind, _MORE.get(one.what, 0)) for one in changes).items():
            self.metrics.changes.labels(kind).inc(count)
            self.metrics.objects.labels(kind).inc(more * count)
        for change in changes if self.synced.is_set() else ():
            self._log.info(Log.CHANGED, kind=change.kind, key=change.key, what=change.what)

    # Engine → everybody ------------------------------------------------------------------------------------------------

    def _settled(self, settled: Settled) -> None:
        touched = self.snapshots.apply(settled)
        names = [(BY_TABLE[table.name].type_url, key[1]) for (table, key) in settled if table.name in BY_TABLE]
        self.statuses.apply(settled)
        self.sidecars.settled(settled)
        self._feed(self.feedback.settled(settled))
        self._acknowledge(self.acknowledged.settled(settled, self.snapshots.epoch) | self.acknowledged.gateways())
        if self._outgoing:
            self.served.settled(settled, self.snapshots.epoch)
            self._outgoing.touch(settled)
        self.metrics.batches.inc()
        self.metrics.resources.inc(len(names))
        self.metrics.failures.set(len(self.engine.failures))
        self._want(settled)
        self.ending.settled(settled)
        if not self.synced.is_set():
            return
        if names:
            self.journal.resources(names, time.monotonic())
        if touched:
            self.server.publish()
        else:
            self._caught_up()
        if self.engine.failures or any(table is OUT_FINDINGS for table, _ in settled):
            self._look_for.set()

    def _taken(self, batch: Batch) -> None:
        objects = [(table.name, key) for table, key, _ in batch]
        self.acknowledged.taken(objects, self.snapshots.epoch)
        if self._outgoing and self.synced.is_set():
            self._outgoing.read(objects)

    def _caught_up(self) -> None:
        """Every stream has looked at the last change, or there is nothing to look at."""
        self.acknowledged.look()
        self.served.look()
        self._look_soon()

    def _want(self, settled: Settled) -> None:
        """Tell the source what something refers to now, and what nothing refers to any more."""
        moved = [(name, row) for (table, name), row in settled.items() if table is WANTED]
        self.source.want(name for name, row in moved if row)
        self.source.release(name for name, row in moved if not row)

    def scrape(self) -> bytes:
        """The metrics, with those that age by themselves."""
        self.metrics.source(self.source.health())
        if self._outgoing:
            self._outgoing.report(self.metrics)
        if not self.translation.calm.locked():
            self.traffic.there()
        return self.metrics.text()

    async def _find(self) -> None:
        """What is wrong now; tell what is new and what has been mended. Without end."""
        while True:
            await self._look_for.wait()
            self._look_for.clear()
            async with self.translation.calm:
                found = translated(self.engine)
            self._tell(await self.source.ask(self.source.holder.placed, [*self._of_source, *self._unwritten()], found))

    def _unwritten(self) -> list[Located]:
        return self._outgoing.findings() if self._outgoing else []

    def _tell(self, findings: list[Located]) -> None:
        before, self.findings = {one.finding: one for one in self.findings}, findings
        now = {one.finding: one for one in self.findings}
        for one in (now[finding] for finding in now.keys() - before.keys()):
            self._log.warning(Log.FINDING, code=one.finding.code, file=one.file, line=one.at.line, message=one.finding.message)
            self._listener.found(one)
        for one in (before[finding] for finding in before.keys() - now.keys()):
            self._log.info(Log.CLEARED, code=one.finding.code, file=one.file)
            self._listener.cleared(one)
        self.metrics.findings.clear()
        for code, count in Counter(one.finding.code for one in self.findings).items():
            self.metrics.findings.labels(code).set(count)

    def _uses(self, clusters: set[str]) -> tuple[Use, ...] | None:
        """The upstreams that have these clusters; None where one of them has gone."""
        wanted = clusters - {named.UNRESOLVED}
        found = {rows[0].name: use for use, rows in self.engine.rows(CLUSTER).items() if rows[0].name in wanted} if wanted else {}
        return tuple(found.values()) if len(found) == len(wanted) else None

    def _feed(self, rows: Rows) -> None:
        """What proxies refused is input: the rules answer with other resources, and with what they say of the objects."""
        for key, row in rows.items():
            self.store.declare(QUARANTINE, key, row)
        if rows:
            self.metrics.quarantined.set(sum(len(row.poisons) for row in self.feedback.rows.values()))
            self.translation.wake()

    def _acknowledge(self, rows: Mapping[tuple[str, str], str | None]) -> None:
        """What every proxy has acknowledged is input: a Gateway says that it is programmed."""
        for key, row in rows.items():
            self.store.declare(ACKED, key, row)
        if rows:
            self.translation.wake()

    def _over(self, key: Key, mark: str | None) -> None:
        """The time of an object is over, or begins anew. In a cluster it is deleted; in a folder it counts for nothing."""
        self.store.declare(EXPIRED, key, mark)
        self.translation.wake()
        if mark is not None:
            self._log.info(Log.EXPIRED, kind=key[0], key=key[1])
            if self._outgoing:
                self._outgoing.ended(key)

    def _uncopied(self, sandbox: str, why: str) -> None:
        """What is wrong with the forks that it declares, or nothing, is input: it says so."""
        if (self._wrong.get(sandbox) or "") == why:
            return
        self._wrong[sandbox] = why
        self.store.declare(UNCOPIED, sandbox, why or None)
        self.translation.wake()

    # Streams → everybody -----------------------------------------------------------------------------------------------

    def _event(self, event: Event) -> None:
        self.journal.event(event, time.monotonic())
        record(event, self.metrics, self._log)
        self._feed(self.feedback.event(event))
        self.acknowledged.event(event)
        self.served.event(event)
        match event:
            case NeedsView(view=view) if row := self.groups.flatten(group_of(view)):
                self.store.declare(GROUP, *row)
                self.translation.wake()
            case Refused():
                self._listener.refused(event)
            case _:
                pass
        self._look_soon()

    def _turned_away(self, why: Refusal, method: str, who: str) -> None:
        self.metrics.turned_away.labels(why.reason).inc()
        self._log.warning(Log.TURNED_AWAY, reason=why.reason, method=method, who=who)

    def _certificates(self, problem: str) -> None:
        if problem:
            self._log.error(Log.CERTIFICATES_KEPT, problem=problem)
        else:
            self._log.info(Log.CERTIFICATES)

    def _reported(self, succeeded: int, failed: int, dropped: int) -> None:
        self.metrics.load_reports.inc()
        for result, count in (("succeeded", succeeded), ("failed", failed), ("dropped", dropped)):
            self.metrics.load.labels(result).inc(count)

    # What is over -----------------------------------------------------------------------------------------------------------

    def _look_soon(self) -> None:
        if not self._looks:
            self._looks = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._looks, now = False, time.monotonic()
        self._acknowledge(self.acknowledged.gateways())
        for took in self.acknowledged.took(now):
            self.metrics.changed.labels(took.kind).observe(took.seconds)
        self.metrics.unacked.set(len(self.acknowledged.objects))
        if self._outgoing and (routes := self.served.over()):
            self.statuses.served(routes)
            self._outgoing.served(routes)
        for line in self.journal.complete(now):
            self._listener.line(line)
        self._look_later()

    def _look_later(self) -> None:
        due = self.journal.due()
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, due - time.monotonic()), self._look)
