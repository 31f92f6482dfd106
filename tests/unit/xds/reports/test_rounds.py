"""When everything is looked at: by whoever begins to lead, after the time that was given, and whenever somebody asks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from math import inf

from tests.waiting import wait_until
from xds.reports.queue import Name
from xds.reports.rounds import Rounds


class World:
    """Looks put one name more each; `until` is what a look gives back."""

    def __init__(self) -> None:
        self.leads, self.until, self.looks, self.done = True, inf, 0, list[Name]()
        self.rounds = Rounds(lambda: self.leads, asyncio.get_running_loop().time)
        self.during, self.failing = lambda: None, 0

    async def everything(self) -> float:
        self.looks += 1
        self.rounds.put([("One", str(self.looks))])
        self.during()
        return self.until

    async def work(self, name: Name) -> bool:
        self.done.append(name)
        return len(self.done) > self.failing


@contextlib.asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    task = asyncio.create_task(world.rounds.run(world.work, world.everything))
    yield world
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_everything_is_looked_at_once_when_it_needs_no_second_look() -> None:
    async with running(World()) as world:
        await wait_until(lambda: world.done == [("One", "1")])
        world.rounds.put([("Another", "x")])
        await wait_until(lambda: ("Another", "x") in world.done)
        assert world.looks == 1


async def test_who_does_not_lead_looks_at_nothing_and_who_begins_to_lead_at_everything() -> None:
    world = World()
    world.leads = False
    async with running(world):
        world.rounds.put([("Another", "x")])
        await asyncio.sleep(0)
        assert (world.looks, world.done) == (0, [])
        world.leads = True
        await wait_until(lambda: world.looks == 1 and len(world.done) == 2)


async def test_look_that_is_asked_for_while_one_goes_on_is_not_lost() -> None:
    world = World()
    world.during = lambda: world.rounds.look() if world.looks == 1 else None
    async with running(world):
        await wait_until(lambda: world.done == [("One", "1"), ("One", "2")])


async def test_everything_is_looked_at_again_after_the_time_that_the_look_gave() -> None:
    world = World()
    world.until = 0.01
    async with running(world):
        await wait_until(lambda: world.looks >= 3)


async def test_what_failed_is_counted_and_tried_again_until_it_is_done() -> None:
    world = World()
    world.failing = 1
    async with running(world):
        await wait_until(lambda: world.done == [("One", "1"), ("One", "1")])
    assert world.rounds.counts.failed == 1
    assert (len(world.rounds.queue), world.rounds.queue._failures) == (0, {})
