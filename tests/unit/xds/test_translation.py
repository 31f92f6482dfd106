"""Batches become outputs, in slices that leave others their turn."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

from translator.engine import Engine, Facts, Table, View, rule
from translator.inputs import SERVICE
from translator.resources.core import Service
from translator.resources.meta import Metadata
from xds.store import Change, Store
from xds.translation import PIECE, Translation, without_collector

OUT = Table[str, str]("out")


@rule(over=SERVICE, into=(OUT,))
def name(view: View, key: str) -> Facts:
    yield OUT(key, view.one(SERVICE, key).metadata.name)


def ticking() -> Iterator[float]:
    now = 0.0
    while True:
        now += 0.001
        yield now


class World:
    def __init__(self) -> None:
        self.store, self.settled, self.outputs, self.first = Store(), 0, {}, asyncio.Event()
        clock = ticking()
        self.translation = Translation(Engine((SERVICE,), (name,), (OUT,)), self.store, self.take, lambda: next(clock))

    def take(self, settled: Any) -> None:
        self.settled += 1
        self.first.set()
        self.outputs.update({key: row for (_, key), row in settled.items()})

    def put(self, *names: str) -> None:
        self.store.put(Change("Service", one, Service(metadata=Metadata(name=one))) for one in names)


async def test_all_that_waits_is_taken_in_by_batches() -> None:
    world = World()
    world.put(*(str(number) for number in range(450)))
    await world.translation.drain()
    assert len(world.outputs) == 450
    assert world.settled == 3


async def test_the_first_build_is_one_batch_whose_outputs_are_handed_on_in_pieces() -> None:
    world = World()
    world.put(*(str(number) for number in range(2 * PIECE + 1)))
    await world.translation.build()
    assert len(world.outputs) == 2 * PIECE + 1
    assert world.settled == 3
    gc.unfreeze()


async def test_others_have_their_turn_while_a_batch_runs() -> None:
    world = World()
    world.put(*(str(number) for number in range(200)))
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await world.translation.drain()
    task.cancel()
    assert turns > 50


async def test_readers_wait_until_a_batch_is_done() -> None:
    world = World()
    world.put(*(str(number) for number in range(200)))
    task = asyncio.create_task(world.translation.drain())
    await asyncio.sleep(0)
    async with world.translation.calm:
        assert len(world.outputs) == 200
    await task


async def test_what_is_put_later_is_taken_in_when_woken() -> None:
    world = World()
    task = asyncio.create_task(world.translation.run())
    world.put("a")
    world.translation.wake()
    async with asyncio.timeout(10):
        await world.first.wait()
    task.cancel()
    assert world.outputs == {"a": "a"}


def test_the_collector_is_as_it_was_afterwards() -> None:
    assert gc.isenabled()
    with without_collector():
        assert not gc.isenabled()
        with without_collector():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
