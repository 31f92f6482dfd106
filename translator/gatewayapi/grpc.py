"""Matches of GRPCRoutes as matches of HTTP requests, and their order. Source: Gateway API v1.6.1, `GRPCRouteRule.matches`.

A method of gRPC is a path of HTTP: `/package.Service/Method`.
"""

from __future__ import annotations

import re

from translator.gatewayapi.matches import named
from translator.ir.route import Match, PathMatch, Precedence
from translator.resources.grpcroute import GRPCRouteMatch, MethodMatch

ANY_NAME = "[^/]+"
EVERY_METHOD = (GRPCRouteMatch(),)


def method_match(spec: GRPCRouteMatch) -> Match:
    return Match(path=_path(spec.method or MethodMatch()), headers=named(spec.headers, fold=True))


def _path(spec: MethodMatch) -> PathMatch:
    exact = spec.type != "RegularExpression"
    match (spec.service, spec.method):
        case ("", ""):
            return PathMatch("prefix", "/")
        case (service, "") if exact:
            return PathMatch("prefix", f"/{service}")
        case (service, method) if exact and service:
            return PathMatch("exact", f"/{service}/{method}")
        case (service, method):
            return PathMatch("regex", f"/{_part(service, exact)}/{_part(method, exact)}")


def _part(text: str, exact: bool) -> str:
    """One of two names; what the user wrote is kept together, so that `a|b` stays inside its half of the path."""
    if not text:
        return ANY_NAME
    return re.escape(text) if exact else f"(?:{text})"


def method_precedence(spec: GRPCRouteMatch, created: str, key: str, rule: int, place: int) -> Precedence:
    """Most characters of the service first, then of the method, then most headers, then the oldest route.

    The text does not say how many characters a regular expression matches: here less than any name, and more than none.
    HTTPRoutes have other numbers, but never stand on the same host beside GRPCRoutes.
    """
    method = spec.method or MethodMatch()
    return Precedence(
        path=_rank(method.service, method.type),
        length=_rank(method.method, method.type),
        method=False,
        headers=-len(spec.headers),
        query=0,
        created=created,
        key=key,
        rule=rule,
        match=place,
    )


def _rank(name: str, kind: str) -> int:
    if not name:
        return 0
    return -1 if kind == "RegularExpression" else -1 - len(name)
