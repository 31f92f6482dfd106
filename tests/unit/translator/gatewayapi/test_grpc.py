"""Claims about matches of GRPCRoutes: which path a method is, and which match is asked first."""

from __future__ import annotations

from itertools import pairwise

import pytest

from translator.gatewayapi.grpc import method_match, method_precedence
from translator.ir.route import PathMatch, TextMatch
from translator.resources.grpcroute import GRPCRouteMatch, MethodMatch
from translator.resources.httproute import NamedMatch


def matching(service: str = "", method: str = "", kind: str = "Exact", *headers: str) -> GRPCRouteMatch:
    named = tuple(NamedMatch(name=name, value="1") for name in headers)
    return GRPCRouteMatch(method=MethodMatch(type=kind, service=service, method=method), headers=named)


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        pytest.param(GRPCRouteMatch(), PathMatch("prefix", "/"), id="nothing-named"),
        pytest.param(matching("a.B", "C"), PathMatch("exact", "/a.B/C"), id="both"),
        pytest.param(matching("a.B"), PathMatch("prefix", "/a.B"), id="service"),
        pytest.param(matching(method="C"), PathMatch("regex", "/[^/]+/C"), id="method"),
        pytest.param(matching("a|b", "C", "RegularExpression"), PathMatch("regex", "/(?:a|b)/(?:C)"), id="expressions"),
        pytest.param(matching(method="C|D", kind="RegularExpression"), PathMatch("regex", "/[^/]+/(?:C|D)"), id="expression-of-a-method"),
    ],
)
def test_method_is_a_path(spec: GRPCRouteMatch, path: PathMatch) -> None:
    assert method_match(spec).path == path


def test_header_names_are_lowered_and_the_first_of_each_counts() -> None:
    headers = (NamedMatch(name="Tenant", value="a"), NamedMatch(name="tenant", value="b"))
    assert method_match(GRPCRouteMatch(headers=headers)).headers == (TextMatch("exact", "tenant", "a"),)


def test_matches_are_asked_service_first_then_method_then_headers_then_oldest() -> None:
    order = [
        method_precedence(matching("a.Longer", "C"), "2026", "x/r", 0, 0),
        method_precedence(matching("a.Longer"), "2026", "x/r", 0, 0),
        method_precedence(matching("a.B", "Long"), "2026", "x/r", 0, 0),
        method_precedence(matching("a.B", "C", "Exact", "h"), "2026", "x/r", 0, 0),
        method_precedence(matching("a.B", "C"), "2025", "x/r", 0, 0),
        method_precedence(matching("a.B", "C"), "2026", "x/r", 0, 0),
        method_precedence(matching("a.B", "C"), "2026", "x/r", 0, 1),
        method_precedence(matching("a.*.*.*", "C", "RegularExpression"), "2026", "x/r", 0, 0),
        method_precedence(matching(method="C"), "2026", "x/r", 0, 0),
        method_precedence(GRPCRouteMatch(), "2026", "x/r", 0, 0),
    ]
    assert all(one < other for one, other in pairwise(order))
