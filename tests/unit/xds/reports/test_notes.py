"""Of which changes of a status an Event tells."""

from __future__ import annotations

from typing import Any

import pytest

from xds.reports.notes import Note, again, event, notes

US, THEM = "example.com/us", "example.com/them"
WRONG = Note(True, "BackendNotFound", "Service shop/cart does not exist")


def condition(status: str, kind: str = "ResolvedRefs", reason: str = "", message: str = "") -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason or kind, "message": message, "lastTransitionTime": "2026-01-01T00:00:00Z"}


BAD = condition("False", reason=WRONG.reason, message=WRONG.message)


def route(*conditions: dict[str, Any], controller: str = US, parents: int = 1) -> dict[str, Any]:
    return {
        "parents": [
            {"controllerName": controller, "parentRef": {"name": f"edge{n}"}, "conditions": list(conditions)} for n in range(parents)
        ]
    }


def test_refusal_is_told_once_for_all_parents() -> None:
    assert notes({}, route(BAD, parents=3), US) == [WRONG]


def test_what_was_said_before_is_not_told() -> None:
    assert notes(route(BAD), route(BAD), US) == []


def test_order_of_first_acceptance_is_no_news() -> None:
    assert notes({}, route(condition("True")), US) == []


def test_return_to_order_is_told() -> None:
    assert notes(route(BAD), route(condition("True")), US) == [Note(False, "ResolvedRefs", "ResolvedRefs is True")]


def test_another_reason_or_message_is_news() -> None:
    assert notes(route(BAD), route({**BAD, "message": "and another"}), US) == [Note(True, WRONG.reason, "and another")]
    assert notes(route(BAD), route({**BAD, "reason": "RefNotPermitted"}), US) == [Note(True, "RefNotPermitted", WRONG.message)]


def test_what_other_controllers_say_is_theirs_to_tell() -> None:
    assert notes({}, route(BAD, controller=THEM), US) == []


def test_object_that_belongs_to_one_controller_is_told_of_by_its_conditions() -> None:
    assert notes({}, {"conditions": [condition("False", "Accepted", "InvalidParameters", "why")]}, US) == [
        Note(True, "InvalidParameters", "why")
    ]


@pytest.mark.parametrize("kind", ["Programmed", "Conflicted", "OverlappingTLSConfig"])
def test_what_comes_and_goes_by_itself_is_not_told(kind: str) -> None:
    assert notes({}, {"conditions": [condition("False", kind)]}, US) == []


OBJECT = {"apiVersion": "v1", "kind": "HTTPRoute", "metadata": {"name": "cart", "namespace": "shop", "uid": "u1", "resourceVersion": "7"}}


def test_event_is_called_by_what_it_says() -> None:
    first, second = (event(WRONG, OBJECT, "me", "2026-01-01T00:00:00Z") for _ in range(2))
    assert first == second
    assert first["metadata"]["name"].startswith("cart.")
    assert event(Note(True, "Other", "x"), OBJECT, "me", "2026-01-01T00:00:00Z")["metadata"]["name"] != first["metadata"]["name"]
    assert (first["type"], first["involvedObject"]["uid"], first["metadata"]["namespace"]) == ("Warning", "u1", "shop")


def test_event_of_a_cluster_wide_object_stands_where_they_all_do() -> None:
    made = event(WRONG, {**OBJECT, "kind": "GatewayClass", "metadata": {"name": "pods"}}, "me", "2026-01-01T00:00:00Z")
    assert made["metadata"]["namespace"] == "default"
    assert "namespace" not in made["involvedObject"]


def test_same_said_again_counts_up() -> None:
    made = event(WRONG, OBJECT, "me", "2026-01-01T00:00:00Z")
    assert again(made, "2026-01-02T00:00:00Z") == {**made, "count": 2, "lastTimestamp": "2026-01-02T00:00:00Z"}
