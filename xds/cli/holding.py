"""Whether the tunnels of `sandbox connect` are there: looked at once a second, said when it changes, told to a cluster while it is so."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp

from xds.bootstrap import split
from xds.cli.output import say
from xds.laptops.heartbeat import Heart
from xds.laptops.tunnel import WORKERS

STATE = "/stats?filter=http.tunnel.downstream_cx_active|cluster.gateway.membership_total&usedonly"
LOOK = 1.0  # seconds between two looks whether the tunnel is there
PATIENCE = 5.0  # seconds without a tunnel, after which another Envoy is tried where one should be possible; twice as long each time


@dataclass
class Watch:
    """Over all lives of the laptop's Envoy. `what` is connected to `reach`."""

    what: str
    reach: tuple[str, ...]
    heart: Heart | None
    _before: tuple[int, int] | None = None
    _problem: str = ""
    _tries: int = 0  # Envoys in vain

    async def until_stuck(self, admin: str) -> None:
        """Until there has been no tunnel for a while, though somebody listens where one is to end.

        Envoy waits longer after each dial in vain, half a minute in the end; a new one dials at once.
        """
        clock = asyncio.get_running_loop().time
        since = clock()
        async with aiohttp.ClientSession() as session:
            while True:
                now = await self._look(session, admin)
                if now and now[0]:
                    since, self._tries = clock(), 0
                    await self._beat(since)
                elif clock() - since > PATIENCE * 2 ** min(self._tries, 4) and await listened_to(self.reach):
                    self._tries += 1
                    return
                await asyncio.sleep(LOOK)

    async def _look(self, session: aiohttp.ClientSession, admin: str) -> tuple[int, int] | None:
        now = self._before
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(f"http://{admin}{STATE}") as answer:
                now = tunnels_of(await answer.text())
        if now and now != self._before:
            say(self.said(*now))
            if self.heart and not now[0]:
                self.heart.since = ""  # what comes next is another connection
            self._before = now
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


def tunnels_of(stats: str) -> tuple[int, int]:
    """Over how many connections that we made requests can come, and how many there are to be: some to each gateway."""
    found = dict(line.split(": ", 1) for line in stats.splitlines() if ": " in line)
    return int(found.get("http.tunnel.downstream_cx_active", 0)), WORKERS * int(found.get("cluster.gateway.membership_total", 0))


async def listened_to(places: tuple[str, ...]) -> bool:
    """Whether a connection can be made to one of them."""
    for host, port in map(split, places):
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(LOOK):
                _, writer = await asyncio.open_connection(host, port)
            writer.close()
            return True
    return False
