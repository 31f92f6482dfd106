"""Claims about a user's JSON Patch of the routes that are made of his."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.translator.mesh.test_merging import to, virtual_service
from tests.unit.translator.mesh.test_rules import cart, ours, ruled
from translator.ir.keys import KeyRule
from translator.mesh import istio
from translator.mesh.json_patch import DEEPEST, LONGEST, MOST, patched
from translator.mesh.rules import CannotSayError

ROUTE = {"timeout": "1s", "route": [{"destination": {"host": "a"}}], "match": [{"a": 1}, {"b": 2}], "x/y": {"~": 1}}


def op(op: str, path: str, *value: Any) -> dict[str, Any]:
    return {"op": op, "path": path, **({"value": value[0]} if value else {})}


def changed(*operations: dict[str, Any]) -> dict[str, Any]:
    before = deepcopy(ROUTE)
    made = patched(ROUTE, json.dumps(operations))
    assert before == ROUTE
    return {name: value for name, value in made.items() if value != ROUTE.get(name)}


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        pytest.param(op("add", "/retries", {"attempts": 3}), {"retries": {"attempts": 3}}, id="added"),
        pytest.param(op("add", "/timeout", "9s"), {"timeout": "9s"}, id="added-over-what-is-there"),
        pytest.param(op("replace", "/timeout", "9s"), {"timeout": "9s"}, id="replaced"),
        pytest.param(
            op("add", "/route/0/headers/request/set", {"x": "1"}),
            {"route": [{"destination": {"host": "a"}, "headers": {"request": {"set": {"x": "1"}}}}]},
            id="added-with-what-is-missing-on-the-way",
        ),
        pytest.param(op("add", "/match/-", 3), {"match": [{"a": 1}, {"b": 2}, 3]}, id="added-to-a-list"),
        pytest.param(op("add", "/match/1", 3), {"match": [{"a": 1}, 3, {"b": 2}]}, id="added-within-a-list"),
        pytest.param(op("add", "/new/-", 3), {"new": [3]}, id="added-to-a-list-that-is-new"),
        pytest.param(op("remove", "/match/0"), {"match": [{"b": 2}]}, id="removed-from-a-list"),
        pytest.param(op("remove", "/x~1y/~0"), {"x/y": {}}, id="names-with-slashes-and-tildes"),
        pytest.param(op("remove", "/retries/attempts"), {}, id="nothing-to-remove"),
        pytest.param(op("test", "/timeout", "1s"), {}, id="test-that-holds"),
    ],
)
def test_operation_changes_what_it_says(operation: dict[str, Any], expected: dict[str, Any]) -> None:
    assert changed(operation) == expected


def test_operations_are_done_one_after_the_other() -> None:
    assert changed(op("add", "/a", {}), op("add", "/a/b", 1), op("test", "/a/b", 1), op("replace", "/a/b", 2)) == {"a": {"b": 2}}
    assert "timeout" not in patched(ROUTE, json.dumps([op("remove", "/timeout")]))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("{}", id="no-list"),
        pytest.param('[{"op": "add"}]', id="no-path"),
        pytest.param("[" * 5_000, id="deep"),
        pytest.param(json.dumps([op("add", "/a", "x" * LONGEST)]), id="long"),
        pytest.param(json.dumps([op("add", "/a", 1)] * (MOST + 1)), id="many"),
        pytest.param(json.dumps([op("add", "/a" * (DEEPEST + 1), 1)]), id="long-path"),
        pytest.param(f'[{{"op": "add", "path": "/a", "value": {"[" * 200}{"]" * 200}}}]', id="deep-value"),
        pytest.param(json.dumps([{"op": "copy", "path": "/a", "from": "/timeout"}]), id="copy"),
        pytest.param(json.dumps([op("replace", "/a", 1)]), id="nothing-to-replace"),
        pytest.param(json.dumps([op("test", "/timeout", "2s")]), id="test-that-fails"),
        pytest.param(json.dumps([op("add", "", {})]), id="all-of-it"),
        pytest.param(json.dumps([op("add", "timeout", 1)]), id="no-pointer"),
        pytest.param(json.dumps([op("add", "/match/9", 1)]), id="beyond-the-end"),
        pytest.param(json.dumps([op("add", "/match/01", 1)]), id="number-with-a-zero"),
        pytest.param(json.dumps([op("add", "/timeout/a", 1)]), id="below-a-text"),
    ],
)
def test_patch_that_cannot_be_applied_says_so(text: str) -> None:
    with pytest.raises(CannotSayError, match="its JSON patch"):
        patched(ROUTE, text)


POINTERS = st.lists(st.sampled_from(["a", "0", "1", "-", "timeout", "route", "match", "~1", ""]), max_size=4).map(
    lambda tokens: "".join(f"/{token}" for token in tokens)
)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "test", "move"]), "path": POINTERS, "value": st.sampled_from([1, {}, [], [{}]])}
)


@given(st.lists(OPERATIONS, max_size=6))
def test_any_patch_is_applied_or_told(operations: list[dict[str, Any]]) -> None:
    try:
        made = patched(ROUTE, json.dumps(operations))
    except CannotSayError:
        return
    assert isinstance(made, dict)


# In a VirtualService -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("annotation", ["pointsman.io/json-patch", "istio.signadot.com/json-patch"])
def test_copies_are_changed_and_routes_of_the_user_are_not(annotation: str) -> None:
    found, route = virtual_service(to("cart")), cart(ruled(KeyRule()))
    found["metadata"]["annotations"] = {annotation: json.dumps([op("add", "/timeout", "9s")])}
    merged = istio.merged(found, [route])
    assert [one.get("timeout") for one in merged["spec"]["http"]] == ["9s", None]
    assert istio.merged(merged, [])["spec"] == found["spec"]


def test_patch_changes_neither_the_name_nor_the_match_of_a_copy() -> None:
    found, route = virtual_service(to("cart")), cart(ruled(KeyRule()))
    [plain] = ours(istio.merged(found, [route]))
    patch = [op("replace", "/match", []), op("add", "/name", "mine")]
    found["metadata"]["annotations"] = {"pointsman.io/json-patch": json.dumps(patch)}
    assert ours(istio.merged(found, [route])) == [plain]


def test_patch_that_is_none_is_told_and_the_baseline_answers() -> None:
    found, route = virtual_service(to("cart")), cart(ruled(KeyRule()))
    found["metadata"]["annotations"] = {"pointsman.io/json-patch": "- op: add"}
    assert istio.merged(found, [route]) == found
    [told] = istio.unsaid([route], [found])
    assert told.why == "route 0: its JSON patch is none: a list of op, path and value"
