"""Claims about which requests of a key a route of a RouteGroup takes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.objects import decoded
from translator.ir.keys import KeyRule, Sticky
from translator.resources.sandbox import RouteGroup
from translator.sandbox.keys import SELECTED, rule_of


def group(**route: Any) -> RouteGroup:
    made = decoded({"kind": "RouteGroup", "metadata": {"name": "g"}, "spec": {"routes": [{"targetSandbox": "a", **route}]}})
    assert isinstance(made, RouteGroup)
    return made


@pytest.mark.parametrize(
    ("sticky", "expected"),
    [
        pytest.param({"type": "Header", "name": "X-User"}, Sticky("header", "x-user"), id="header-in-lower-case"),
        pytest.param({"type": "Cookie", "name": "UID"}, Sticky("cookie", "UID"), id="cookie-as-it-is"),
        pytest.param({"type": "SourceIP"}, Sticky("source"), id="client"),
    ],
)
def test_share_goes_by_what_the_route_names(sticky: dict[str, str], expected: Sticky) -> None:
    assert rule_of(group(weight=30, sticky=sticky), 0) == KeyRule(weight=30, sticky=expected)


@pytest.mark.parametrize("weight", [0, 100])
def test_share_of_all_or_nothing_goes_by_nothing(weight: int) -> None:
    assert rule_of(group(weight=weight, sticky={"type": "SourceIP"}), 0) == KeyRule(weight=weight)


def test_sandbox_that_no_route_names_takes_all() -> None:
    assert rule_of(group(weight=30, sticky={"type": "SourceIP"}), SELECTED) == KeyRule()


def test_paths_below_the_root_are_all_paths() -> None:
    assert rule_of(group(paths=[{"exact": "/a"}, {"prefix": "/"}]), 0) == KeyRule()
    assert rule_of(group(paths=[{"exact": "/a"}, {"prefix": "/b"}]), 0) == KeyRule(prefixes=("/b",), exact=("/a",))
