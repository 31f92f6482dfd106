"""The Envoys of `sandbox connect`, one after the other, and two while one takes over from another. Knows no options and no output."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from xds.cli.holding import PATIENCE, At, Watch, until
from xds.dataplane import Envoy, NoEnvoyError
from xds.laptops.tunnel import WORKERS, Laptop, laptop

GRACE = 30.0  # seconds that requests on their way over tunnels that are given up have at most


class Life:
    """One Envoy, by a name of its own at the gateways."""

    def __init__(self, of: Laptop, program: Path) -> None:
        self._tunnels = of.tunnels
        self._home = tempfile.TemporaryDirectory(prefix="pointsman-")
        self.envoy = Envoy(laptop(of), Path(self._home.name), program, workers=1)

    @property
    def at(self) -> At:
        return At(self.envoy.admin, self._tunnels)

    async def stop(self) -> None:
        await self.envoy.stop()
        self._home.cleanup()


@dataclass
class Lives:
    """Of the laptop that `of` describes; its node and the number of its tunnels are filled in for each."""

    of: Laptop
    program: Path
    watch: Watch
    over: asyncio.Event
    _leaving: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Until `over`. Raises NoEnvoyError if one does not start, or ends by itself."""
        before: Life | None = None
        try:
            while not self.over.is_set():
                life, old = await self._begun(before), before
                before = life
                if old:
                    await self._taken_over(old, life)
                if not await self._lived(life):
                    before = None
                    await life.stop()
        finally:
            self.over.set()
            await asyncio.gather(*self._leaving, *([before.stop()] if before else []))

    async def _begun(self, before: Life | None) -> Life:
        """As many tunnels as it is told there are workers; where nobody says so, as before."""
        tunnels = await self.watch.ask() or (before.at.tunnels if before else WORKERS)
        life = Life(replace(self.of, node=secrets.token_hex(8), tunnels=tunnels), self.program)
        try:
            await life.envoy.start()
        except BaseException:
            await asyncio.gather(life.stop(), *([before.stop()] if before else []))
            raise
        return life

    async def _taken_over(self, old: Life, new: Life) -> None:
        """The old one goes when the new one has its tunnels, and it no request on its way."""
        await self._within(PATIENCE, new.at, whole=True)
        self._leaving.add(asyncio.create_task(self._left(old)))

    async def _left(self, old: Life) -> None:
        await self._within(GRACE, old.at, whole=False)
        await old.stop()

    async def _within(self, seconds: float, at: At, *, whole: bool) -> None:
        looking = asyncio.create_task(until(at, (lambda now: now.whole) if whole else (lambda now: not now.busy)))
        await self._first(looking, asyncio.create_task(self.over.wait()), seconds=seconds)

    async def _lived(self, life: Life) -> bool:
        """Whether it is to go on until another has taken over. Raises NoEnvoyError if it ends by itself."""
        ended = asyncio.create_task(life.envoy.ended())
        stuck = asyncio.create_task(self.watch.until_stuck(life.at))
        await self._first(ended, stuck, asyncio.create_task(self.over.wait()))
        if not ended.cancelled():
            raise NoEnvoyError(ended.result())
        return not stuck.cancelled() and stuck.result() and not self.over.is_set()

    async def _first(self, *tasks: asyncio.Task[object], seconds: float | None = None) -> None:
        """Until one of them is done; then none of the others goes on."""
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=seconds)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
