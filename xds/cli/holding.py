"""Whether the tunnels of `sandbox connect` are there: looked at once a second, said when it changes, told to a cluster while it is so."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import aiohttp

from xds.bootstrap import split
from xds.cli.output import say
from xds.laptops.heartbeat import Heart

TUNNELS, MADE, BUSY = (f"http.tunnel.downstream_{name}" for name in ("cx_active", "cx_total", "rq_active"))
GATEWAYS = "cluster.gateway.membership_total"
STATE = f"/stats?filter={TUNNELS}|{MADE}|{BUSY}|{GATEWAYS}&usedonly"
ASK = 10.0  # seconds until gateways are asked again of which none has said how many workers it has
LOOK = 1.0  # seconds between two looks whether the tunnel is there
PATIENCE = 5.0  # seconds without a tunnel, after which another Envoy is tried where one should be possible; twice as long each time


class Seen(NamedTuple):
    """Of an Envoy: over how many connections that it made requests can come, how many there are to be, how many it has made so far,
    and how many requests are on their way.
    """

    there: int = 0
    places: int = 0
    made: int = 0
    busy: int = 0

    @property
    def whole(self) -> bool:
        return 0 < self.places <= self.there


@dataclass(frozen=True, slots=True)
class At:
    """An Envoy by its admin port, and how many tunnels it makes to each gateway."""

    admin: str
    tunnels: int


@dataclass
class Watch:
    """Over all lives of the laptop's Envoy. `what` is connected to `reach`; `ask` says how many workers a gateway has, or 0."""

    what: str
    reach: tuple[str, ...]
    heart: Heart | None
    ask: Callable[[], Awaitable[int]]
    _before: tuple[int, int] | None = None
    _problem: str = ""
    _tries: int = 0  # Envoys in vain
    _due: float = 0.0  # when gateways are asked

    async def until_stuck(self, at: At) -> bool:
        """Until another Envoy is wanted: in place of this one, or (true) beside it until that has its tunnels.

        In place: there has been no tunnel for a while, though somebody listens where one is to end. Envoy waits longer after each dial
        in vain, half a minute in the end; a new one dials at once. Beside: a tunnel came again, or there are too few of them, and so
        perhaps a worker has none.
        """
        clock = asyncio.get_running_loop().time
        since = clock()
        async with aiohttp.ClientSession() as session:
            while True:
                now = await self._look(session, at)
                if now.there:
                    since, self._tries = clock(), 0
                    await self._beat(since)
                    if (now.whole and now.made > now.there) or await self._too_few(at, since):
                        return True
                elif clock() - since > PATIENCE * 2 ** min(self._tries, 4) and await listened_to(self.reach):
                    self._tries += 1
                    return False
                await asyncio.sleep(LOOK)

    async def _too_few(self, at: At, now: float) -> bool:
        """Gateways are asked when tunnels have come or gone, until one answers."""
        if now < self._due:
            return False
        workers = await self.ask()
        self._due = math.inf if workers else now + ASK
        return workers > at.tunnels

    async def _look(self, session: aiohttp.ClientSession, at: At) -> Seen:
        now = await look(session, at)
        if now is None:
            return Seen(*(self._before or ()))
        if now[:2] != self._before:
            say(self.said(*now[:2]))
            if self.heart and not now.there:
                self.heart.since = ""  # what comes next is another connection
            self._before, self._due = now[:2], 0.0
        return now

    async def _beat(self, now: float) -> None:
        if self.heart is None:
            return
        found = await self.heart.beat(now, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        if found and found != self._problem:
            say(f"✗ the cluster does not hear of it: {found}")
        self._problem = found or self._problem

    def said(self, there: int, places: int) -> str:
        if not there:
            return f"… no tunnel to {', '.join(self.reach)}: the baseline answers until there is one"
        few = f", over {there} of {places} tunnels: the baseline answers where there is none" if there < places else ""
        return f"✓ connected: {self.what} here{few}"


async def until(at: At, wanted: Callable[[Seen], bool]) -> None:
    """Until an Envoy is seen to be so."""
    async with aiohttp.ClientSession() as session:
        while not ((now := await look(session, at)) and wanted(now)):  # noqa: ASYNC110 - Envoy tells no other way
            await asyncio.sleep(LOOK)


async def look(session: aiohttp.ClientSession, at: At) -> Seen | None:
    """None where it does not answer."""
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with session.get(f"http://{at.admin}{STATE}") as answer:
            return seen(await answer.text(), at.tunnels)
    return None


def seen(stats: str, tunnels: int) -> Seen:
    found = dict(line.split(": ", 1) for line in stats.splitlines() if ": " in line)
    there, made, busy, gateways = (int(found.get(name, 0)) for name in (TUNNELS, MADE, BUSY, GATEWAYS))
    return Seen(there, tunnels * gateways, made, busy)


async def listened_to(places: tuple[str, ...]) -> bool:
    """Whether a connection can be made to one of them."""
    for host, port in map(split, places):
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(LOOK):
                _, writer = await asyncio.open_connection(host, port)
            writer.close()
            return True
    return False
