"""Matches of HTTPRoutes as rows. Source: Gateway API v1.6.1, `HTTPRouteMatch`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from translator.ir.route import Match, PathMatch, TextMatch
from translator.resources.httproute import NamedMatch, RouteMatch
from translator.resources.httproute import PathMatch as PathSpec

PATHS: dict[str, Literal["exact", "prefix", "regex"]] = {"Exact": "exact", "PathPrefix": "prefix", "RegularExpression": "regex"}
EVERYTHING = (RouteMatch(),)


def match(spec: RouteMatch) -> Match:
    return Match(
        path=path_match(spec.path),
        method=spec.method,
        headers=named(spec.headers, fold=True),
        query=named(spec.query_params, fold=False),
    )


def path_match(spec: PathSpec) -> PathMatch:
    """A prefix loses its trailing slash, which has no meaning: /abc/ matches what /abc matches."""
    value = spec.value
    if spec.type == "PathPrefix":
        value = value.rstrip("/") or "/"
    return PathMatch(PATHS[spec.type], value)


def named(specs: Sequence[NamedMatch], *, fold: bool) -> tuple[TextMatch, ...]:
    """Of several entries for one name the first counts; header names are equal whatever their case (RFC 9110, 5.1)."""
    if not specs:
        return ()
    found: dict[str, TextMatch] = {}
    for spec in specs:
        name = spec.name.lower() if fold else spec.name
        found.setdefault(name, TextMatch("regex" if spec.type == "RegularExpression" else "exact", name, spec.value))
    return tuple(found.values())
