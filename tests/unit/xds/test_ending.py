"""Claims about waking when the time of an object is over."""

from __future__ import annotations

from tests.waiting import wait_until
from translator.ir.life import Life
from translator.ir.tables import OUT_LIFE
from xds.ending import Ending
from xds.lives import Key

ALICE: Key = ("Sandbox", "shop/alice")


async def test_it_wakes_when_the_next_is_over_and_says_which_life() -> None:
    said: list[tuple[Key, str | None]] = []
    ending = Ending(lambda: 1000.0, lambda key, mark: said.append((key, mark)))
    ending.settled({(OUT_LIFE, ALICE): Life(0, "", "m")})
    await wait_until(lambda: said == [(ALICE, "m")])
    ending.settled({(OUT_LIFE, ALICE): None})
    assert said[1:] == [(ALICE, None)]
    ending.stop()


async def test_clock_that_was_set_forward_ends_a_life_at_the_next_look() -> None:
    now, said = [1000.0], []
    ending = Ending(lambda: now[0], lambda key, _: said.append(key))
    ending.settled({(OUT_LIFE, ALICE): Life(600, "", "m")})
    now[0] = 2000.0
    ending.settled({})
    await wait_until(lambda: said == [ALICE])
    ending.stop()
