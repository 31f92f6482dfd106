"""Bytes into lines."""

from __future__ import annotations

import random

import pytest

from xds.sources.kube import wire
from xds.sources.kube.wire import Lines


def test_lines_are_the_same_however_they_are_cut() -> None:
    chance = random.Random(7)
    for _ in range(300):
        lines = [chance.randbytes(chance.randint(1, 8)).replace(b"\n", b"n") for _ in range(chance.randrange(6))]
        text = b"".join(one + b"\n" for one in lines)
        cuts = sorted(chance.randrange(len(text) + 1) for _ in range(chance.randrange(8)))
        found, reader = [], Lines()
        for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
            found += reader.feed(text[start:end])
        assert found == lines


def test_line_that_the_end_cuts_off_is_never_given() -> None:
    assert Lines().feed(b'{"type"') == []


def test_large_object_over_many_chunks_is_one_line() -> None:
    reader = Lines()
    large = b"x" * 1_400_000
    assert [reader.feed(large[start : start + 65536]) for start in range(0, len(large), 65536)][-1] == []
    assert reader.feed(b"\n") == [large]


def test_line_longer_than_anybody_sends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LONGEST", 10)
    with pytest.raises(ValueError, match="more than 10 bytes"):
        Lines().feed(b"x" * 11)


def test_body_that_is_no_status_is_its_own_message() -> None:
    assert wire.status(b"404 page not found\n").message == "404 page not found\n"


def test_nulls_mean_absent_at_any_depth() -> None:
    assert wire.without_nulls({"a": None, "b": [{"c": None, "d": 1}, None]}) == {"b": [{"d": 1}]}
