"""A Kubernetes API server as a source: a task for each kind that moves bytes between the transport and its reflector.

Objects that are taken in on demand wait for the rest: only translation knows what is referred to. So there are two first
updates, and the second one says that it is `final`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from typing import Any, TypeVar

import aiohttp

from translator.ir.finding import Finding
from translator.resources.crd import GROUP
from translator.resources.meta import Object
from xds import crds
from xds.sources.folder import Located, Name
from xds.sources.interface import Health, Update
from xds.sources.kube import signadot
from xds.sources.kube import transport as wire
from xds.sources.kube.access import loader
from xds.sources.kube.arrivals import Arrivals
from xds.sources.kube.groups import Groups
from xds.sources.kube.holding import HOLD
from xds.sources.kube.kinds import Watched, watched
from xds.sources.kube.notices import NOWHERE, findings, health
from xds.sources.kube.reflector import Reflector, Request, Wait
from xds.sources.kube.signadot import Signadot
from xds.sources.kube.signadot import kinds as signadots
from xds.sources.kube.transport import Broken, Transport
from xds.store import Change

LOOK = 1.0  # seconds between looks at what only time brings about
RETRY = 1.0  # seconds until a question that had no answer is asked again
ERROR_BODY = 5.0  # seconds that the body of a refusal may take
T = TypeVar("T")
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"


def kube(
    kubeconfig: str | None, context: str | None, *, allow_mass_deletion: bool = False, groups: tuple[str, ...] = (GROUP,),
    signadot: bool = False,
) -> Kube:  # fmt: skip
    """Everything that the translator takes in, from the cluster that the configuration leads to; Sandboxes from these groups, and where
    it is wanted what routes of Signadot stand for.
    """
    kinds = (*watched(crds.shipped(), groups), *(signadots() if signadot else ()))
    hold = 0.0 if allow_mass_deletion else HOLD
    return Kube(Transport(loader(kubeconfig, context)), kinds, time.monotonic, random.random, hold=hold)


class Kube:
    def __init__(
        self, transport: Transport, kinds: Iterable[Watched], clock: Callable[[], float], chance: Callable[[], float], **limits: float
    ) -> None:
        """`limits` go to the reflectors: `hold` in seconds."""
        self.transport, self._clock = transport, clock
        self.reflectors = {kind.known: Reflector(kind, chance, **limits) for kind in kinds}
        self._arrivals = Arrivals(self.reflectors)
        self._groups = Groups(self.reflectors.values())
        self._signadot = Signadot(self.reflectors)
        self._moved, self._asked = asyncio.Event(), asyncio.Event()
        self._wake = {name: asyncio.Event() for name in self.reflectors}
        self._tasks: list[asyncio.Task[None]] = []
        self._told: list[Located] = []

    async def open(self) -> None:
        await self.transport.access()

    # For the app -------------------------------------------------------------------------------------------------------

    async def updates(self) -> AsyncGenerator[Update, None]:
        """First everything that is not on demand, then what is, then each difference, without end."""
        self._tasks = [asyncio.create_task(self._follow(one)) for one in self.reflectors.values()]
        self._tasks.append(asyncio.create_task(self._answer()))
        eager = [one for one in self.reflectors.values() if one.wanted is None]
        try:
            async for update in self._synced(eager, final=False):
                yield update
            async for update in self._synced(list(self.reflectors.values()), final=True):
                yield update
            while True:
                await self._next()
                if (update := self._difference()).changes or update.findings != self._told:
                    self._told = update.findings
                    yield update
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self.transport.close()

    async def _synced(self, those: list[Reflector], *, final: bool) -> AsyncIterator[Update]:
        """What is wrong until all of these are synced, and then all they hold. Nothing is told of a part of it."""
        while not all(one.synced for one in those):
            self._told = self._findings(self._clock())
            yield Update([], self._told, final=False)
            await self._next()
        now = self._clock()
        changes, self._told = self._taken(now), self._findings(now)
        self._arrivals.first(changes, now)
        yield Update(changes, self._told, final=final)

    def _difference(self) -> Update:
        now = self._clock()
        return Update(self._arrivals.told(self._taken(now), now), self._findings(now))

    def _taken(self, now: float) -> list[Change]:
        taken = [each for one in self.reflectors.values() for change in one.take(now) for each in self._groups.counting(one, change)]
        return self._signadot.adapted(taken)

    def _findings(self, now: float) -> list[Located]:
        of_rights = (Located("", NOWHERE, one) for one in self.transport.rights.findings())
        hidden = (Located("", NOWHERE, one) for one in (*self._groups.hidden(), *self._signadot.findings))
        return [*findings(self.reflectors.values(), now), *hidden, *of_rights]

    async def _next(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(
                min(LOOK, due - self._clock()) if (due := self._arrivals.due) is not None else LOOK
            ):  # not wait_for, which may swallow a cancellation before 3.12
                await self._moved.wait()
        self._moved.clear()
        for task in self._tasks:
            if task.done():
                task.result()  # a bug of ours ends the source, and is not passed over

    def want(self, names: Iterable[Name]) -> None:
        """Something refers to these now."""
        for kind, key in names:
            if one := self.reflectors.get(kind):
                one.want((key,))
                self._wake[kind].set()
        self._asked.set()

    def release(self, names: Iterable[Name]) -> None:
        """Nothing refers to these any more."""
        for kind, key in names:
            if one := self.reflectors.get(kind):
                one.release((key,))
        self._moved.set()

    @property
    def holder(self) -> Kube:
        return self

    async def ask(self, question: Callable[..., T], *args: object) -> T:
        """All of it lives on the loop, so it is never in between two states."""
        return question(*args)

    def placed(self, found: list[Located], translation: list[Finding]) -> list[Located]:
        """The source's own findings and those of translation. Objects of a cluster stand in no file."""
        both = [*found, *(Located("", NOWHERE, one) for one in translation)]
        return sorted(both, key=lambda one: (one.finding.kind, one.finding.key, one.finding.code))

    def objects(self) -> dict[Name, Object]:
        found = dict(self._signadot.made)
        for one in (each for each in self.reflectors.values() if each.kind.name not in signadot.OURS):
            for key, held in one.held.objects.items():
                found.setdefault((one.kind.name, key), held)
        return found

    def document(self, kind: str, key: str) -> dict[str, Any] | None:
        """An object in plain values, as far as it is kept."""
        one = self._groups.holder(kind, key) or self.reflectors[kind]
        held = one.held.objects.get(key)
        return one.kind.document(held) if held is not None else None

    def health(self) -> list[Health]:
        return health(self.reflectors.values(), self._clock())

    # Tasks -------------------------------------------------------------------------------------------------------------

    async def _follow(self, one: Reflector) -> None:
        while True:
            match one.request(self._clock()):
                case Wait(until=until):
                    await self._pause(self._wake[one.kind.known], until)
                case Request() as request:
                    try:
                        async with self.transport.get(request.path, request.query) as response:
                            await self._read(one, request, response)
                    except Broken as error:
                        one.failed(words(error), self._clock())
            self._look(one)

    async def _pause(self, wake: asyncio.Event, until: float | None) -> None:
        wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if until is None else max(0.0, until - self._clock())):
                await wake.wait()

    async def _read(self, one: Reflector, request: Request, response: aiohttp.ClientResponse) -> None:
        if response.status != 200:
            async with asyncio.timeout(ERROR_BODY):
                body = await response.read()
            one.refused(response.status, body, wire.retry_after(response), self._clock())
            return
        one.accepted(self._clock())
        pieces: list[bytes] = []
        while one.reading:
            try:
                async with asyncio.timeout(one.patience(self._clock())):
                    chunk = await response.content.readany()
            except TimeoutError:
                one.silent(self._clock())
                return
            if not request.streams and chunk:
                pieces.append(chunk)
            elif not request.streams:
                one.page(b"".join(pieces), self._clock())
            elif chunk:
                one.feed(chunk, self._clock())
                self._look(one)
                await asyncio.sleep(0)  # where much is waiting, others have their turn between two chunks
            else:
                one.ended(self._clock())

    def _look(self, one: Reflector) -> None:
        self._moved.set()
        if one.inquiring:
            self._asked.set()

    async def _answer(self) -> None:
        """Ask what reflectors cannot learn from a watch: whether a definition is going, and objects that are wanted of late."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            with contextlib.suppress(*Broken):
                for one in self.reflectors.values():
                    await self._doubt(one)
                    await self._lack(one)
            if any(one.inquiring for one in self.reflectors.values()):
                asyncio.get_running_loop().call_later(RETRY, self._asked.set)
            self._moved.set()

    async def _doubt(self, one: Reflector) -> None:
        if keys := one.doubted():
            answer = await self.transport.call("GET", CRD + one.kind.crd, accept=wire.METADATA)
            going = answer.status == 404 or (answer.status == 200 and "deletionTimestamp" in answer.json()["metadata"])
            one.believe(keys, self._clock(), going=going)

    async def _lack(self, one: Reflector) -> None:
        keys = one.lacking()
        try:
            while keys:
                answer = await self.transport.call("GET", one.path(keys[0]))
                one.single(keys.pop(0), answer.status, answer.body)
        finally:
            for key in keys:
                one.single(key, 0, b"")


def words(error: Exception) -> str:
    """Why, in words that are the same each time."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return "the certificate of the API server is not signed by the authority of the configuration"
        case aiohttp.ClientConnectorError():
            return f"cannot connect to {error.host}:{error.port}: {error.os_error.strerror or error.os_error}"
        case TimeoutError():
            return "no answer in time"
        case _:
            return str(error) or type(error).__name__
