"""Claims about when objects end: by a clock that the test sets."""

from __future__ import annotations

from translator.ir.life import Life
from translator.ir.tables import OUT_LIFE
from xds.lives import Lives

ALICE = ("Sandbox", "shop/alice")
NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z
AT_NOON = Life(60, "2026-01-01T12:00:00Z", "a")
FROM_NOW = Life(60, "", "b")


def test_life_ends_when_its_time_since_it_was_created_is_over() -> None:
    lives = Lives()
    lives.settled({(OUT_LIFE, ALICE): AT_NOON}, NOON + 30)
    assert (lives.due(), lives.ended(NOON + 59)) == (NOON + 60, {})
    assert lives.ended(NOON + 60) == {ALICE: "a"}
    assert (lives.due(), lives.ended(NOON + 99), lives.over) == (None, {}, {ALICE: "a"})


def test_life_without_a_beginning_begins_when_it_is_first_seen() -> None:
    lives = Lives()
    lives.settled({(OUT_LIFE, ALICE): FROM_NOW}, NOON)
    assert lives.due() == NOON + 60


def test_object_that_was_long_over_when_the_server_started_ends_at_once() -> None:
    lives = Lives()
    lives.settled({(OUT_LIFE, ALICE): AT_NOON}, NOON + 9999)
    assert lives.ended(NOON + 9999) == {ALICE: "a"}


def test_object_that_is_gone_or_lives_anew_is_over_no_more() -> None:
    for after in (None, FROM_NOW):
        lives = Lives()
        lives.settled({(OUT_LIFE, ALICE): AT_NOON}, NOON)
        lives.ended(NOON + 60)
        assert lives.settled({(OUT_LIFE, ALICE): after}, NOON + 61) == [ALICE]
        assert (lives.over, lives.due()) == ({}, NOON + 121 if after else None)


def test_same_life_told_twice_stays_over() -> None:
    lives = Lives()
    lives.settled({(OUT_LIFE, ALICE): AT_NOON}, NOON)
    lives.ended(NOON + 60)
    assert lives.settled({(OUT_LIFE, ALICE): Life(90, AT_NOON.since, "a")}, NOON + 61) == []
    assert lives.over == {ALICE: "a"}


def test_next_to_end_is_the_first_of_all() -> None:
    lives = Lives()
    lives.settled({(OUT_LIFE, ALICE): AT_NOON, (OUT_LIFE, ("RouteGroup", "shop/g")): FROM_NOW}, NOON - 30)
    assert lives.due() == NOON + 30
