"""Claims about strategic merge patches: what is merged, what is replaced, and what is told instead."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translator.workloads.patch import DEEPEST, UnfitError, joined, merged

POD: dict[str, Any] = {
    "containers": [{"name": "app", "image": "a", "env": [{"name": "A", "value": "1"}], "args": ["x", "y"]}, {"name": "log", "image": "l"}],
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"key": "a"}],
}


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        pytest.param({}, POD, id="nothing"),
        pytest.param({"nodeSelector": {"cpu": "x"}}, {**POD, "nodeSelector": {"disk": "fast", "cpu": "x"}}, id="map-is-merged"),
        pytest.param({"nodeSelector": {"disk": None}}, {**POD, "nodeSelector": {}}, id="null-takes-away"),
        pytest.param({"nodeSelector": {"$patch": "replace", "cpu": "x"}}, {**POD, "nodeSelector": {"cpu": "x"}}, id="map-is-replaced"),
        pytest.param({"nodeSelector": {"$patch": "delete"}}, {**POD, "nodeSelector": {}}, id="map-is-emptied"),
        pytest.param({"tolerations": [{"key": "b"}]}, {**POD, "tolerations": [{"key": "b"}]}, id="list-without-a-key-is-replaced"),
        pytest.param(
            {"containers": [{"name": "log", "$patch": "delete"}]}, {**POD, "containers": POD["containers"][:1]}, id="item-is-taken-away"
        ),
        pytest.param(
            {"containers": [{"$patch": "replace"}, {"name": "new"}]}, {**POD, "containers": [{"name": "new"}]}, id="list-is-replaced"
        ),
    ],
)
def test_what_is_there_becomes_what_is_said(patch: dict[str, Any], expected: dict[str, Any]) -> None:
    assert merged(POD, patch) == expected


def test_items_of_a_list_are_merged_by_their_key_and_keep_their_places() -> None:
    env = [{"name": "B", "value": "2"}, {"name": "A", "value": "3"}]
    found = merged(POD, {"containers": [{"name": "new"}, {"name": "app", "env": env, "args": ["z"]}]})
    assert [one["name"] for one in found["containers"]] == ["app", "log", "new"]
    assert found["containers"][0]["env"] == [{"name": "A", "value": "3"}, {"name": "B", "value": "2"}]
    assert (found["containers"][0]["image"], found["containers"][0]["args"]) == ("a", ["z"])


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param({"containers": [{"image": "x"}]}, id="item-without-its-key"),
        pytest.param({"containers": ["x"]}, id="item-that-is-none"),
        pytest.param({"$retainKeys": ["a"]}, id="directive-that-is-not-known"),
        pytest.param({"$patch": "other"}, id="other-word-of-a-directive"),
        pytest.param({"containers": [{"name": {"a": 1}}]}, id="key-that-is-a-map"),
    ],
)
def test_what_cannot_be_merged_is_told(patch: dict[str, Any]) -> None:
    with pytest.raises(UnfitError):
        merged(POD, patch)


def test_patch_without_a_bottom_is_told() -> None:
    patch: dict[str, Any] = {}
    for _ in range(DEEPEST + 2):
        patch = {"a": patch}
    with pytest.raises(UnfitError, match="deeply"):
        merged({}, patch)


names = st.sampled_from(["containers", "env", "name", "image", "$patch", "spec"])
values = st.recursive(
    st.none() | st.integers() | st.sampled_from(["a", "delete", "replace"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=16,
)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(values, values)
def test_nothing_is_a_crash_and_the_baseline_stays_as_it_was(base: Any, patch: Any) -> None:
    before = copy.deepcopy((base, patch))
    with contextlib.suppress(UnfitError):
        merged(base, patch)
    assert (base, patch) == before


@pytest.mark.parametrize(
    ("base", "patch", "expected"),
    [  # RFC 7386, appendix A, as far as they are different
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_plain_merge_patch_is_that_of_the_standard(base: Any, patch: Any, expected: Any) -> None:
    before = copy.deepcopy(base)
    assert joined(base, patch) == expected
    assert base == before


def test_plain_merge_patch_that_is_nested_too_deeply_is_told() -> None:
    patch: dict[str, Any] = {}
    for _ in range(DEEPEST + 1):
        patch = {"a": patch}
    with pytest.raises(UnfitError, match="too deeply"):
        joined({}, patch)
