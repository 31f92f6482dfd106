"""Cutting responses below what a client takes: nothing is lost, nothing is too large, order is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from xds import pieces


class One(Struct, frozen=True):
    size: int


SIZES = st.lists(st.integers(1, 120), max_size=12)
NAMES = st.lists(st.text("aé漢😀", min_size=1, max_size=20), max_size=12, unique=True)


def weight(resources: list[One], gone: tuple[str, ...]) -> int:
    return sum(one.size for one in resources) + sum(len(name.encode()) + 4 for name in gone)


@given(SIZES, NAMES)
def test_pieces_hold_everything_once_in_order_and_within_the_limit(sizes: list[int], names: list[str]) -> None:
    resources = [One(size) for size in sizes]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "LIMIT", 120)
        cut = list(pieces.pieces(resources, tuple(names)))
    assert [one for held, _ in cut for one in held] == resources
    assert [name for _, gone in cut for name in gone] == names
    assert all(weight(held, gone) <= 120 for held, gone in cut)
    assert all(held or gone for held, gone in cut) or cut == [([], ())]


def test_resource_larger_than_the_limit_goes_alone() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "LIMIT", 10)
        cut = list(pieces.pieces([One(1), One(50), One(1)], ()))
    assert [len(held) for held, _ in cut] == [1, 1, 1]


def test_nothing_is_one_empty_piece() -> None:
    assert list(pieces.pieces([], ())) == [([], ())]
