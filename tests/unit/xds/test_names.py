"""Structured names: one spelling, and the collection that each belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xds.names import canonical, collections, spelled

WORDS = st.text("abc%-", min_size=1, max_size=4)
PARAMETERS = st.dictionaries(WORDS, WORDS, min_size=1, max_size=4)


@given(PARAMETERS, st.randoms())
def test_order_of_parameters_says_nothing(parameters: dict[str, str], random: object) -> None:
    words = [f"{key}={value}" for key, value in parameters.items()]
    other = list(words)
    random.shuffle(other)
    assert canonical(f"xdstp://a/T/x?{'&'.join(words)}") == canonical(f"xdstp://a/T/x?{'&'.join(other)}")


@given(st.text(max_size=30))
def test_any_text_is_a_name_and_its_spelling_is_its_own(name: str) -> None:
    for one in (name, f"xdstp:{name}"):
        assert canonical(canonical(one)) == canonical(one)
        assert len(canonical(one)) == len(one)
        assert len(collections(one)) <= 1


@pytest.mark.parametrize("name", ["plain", "plain?b=1&a=1", "xdstp://a/T/x", "xdstp://a/T/x?a=1#entry=e"])
def test_what_needs_no_other_spelling_is_left_alone(name: str) -> None:
    assert canonical(name) == name


def test_directives_stay_behind_the_parameters() -> None:
    assert canonical("xdstp://a/T/x?b=2&a=1#entry=e") == "xdstp://a/T/x?a=1&b=2#entry=e"


def test_names_that_are_all_plain_are_not_copied() -> None:
    names = ["a", "b"]
    assert spelled(names) is names


@pytest.mark.parametrize(
    ("name", "collection"),
    [
        pytest.param("xdstp://a/T/dir/x", ("xdstp://a/T/dir/*",), id="in a directory"),
        pytest.param("xdstp://a/T/dir/x?k=v", ("xdstp://a/T/dir/*?k=v",), id="its parameters are those of its collection"),
        pytest.param("xdstp://a/T/dir/*", (), id="a collection is in none"),
        pytest.param("dir/x", (), id="a plain name"),
        pytest.param("xdstp:", (), id="no path"),
    ],
)
def test_collection_of_a_name(name: str, collection: tuple[str, ...]) -> None:
    assert collections(name) == collection
