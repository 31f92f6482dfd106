"""Claims about the engine alone: tables, rules, order, waves, failures, provenance, and its laws on a small program."""

from __future__ import annotations

import gc
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translator.engine import Engine, Facts, OrderError, Table, View, rule

A, B, C = Table[str, int]("A"), Table[str, int]("B"), Table[str, int]("C")


@rule(over=A, into=(B,))
def copy(view: View, key: str) -> Facts:
    yield B(key, view.one(A, key))


def test_a_cycle_is_refused_when_the_engine_is_made() -> None:
    @rule(over=B, into=(A,))
    def back(view: View, key: str) -> Facts:
        yield A(key, view.one(B, key))

    with pytest.raises(OrderError):
        Engine((A,), (copy, back), ())


def test_reading_an_unfinished_table_is_refused() -> None:
    @rule(over=A, into=(B,))
    def early(view: View, key: str) -> Facts:
        yield B(key, view.count(C, key))

    @rule(over=A, into=(C,))
    def late(view: View, key: str) -> Facts:
        yield C(key, 1)

    with pytest.raises(OrderError):
        Engine((A,), (early, late), ()).apply([(A, "k", 1)])


def test_writing_a_table_without_saying_so_is_refused() -> None:
    @rule(over=A, into=(B,))
    def sly(view: View, key: str) -> Facts:
        yield C(key, 1)

    @rule(over=A, into=(C,))
    def honest(view: View, key: str) -> Facts:
        yield C(key, 1)

    with pytest.raises(OrderError):
        Engine((A,), (sly, honest), ()).apply([(A, "k", 1)])


