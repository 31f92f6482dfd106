"""What is gone and not let go yet."""

from __future__ import annotations

from xds.sources.kube.holding import HOLD, Holding

TEN = {f"default/{number}" for number in range(10)}
SIX = set(sorted(TEN)[:6])


def test_half_of_a_kind_may_go_at_once() -> None:
    five = set(sorted(TEN)[:5])
    assert Holding().relisted(five, len(TEN), 0.0) == five


def test_more_than_half_of_a_kind_is_held_for_five_minutes() -> None:
    holding = Holding()
    assert holding.relisted(SIX, len(TEN), 0.0) == set()
    assert holding.expired(HOLD - 1) == []
    assert set(holding.expired(HOLD)) == SIX
    assert holding.due() is None


def test_few_objects_go_although_they_are_all_there_are() -> None:
    assert Holding().relisted({"a", "b"}, 2, 0.0) == {"a", "b"}


def test_kind_that_vanishes_is_held_however_small_it_is() -> None:
    holding = Holding()
    assert holding.vanished({"a"}, 0.0) == set()
    assert holding.due() == HOLD


def test_what_is_held_stays_held_over_another_list_until_its_own_time() -> None:
    holding = Holding()
    holding.relisted(SIX, len(TEN), 0.0)
    assert holding.relisted(SIX, len(TEN), 100.0) == set()
    assert holding.due() == HOLD


def test_what_returns_is_held_no_longer() -> None:
    holding = Holding()
    holding.vanished({"a", "b"}, 0.0)
    holding.returned("a")
    assert holding.expired(HOLD) == ["b"]


def test_nothing_is_held_where_mass_deletion_is_allowed() -> None:
    assert Holding(hold=0.0).relisted(SIX, len(TEN), 0.0) == SIX
