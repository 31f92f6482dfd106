"""Matches of routes of the Gateway API for the rules of a key. There no list says which rule is first: the more special match is.

So a rule also matches what it has in common with a more special match of a rule behind it; and of matches that are alike the first
of a route decides. Source: Gateway API, HTTPRouteRule.matches and GRPCRouteRule.matches: exact paths, then longer prefixes, then
more headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import product
from typing import NamedTuple

from translator.ir.keys import KeyRule
from translator.mesh.matching import Json
from translator.mesh.rules import CannotSayError

EXACT, PREFIX = "Exact", "PathPrefix"
MOST = 64  # matches of a rule, by the CRD
HEADERS = 16  # of a match, by the CRD
GRPC = re.compile(r"/([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:/([A-Za-z_]\w*))?", re.ASCII)


class Fits(NamedTuple):
    """Requests of one path, or below it, that have these headers."""

    path: str = "/"
    how: str = PREFIX
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def special(self) -> tuple[bool, int, int]:
        """What a mesh compares of two that both fit."""
        return self.how == EXACT, len(self.path), len(self.headers)


def in_order(rules: Sequence[KeyRule], *, grpc: bool) -> list[list[Fits]]:
    """The matches of each, so that of two rules that fit the first is taken. CannotSayError where they are more than a rule may have."""
    found: list[list[Fits]] = []
    for rule in reversed(rules):
        found.append(_before(_fits(rule, grpc=grpc), [one for later in found for one in later]))
    return found[::-1]


def _fits(rule: KeyRule, *, grpc: bool) -> list[Fits]:
    if len(rule.headers) >= HEADERS:
        raise CannotSayError(f"a match has {HEADERS} headers at most, and one is the key's")
    paths = [*((one, EXACT) for one in rule.exact), *((one.rstrip("/"), PREFIX) for one in rule.prefixes)] or [("/", PREFIX)]
    asked = [_method(*one) for one in paths] if grpc and (rule.exact or rule.prefixes) else paths
    return [Fits(*one, rule.headers) for one in dict.fromkeys(asked) if one]


def _method(path: str, how: str) -> tuple[str, str] | None:
    """Of gRPC a path is /SERVICE/METHOD; others fit none of its requests."""
    found = GRPC.fullmatch(path)
    if not found or (how == EXACT and not found[2]):
        return None
    return path, EXACT if found[2] else PREFIX


def _before(mine: Iterable[Fits], behind: Sequence[Fits]) -> list[Fits]:
    found = dict.fromkeys(mine)
    look = [*found]
    while look:
        one = look.pop()
        both = sorted({each for other in behind if other.special > one.special and (each := _both(one, other))} - found.keys())
        found |= dict.fromkeys(both)  # in an order that is the same in every process
        look += both
        if len(found) > MOST:
            raise CannotSayError(f"with what rules behind it have in common it is more than {MOST} matches")
    return [*found]


def _both(one: Fits, other: Fits) -> Fits | None:
    """Requests that fit both."""
    short, long = sorted((one, other), key=lambda each: each.special[:2])
    below = long.path == short.path or (short.how == PREFIX and long.path.startswith(f"{short.path.rstrip('/')}/"))
    headers = dict(one.headers) | dict(other.headers)
    if not below or any(headers[name] != value for name, value in one.headers):
        return None
    if len(headers) >= HEADERS:
        raise CannotSayError(f"with what rules behind it ask for it has more than {HEADERS} headers")
    return Fits(long.path, long.how, tuple(sorted(headers.items())))


def spelled(fits: Iterable[Fits], keys: Sequence[Json], *, grpc: bool) -> list[Json]:
    """As the kind of route has them, with each of these conditions on headers."""
    return [_match(one, key, grpc=grpc) for one, key in product(fits, keys)]


def _match(one: Fits, key: Json, *, grpc: bool) -> Json:
    headers = [*({"type": "Exact", "name": name, "value": value} for name, value in one.headers), key]
    if one.path == "/" and one.how == PREFIX:
        return {"headers": headers}
    if not grpc:
        return {"path": {"type": one.how, "value": one.path}, "headers": headers}
    _, service, *method = one.path.split("/")
    return {"method": {"type": "Exact", "service": service, **({"method": method[0]} if method else {})}, "headers": headers}