@rule(over=A, into=(B,))
def inverse(view: View, key: str) -> Facts:
    yield B(key, 10 // view.one(A, key))


def test_a_rule_that_raises_loses_its_own_key_only_and_recovers() -> None:
    engine = Engine((A,), (inverse,), (B,))
    assert engine.apply([(A, "bad", 0), (A, "good", 5)]) == {(B, "good"): 2}
    assert list(engine.failures) == [("inverse", "bad")]
    assert engine.apply([(A, "bad", 2)]) == {(B, "bad"): 5}
    assert not engine.failures


def test_a_failure_is_forgotten_with_its_key() -> None:
    engine = Engine((A,), (inverse,), (B,))
    engine.apply([(A, "bad", 0)])
    engine.apply([(A, "bad", None)])
    assert engine.failures == {}
    assert engine.empty


def test_two_rows_under_one_key_of_an_output_are_a_failure_until_one_is_gone() -> None:
    @rule(over=A, into=(C,))
    def all_to_one(view: View, key: str) -> Facts:
        yield C("one", view.one(A, key))

    engine = Engine((A,), (all_to_one,), (C,))
    engine.apply([(A, "x", 1), (A, "y", 2)])
    assert list(engine.failures) == [("output C", "one")]
    assert engine.apply([(A, "x", None)]) == {(C, "one"): 2}
    assert engine.failures == {}


def test_settled_tells_what_differs_since_it_was_last_asked() -> None:
    engine = Engine((A,), (copy,), (B,))
    engine.apply([(A, "x", 1), (A, "y", 1)])
    for batch in ([(A, "x", 2), (A, "y", 2)], [(A, "x", 1), (A, "y", 3)]):
        for _ in engine.steps(batch):
            pass
    assert engine.settled() == {(B, "y"): 3}


def test_outputs_of_a_large_batch_can_be_taken_in_pieces() -> None:
    engine = Engine((A,), (copy,), (B,))
    for _ in engine.steps([(A, name, 1) for name in "vwxyz"]):
        pass
    pieces = []
    while engine.unsettled:
        pieces.append(engine.settled(2))
    assert [len(piece) for piece in pieces] == [2, 2, 1]
    assert {key for piece in pieces for _, key in piece} == set("vwxyz")


def test_what_is_born_and_dies_in_one_batch_is_not_reported() -> None:
    engine = Engine((A,), (copy,), (B,))
    assert engine.apply([(A, "x", 1), (A, "x", None)]) == {}
    assert engine.empty


def test_an_equal_answer_stops_the_wave() -> None:
    @rule(over=A, into=(B,))
    def parity(view: View, key: str) -> Facts:
        yield B(key, view.one(A, key) % 2 + 1)

    @rule(over=B, into=(C,))
    def onward(view: View, key: str) -> Facts:
        yield C(key, view.one(B, key))

    engine = Engine((A,), (parity, onward), (C,))
    engine.apply([(A, "k", 1)])
    runs = engine.runs
    assert engine.apply([(A, "k", 3)]) == {}
    assert engine.runs == runs + 1


def test_the_same_input_again_runs_nothing() -> None:
    engine = Engine((A,), (copy,), (B,))
    engine.apply([(A, "k", 1)])
    runs = engine.runs
    engine.apply([(A, "k", 1)])
    assert engine.runs == runs


def test_why_names_what_was_asked_and_not_found() -> None:
    @rule(over=A, into=(C,))
    def lookup(view: View, key: str) -> Facts:
        yield C(key, view.get(B, "absent") or 0)

    engine = Engine((A, B), (lookup,), (C,))
    engine.apply([(A, "k", 1)])
    (origin,) = engine.why(C, "k")
    assert (origin.rule, origin.over, origin.asked) == ("lookup", (A, "k"), ((B, "absent"),))
    assert engine.sources(C, "k") == {(A, "k")}


# A program with a join, a grouping by a derived value, a declared order and a count -------------------------------------

ITEM = Table[str, tuple[str, int]]("Item")  # which owner, how heavy
OWNER = Table[str, str]("Owner")  # colour
BY_OWNER = Table[str, int]("ByOwner", order=lambda weight: -weight)
BY_COLOUR = Table[str, str]("ByColour", order=lambda name: name)
SUMMARY = Table[str, tuple[tuple[int, ...], str]]("Summary")
COLOURS = Table[str, int]("Colours")


@rule(over=ITEM, into=(BY_OWNER,))
def group(view: View, key: str) -> Facts:
    owner, weight = view.one(ITEM, key)
    yield BY_OWNER(owner, weight)


@rule(over=BY_OWNER, into=(SUMMARY, BY_COLOUR))
def summary(view: View, key: str) -> Facts:
    colour = view.get(OWNER, key)
    yield SUMMARY(key, (tuple(view.list(BY_OWNER, key)), colour or ""))
    if colour:
        yield BY_COLOUR(colour, key)


@rule(over=BY_COLOUR, into=(COLOURS,))
def count(view: View, key: str) -> Facts:
    yield COLOURS(key, view.count(BY_COLOUR, key))


PROGRAM = (group, summary, count)
items = st.tuples(st.just(ITEM), st.sampled_from("abcd"), st.none() | st.tuples(st.sampled_from("xyz"), st.integers(0, 2)))
owners = st.tuples(st.just(OWNER), st.sampled_from("xyz"), st.none() | st.sampled_from(["red", "blue"]))
batches = st.lists(st.lists(items | owners, max_size=5), max_size=6)


def new() -> Engine:
    return Engine((ITEM, OWNER), PROGRAM, (SUMMARY, COLOURS))


def everything(engine: Engine) -> dict[Any, Any]:
    assert engine.failures == {}
    return {table: engine.rows(table) for table in engine.tables}


def final(history: list[list[Any]]) -> list[Any]:
    return [(table, key, row) for (table, key), row in {(table, key): row for batch in history for table, key, row in batch}.items()]


@given(batches)
def test_any_history_ends_where_a_new_engine_does(history: list[list[Any]]) -> None:
    engine, known = new(), {}
    for batch in history:
        known.update(engine.apply(batch))
    scratch = new()
    assert {name: row for name, row in known.items() if row is not None} == {
        name: row for name, row in scratch.apply(final(history)).items() if row is not None
    }
    assert everything(engine) == everything(scratch)


@given(batches, st.randoms())
def test_steps_given_up_halfway_are_finished_by_the_next_batch(history: list[list[Any]], random: Any) -> None:
    engine = new()
    for batch in history:
        for taken, _ in enumerate(engine.steps(batch)):
            if taken >= len(batch) and random.random() < 0.3:
                break
    engine.apply([])
    scratch = new()
    scratch.apply(final(history))
    assert everything(engine) == everything(scratch)


@given(batches)
def test_deleting_everything_leaves_nothing(history: list[list[Any]]) -> None:
    engine = new()
    for batch in history:
        engine.apply(batch)
    engine.apply([(table, key, None) for table in (ITEM, OWNER) for key in engine.rows(table)])
    assert engine.empty


def test_edits_leave_no_garbage_for_the_collector() -> None:
    engine = new()
    engine.apply([(ITEM, str(n), ("x", n)) for n in range(50)])
    gc.collect()
    gc.disable()
    try:
        for n in range(50):
            engine.apply([(ITEM, str(n), ("y", n)), (OWNER, "x", "red" if n % 2 else "blue")])
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_what_is_to_be_asked_takes_no_room_when_all_is_done() -> None:
    engine = Engine((A,), (copy,), (B,))
    engine.apply([(A, str(number), number) for number in range(1000)])
    assert [sys.getsizeof(todo) for todo in engine._dirty] == [sys.getsizeof({})]
