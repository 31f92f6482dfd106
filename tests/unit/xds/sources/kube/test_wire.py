"""Bytes into lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xds.sources.kube import wire
from xds.sources.kube.wire import Lines


@given(st.lists(st.binary(min_size=1, max_size=8).filter(lambda one: b"\n" not in one)), st.data())
def test_lines_are_the_same_however_they_are_cut(lines: list[bytes], data: st.DataObject) -> None:
    text = b"".join(one + b"\n" for one in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)))))
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
