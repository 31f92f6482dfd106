"""Buckets of tokens, and what identities use of theirs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xds.security.access import Identity, Limits
from xds.security.limits import Allowances, Bucket

ONE, TWO = Identity("t", "n", "s", "one"), Identity("t", "n", "s", "two")


def test_burst_is_free_and_then_each_waits_for_its_own_token() -> None:
    bucket = Bucket(10.0, 3.0, 100.0)
    assert [bucket.take(100.0) for _ in range(5)] == [0, 0, 0, pytest.approx(0.1), pytest.approx(0.2)]
    assert bucket.waiting(100.0) == 2


def test_tokens_come_back_with_time_and_no_more_than_the_burst() -> None:
    bucket = Bucket(10.0, 2.0, 0.0)
    for _ in range(2):
        bucket.take(0.0)
    assert not bucket.full(0.1)
    assert bucket.full(1000.0)
    assert [bucket.take(1000.0) for _ in range(3)][-1] == pytest.approx(0.1)


def test_clock_that_stands_still_gives_nothing() -> None:
    bucket = Bucket(10.0, 1.0, 5.0)
    bucket.take(5.0)
    assert bucket.take(4.0) == pytest.approx(0.1)


@given(st.lists(st.floats(0, 1), max_size=60))
def test_never_more_than_burst_and_rate_allow(pauses: list[float]) -> None:
    bucket, now, done = Bucket(5.0, 4.0, 0.0), 0.0, list[float]()
    for pause in pauses:
        now += pause
        done.append(now + bucket.take(now))
    for number, when in enumerate(done, start=1):
        assert number <= 4.0 + 5.0 * when + 1e-6


def test_identity_has_as_many_streams_as_its_limit_and_others_have_their_own() -> None:
    all_, limits = Allowances(), Limits(streams=2)
    assert all_.enter(ONE, limits, 0.0)
    assert all_.enter(ONE, limits, 0.0)
    assert all_.enter(ONE, limits, 0.0) is None
    assert all_.enter(TWO, limits, 0.0)
    all_.leave(ONE)
    assert all_.enter(ONE, limits, 0.0)


def test_streams_of_one_identity_share_its_requests() -> None:
    all_, limits = Allowances(), Limits(requests=1.0, burst=1.0)
    first, second = all_.enter(ONE, limits, 0.0), all_.enter(ONE, limits, 0.0)
    assert first
    assert second
    assert (first.requests.take(0.0), second.requests.take(0.0)) == (0, 1)


def test_who_is_gone_is_forgotten_but_not_before_its_bucket_is_full_again() -> None:
    all_, limits = Allowances(), Limits(requests=1.0, burst=5.0)
    one = all_.enter(ONE, limits, 0.0)
    assert one
    one.requests.take(0.0)
    all_.leave(ONE)
    all_.tidy(0.5)
    assert len(all_) == 1
    all_.tidy(1.5)
    assert len(all_) == 0
