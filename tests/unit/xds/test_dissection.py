"""A resource with one bad part: what is tried, who is named, and who is not blamed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from protos.v3 import RouteConfiguration, unframed
from tests.unit.translator.envoy_v3.test_anatomy import NEW, OLD, names, table
from translator.envoy_v3.anatomy import ROUTES
from xds.dissection import Dissection

BAD = {"a": {"r": "/1", "s": "/bad", "u": "/2"}, "c": {"v": "/2"}}


def played(parts: Dissection, refuses: Callable[[str], bool], most: int = 20) -> list[dict[str, dict[str, str]]]:
    """What was tried, until it is over; refused is what has such a path."""
    tried = []
    while not parts.over:
        tried.append(names(parts.body))
        paths = [path for routes in tried[-1].values() for path in routes.values()]
        parts.refuse("no") if any(map(refuses, paths)) else parts.accept()
        assert len(tried) < most
    return tried


def bad(path: str) -> bool:
    return path == "/bad"


def test_changed_route_is_named_by_what_was_accepted_without_it() -> None:
    parts = Dissection(ROUTES, table({**OLD, "a": {"r": "/1", "s": "/bad"}}), table(OLD), "no")
    assert played(parts, bad) == [OLD]
    (fault,) = parts.faults
    assert fault.part is not None
    assert (fault.part.name, fault.message) == ("s", "no")
    ((number, _, route),) = unframed(fault.good)
    assert number == ROUTES.part
    assert b"/1" in route


def test_others_of_the_same_change_go_through() -> None:
    parts = Dissection(ROUTES, table(BAD), table(OLD), "no")
    tried = played(parts, bad)
    assert [fault.part and fault.part.name for fault in parts.faults] == ["s"]
    assert tried[-1] == {"a": {"r": "/1", "s": "/1", "u": "/2"}, "c": {"v": "/2"}}


def test_without_an_older_state_the_bad_route_is_left_out() -> None:
    parts = Dissection(ROUTES, table(BAD), b"", "no")
    tried = played(parts, bad)
    assert [(fault.part and fault.part.name, fault.good) for fault in parts.faults] == [("s", b"")]
    assert tried[-1] == {"a": {"r": "/1", "u": "/2"}, "c": {"v": "/2"}}


def test_client_serves_all_the_time_what_it_accepted_before() -> None:
    parts = Dissection(ROUTES, table({"a": {"r": "/2", "s": "/bad"}, "b": {"t": "/2"}}), table(OLD), "no")
    for one in played(parts, bad):
        assert one.keys() == {"a", "b"}
        assert one["a"].keys() == {"r", "s"}
        assert one["b"].keys() == {"t"}


def test_no_part_is_blamed_where_even_the_rest_is_refused() -> None:
    parts = Dissection(ROUTES, table(NEW), table(OLD), "the first words")
    tried = played(parts, lambda _: True)
    (fault,) = parts.faults
    assert (fault.message, fault.part, fault.good) == ("the first words", None, table(OLD))
    assert len(tried) <= 5


def test_nothing_that_is_new_is_no_part_to_blame() -> None:
    body = table(OLD)
    parts = Dissection(ROUTES, body, body + b"\x60\x01", "no")
    assert parts.over
    assert [fault.part for fault in parts.faults] == [None]


def test_what_is_accepted_in_the_end_blames_nobody() -> None:
    parts = Dissection(ROUTES, table(NEW), table(OLD), "no")
    assert played(parts, lambda _: False)[-1] == NEW
    assert parts.faults == []


def test_what_is_no_message_has_no_parts() -> None:
    with pytest.raises(ValueError, match="a number without end"):
        Dissection(ROUTES, b"\xff", b"", "no")


def test_removed_route_is_gone_in_all_that_is_tried() -> None:
    parts = Dissection(ROUTES, table({"a": {"s": "/bad"}}), table(OLD), "no")
    assert all("r" not in one["a"] for one in played(parts, bad))
    assert RouteConfiguration.FromString(parts.body).name == "t"
