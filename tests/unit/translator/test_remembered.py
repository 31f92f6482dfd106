"""Claims about what the engine keeps of a group: rows stay sorted, readers are each named once, in whatever form they are held."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translator.remembered import FEW, NO_ROWS, ROW, Answer, Entry, Group, Store
from translator.table import Table

TABLE = Table[str, int]("Table")


def group() -> Group:
    return Store(TABLE, output=False)["k"]


def entry(of: Group, number: int) -> Entry:
    return (None, 0, "k", number, f"row {number}", of)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=30))
def test_rows_stay_sorted_whatever_comes_and_goes(moves: list[tuple[bool, int]]) -> None:
    one, wanted = group(), set[int]()
    for comes, number in moves:
        if comes and number not in wanted:
            one.put(entry(one, number))
            wanted.add(number)
        elif not comes and number in wanted:
            one.take(entry(one, number))
            wanted.remove(number)
        assert [each[ROW] for each in one.entries()] == [f"row {each}" for each in sorted(wanted)]
        assert one.first() == (f"row {min(wanted)}" if wanted else None)
        assert bool(one.rows) == bool(wanted)
        assert NO_ROWS == []


def test_one_row_stands_by_itself_also_after_others_went() -> None:
    one = group()
    for number in (2, 1, 3):
        one.put(entry(one, number))
    one.take(entry(one, 1))
    one.take(entry(one, 3))
    assert one.rows == entry(one, 2)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, FEW + 3)), max_size=40))
def test_each_reader_is_named_once_however_often_it_reads(moves: list[tuple[bool, int]]) -> None:
    one, answers = group(), [Answer(0, number) for number in range(FEW + 4)]
    one.put(entry(one, 0))  # so that it stays when nobody reads it
    wanted = set[int]()
    for reads, number in moves:
        if reads:
            one.read_by(answers[number])
            wanted.add(number)
        elif number in wanted:
            one.left_by(answers[number])
            wanted.remove(number)
        assert sorted(each.key for each in one.each_reader()) == sorted(wanted)
        assert bool(one.readers) == bool(wanted)


@pytest.mark.parametrize("many", [1, FEW, FEW + 1])
def test_a_group_without_rows_is_gone_with_its_last_reader(many: int) -> None:
    store = Store(TABLE, output=False)
    one, answers = store["k"], [Answer(0, number) for number in range(many)]
    for each in answers:
        one.read_by(each)
    for each in answers:
        assert "k" in store
        one.left_by(each)
    assert "k" not in store


def test_no_dictionary_is_made_for_a_few_readers() -> None:
    one, forms = group(), list[type[Any]]()
    for number in range(FEW + 1):
        one.read_by(Answer(0, number))
        forms.append(type(one.readers))
    assert forms == [Answer, *[tuple] * (FEW - 1), dict]
    assert sys.getsizeof((None,) * FEW) < sys.getsizeof({None: None})
