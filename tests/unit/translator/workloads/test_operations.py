"""Claims about JSON patches: what RFC 6902 says of each operation, and that nothing is half applied or grows without bounds."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translator.workloads.operations import MOST, changed, same
from translator.workloads.patch import UnfitError

Json = dict[str, Any]


def add(path: str, value: Any) -> Json:
    return {"op": "add", "path": path, "value": value}


@pytest.mark.parametrize(
    ("document", "operation", "expected"),
    [  # RFC 6902, appendix A, in its order
        ({"foo": "bar"}, add("/baz", "qux"), {"baz": "qux", "foo": "bar"}),
        ({"foo": ["bar", "baz"]}, add("/foo/1", "qux"), {"foo": ["bar", "qux", "baz"]}),
        ({"baz": "qux", "foo": "bar"}, {"op": "remove", "path": "/baz"}, {"foo": "bar"}),
        ({"foo": ["bar", "qux", "baz"]}, {"op": "remove", "path": "/foo/1"}, {"foo": ["bar", "baz"]}),
        ({"baz": "qux", "foo": "bar"}, {"op": "replace", "path": "/baz", "value": "boo"}, {"baz": "boo", "foo": "bar"}),
        ({"foo": {"a": "b"}, "q": {"c": 1}}, {"op": "move", "from": "/foo/a", "path": "/q/t"}, {"foo": {}, "q": {"c": 1, "t": "b"}}),
        (
            {"foo": ["all", "grass", "cows", "eat"]},
            {"op": "move", "from": "/foo/1", "path": "/foo/3"},
            {"foo": ["all", "cows", "eat", "grass"]},
        ),
        ({"baz": "qux", "foo": ["a", 2, "c"]}, {"op": "test", "path": "/foo/1", "value": 2}, {"baz": "qux", "foo": ["a", 2, "c"]}),
        ({"foo": "bar"}, add("/child", {"grandchild": {}}), {"foo": "bar", "child": {"grandchild": {}}}),
        ({"foo": "bar"}, {**add("/baz", "qux"), "xyz": 123}, {"foo": "bar", "baz": "qux"}),
        ({"/": 9, "~1": 10}, {"op": "test", "path": "/~01", "value": 10}, {"/": 9, "~1": 10}),
        ({"foo": ["bar"]}, add("/foo/-", ["abc", "def"]), {"foo": ["bar", ["abc", "def"]]}),
        ({"a": {"b": [1]}}, {"op": "copy", "from": "/a/b", "path": "/c"}, {"a": {"b": [1]}, "c": [1]}),
        ({"a": 1}, add("/a", 2), {"a": 2}),
        ({"a": 1}, add("", {"b": 2}), {"b": 2}),
        ({"a": 1}, {"op": "replace", "path": "", "value": {"b": 2}}, {"b": 2}),
        ({"a": 1}, {"op": "move", "from": "/a", "path": "/a"}, {"a": 1}),
        ({"a": [1, 2]}, {"op": "replace", "path": "/a/0", "value": None}, {"a": [None, 2]}),
        ({"": {"": 1}}, {"op": "remove", "path": "//"}, {"": {}}),
        ({"a/b": 1}, {"op": "remove", "path": "/a~1b"}, {}),
    ],
)
def test_operation_does_what_the_standard_says(document: Json, operation: Json, expected: Json) -> None:
    before = copy.deepcopy(document)
    assert changed(document, [operation]) == expected
    assert document == before


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        pytest.param({"op": "remove", "path": "/b"}, "there is no 'b'", id="remove-what-is-not-there"),
        pytest.param({"op": "replace", "path": "/b", "value": 1}, "there is no 'b'", id="replace-what-is-not-there"),
        pytest.param(add("/b/c", 1), "there is no 'b'", id="add-below-nothing"),
        pytest.param(add("/a/b", 1), "nothing can be put at 'b'", id="add-into-a-list-by-name"),
        pytest.param(add("/a/3", 1), "nothing can be put at '3'", id="add-behind-the-end"),
        pytest.param(add("/a/01", 1), "nothing can be put at '01'", id="index-with-a-zero"),
        pytest.param({"op": "remove", "path": "/a/-"}, "there is no '-'", id="remove-behind-the-end"),
        pytest.param(add("/a/0/x", 1), "nothing can be put at 'x'", id="add-into-a-number"),
        pytest.param({"op": "remove", "path": ""}, "the whole", id="remove-all"),
        pytest.param({"op": "test", "path": "/a/0", "value": "1"}, "another value", id="test-of-text"),
        pytest.param({"op": "test", "path": "/a/0", "value": True}, "another value", id="test-of-true"),
        pytest.param({"op": "test", "path": "/a"}, "no value", id="test-without-a-value"),
        pytest.param({"op": "add", "path": "/b"}, "no value", id="add-without-a-value"),
        pytest.param({"op": "move", "from": "/a", "path": "/a/0"}, "into itself", id="move-into-itself"),
        pytest.param({"op": "copy", "path": "/b"}, "JSON pointer", id="copy-from-nowhere"),
        pytest.param({"op": "add", "path": "b", "value": 1}, "JSON pointer", id="path-without-a-slash"),
        pytest.param({"op": "add", "path": "/~2", "value": 1}, "JSON pointer", id="path-with-a-wrong-escape"),
        pytest.param({"op": "spam", "path": "/a", "value": 1}, "op is one of", id="unknown-operation"),
        pytest.param("add", "JSON pointer", id="operation-that-is-text"),
    ],
)
def test_patch_that_does_not_fit_says_which_operation_and_why_and_changes_nothing(operation: Any, why: str) -> None:
    document = {"a": [1, 2]}
    with pytest.raises(UnfitError, match=why) as told:
        changed(document, [add("/x", 1), operation])
    assert document == {"a": [1, 2]}
    said = operation if isinstance(operation, dict) else {}
    assert str(told.value).startswith(f"operation 1 of the patch ({said.get('op')} {said.get('path')}): ")


def test_value_that_is_added_twice_is_two_values() -> None:
    value: list[int] = []
    assert changed({}, [add("/a", value), {"op": "copy", "from": "/a", "path": "/b"}, add("/a/-", 1)]) == {"a": [1], "b": []}
    assert value == []


@pytest.mark.parametrize("operations", [{}, "x", None, [add("/a", 1)] * (MOST + 1)], ids=["map", "text", "null", "too-many"])
def test_what_is_no_list_of_operations_is_told(operations: Any) -> None:
    with pytest.raises(UnfitError, match="a list of at most"):
        changed({}, operations)


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param([add("/a", [1]), *({"op": "copy", "from": "", "path": f"/b{n}"} for n in range(40))], id="copies-of-copies"),
        pytest.param([add("/a" * (n + 1), {}) for n in range(200)], id="ever-deeper"),
    ],
)
def test_patch_that_makes_too_much_is_refused_before_it_is_made(operations: list[Json]) -> None:
    with pytest.raises(UnfitError, match="too large, or too deep"):
        changed({}, operations)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(1, 1.0, True), (1, True, False), (0, False, False), ("1", 1, False), ([1, {"a": None}], [1, {"a": None}], True), ({}, [], False),
     ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True), ([1, 2], [2, 1], False), (None, False, False), ([True], [1], False)],
)  # fmt: skip
def test_values_are_the_same_as_json_has_it(one: Any, other: Any, expected: bool) -> None:
    assert same(one, other) is expected


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from("ab"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab01"), inner, max_size=3),
    max_leaves=8,
)
PATHS = st.lists(st.sampled_from(["a", "b", "0", "1", "-", "~0"]), max_size=3).map(lambda parts: "".join(f"/{one}" for one in parts))
OPERATIONS = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), "path": PATHS},
        optional={"from": PATHS, "value": VALUES},
    ),
    max_size=5,
)


@settings(max_examples=200)
@given(document=VALUES, operations=OPERATIONS)
def test_any_patch_is_applied_whole_or_not_at_all(document: Any, operations: list[Json]) -> None:
    before = copy.deepcopy((document, operations))
    with contextlib.suppress(UnfitError):
        found = changed(document, operations)
        again: Any = document
        for one in operations:
            again = changed(again, [one])
        assert same(found, again)
    assert (document, operations) == before
