"""Matches of a VirtualService, narrowed to requests of a key and of one rule of it.

Source: Istio API networking.istio.io/v1, HTTPMatchRequest: `uri.prefix` is a prefix of characters and not of segments, all
conditions of a match hold, and of several matches one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from translator.ir.keys import KeyRule
from translator.ir.mesh import Branch
from translator.mesh.matching import Json, headers
from translator.mesh.rules import CannotSayError


def narrowed(matches: Iterable[Json], branch: Branch) -> list[Json]:
    """Each match of the user's in each spelling of the key, as far as the rule fits; nothing where they have no request in common.
    Where he asks for that header himself, he is asked nothing more. CannotSayError.
    """
    ruled = [each for match in matches for each in _ruled(match, branch.rule)]
    return [each for match in ruled for each in _spelled(match, branch)]


def _spelled(match: Json, branch: Branch) -> Iterator[Json]:
    for name, value, expression in headers(branch):
        if name not in match.get("headers", {}):
            yield {**match, "headers": {**match.get("headers", {}), name: {"regex" if expression else "exact": value}}}


def _ruled(match: Json, rule: KeyRule) -> Iterator[Json]:
    asked = _headers(match.get("headers") or {}, rule)
    if asked is None:
        return
    more = {"headers": asked} if asked else {}
    if not (rule.prefixes or rule.exact):
        yield {**match, **more}
        return
    for uri in _paths(match, rule):
        yield {**match, "uri": uri, **more}


def _headers(theirs: Json, rule: KeyRule) -> Json | None:
    """Of both; None where no request can have them."""
    found = dict(theirs)
    for name, value in rule.headers:
        [(how, wanted)] = (theirs.get(name) or {"exact": value}).items()
        if how == "regex":
            raise CannotSayError(f"it asks for header {name} by a regular expression, and the rule for a value")
        if not (value == wanted if how == "exact" else value.startswith(wanted)):
            return None
        found[name] = {"exact": value}
    return found


def _paths(match: Json, rule: KeyRule) -> list[Json]:
    wanted = [*(("exact", one) for one in rule.exact), *(each for one in rule.prefixes for each in _segments(one))]
    if "uri" not in match:
        return [{how: value} for how, value in wanted]
    [(form, theirs)] = match["uri"].items()
    if form == "regex" or match.get("ignoreUriCase"):
        raise CannotSayError("it asks for paths by a regular expression or in any case, and the rule for some of them")
    both = [_both((form, theirs), one) for one in wanted]
    return [{how: value} for how, value in dict.fromkeys(one for one in both if one)]


def _segments(prefix: str) -> Sequence[tuple[str, str]]:
    """A prefix of whole segments, as prefixes of characters."""
    bare = prefix.rstrip("/")
    return ("exact", bare), ("prefix", f"{bare}/")


def _both(one: tuple[str, str], other: tuple[str, str]) -> tuple[str, str] | None:
    """Paths that fit both."""
    exact, prefix = sorted((one, other))  # two alike, or the exact one first
    if prefix[0] == "exact":
        return one if one == other else None
    if exact[0] == "exact":
        return exact if exact[1].startswith(prefix[1]) else None
    short, long = sorted((one[1], other[1]), key=len)
    return ("prefix", long) if long.startswith(short) else None
