"""Each object once, and never in a hot loop."""

from __future__ import annotations

import pytest

from xds.reports.queue import BACKOFF, GAP, LONGEST_GAP, Queue

A, B = ("Gateway", "default/a"), ("Gateway", "default/b")


def test_many_changes_are_one_write() -> None:
    queue = Queue()
    for moment in range(1000):
        queue.put(A, moment / 1000)
    assert queue.take(1.0, 10) == [A]
    assert len(queue) == 0


def test_object_is_not_written_again_within_the_gap() -> None:
    queue = Queue()
    queue.wrote(A, 0.0)
    queue.put(A, 0.05)
    assert (queue.take(0.07, 10), queue.due()) == ([], GAP)
    assert queue.take(GAP, 10) == [A]


def test_object_that_goes_on_changing_is_written_less_and_less_and_then_often_again() -> None:
    queue, now, gaps = Queue(), 0.0, []
    for _ in range(12):
        queue.wrote(A, now)
        queue.put(A, now)
        due = queue.due()
        assert due is not None
        gaps.append(due - now)
        now = due
        assert queue.take(now, 1) == [A]
    assert gaps[0] == pytest.approx(GAP)
    assert gaps == sorted(gaps)
    assert gaps[-1] == pytest.approx(LONGEST_GAP)
    assert sum(gap < LONGEST_GAP - 0.01 for gap in gaps) < 8
    queue.wrote(A, now + 60)
    queue.put(A, now + 60)
    assert queue.due() == pytest.approx(now + 60 + GAP)


def test_few_are_taken_at_a_time() -> None:
    queue = Queue()
    queue.put(B, 0.0)
    queue.put(A, 0.0)
    assert (queue.take(0.0, 1), queue.take(0.0, 1), queue.due()) == ([A], [B], None)


def test_news_and_what_has_waited_longest_have_turns() -> None:
    queue = Queue()
    names = [("HTTPRoute", f"default/r{number}") for number in range(6)]
    for one in names:
        queue.put(one, 0.0)
    taken = [queue.take(0.0, 1)[0] for _ in names]
    assert taken == [names[place] for place in (5, 0, 4, 1, 3, 2)]


def test_object_of_which_more_will_be_known_waits_for_it_and_not_for_ever() -> None:
    queue = Queue()
    queue.put(A, 0.0, patience=2.0)
    assert (queue.take(1.9, 1), queue.due()) == ([], 2.0)
    queue.put(A, 1.0, patience=2.0)
    assert queue.due() == pytest.approx(2.0), "it is not put off again"
    queue.put(A, 1.5)
    assert queue.take(1.5, 1) == [A]


def test_object_that_changed_while_it_was_written_keeps_the_gap() -> None:
    queue = Queue()
    queue.put(A, 0.0)
    queue.take(0.0, 1)
    queue.put(A, 0.1)
    queue.wrote(A, 0.2)
    assert queue.due() == pytest.approx(0.2 + GAP)


def test_failures_wait_longer_each_time_and_a_change_tries_at_once() -> None:
    queue, now, gaps = Queue(), 0.0, []
    for _ in range(10):
        queue.failed(A, now)
        due = queue.due()
        assert due is not None
        gaps.append(due - now)
        now = due
        assert queue.take(now, 1) == [A]
    assert (gaps[0], gaps[-1]) == BACKOFF
    queue.failed(A, now)
    queue.put(A, now)
    assert queue.take(now, 1) == [A]


def test_change_that_came_while_a_write_failed_is_not_delayed() -> None:
    queue = Queue()
    queue.put(A, 0.0)
    queue.take(0.0, 1)
    queue.put(A, 0.1)
    queue.failed(A, 0.2)
    assert queue.due() == pytest.approx(0.1)


def test_what_is_remembered_follows_what_is_written_and_not_what_ever_was() -> None:
    queue, sizes = Queue(), list[int]()
    for number in range(10_000):
        name, now = ("HTTPRoute", f"shop/r{number}"), number * 0.01
        queue.put(name, now)
        assert queue.take(now, 1) == [name]
        queue.failed(name, now)
        queue.put(name, now)
        queue.take(now, 1)
        queue.wrote(name, now)
        sizes.append(len(queue._last) + len(queue._failures) + len(queue._due))
    assert max(sizes) <= 2 * LONGEST_GAP / 0.01 + 1
    queue.wrote(A, 10_000.0)
    assert list(queue._last) == [A]
