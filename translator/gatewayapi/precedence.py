"""Which match is asked first. Source: Gateway API v1.6.1, `HTTPRouteRule.matches`.

The text leaves the place of regular expressions to implementations: ours stand after exact paths and before prefixes,
longest first, since they are written to say more than a prefix does. Length counts the characters of the path without
a trailing slash, which changes nothing about what a prefix matches.
"""

from __future__ import annotations

from translator.ir.route import Match, PathMatch, Precedence

KINDS = {"exact": 0, "regex": 1, "prefix": 2}


def precedence(match: Match, created: str, key: str, rule: int, place: int) -> Precedence:
    """`created` is RFC 3339 in UTC; an object without a time counts as oldest, so that a folder is ordered by name.
    `place` is that of the match in its rule.
    """
    return Precedence(
        path=KINDS[match.path.kind],
        length=-_length(match.path),
        method=not match.method,
        headers=-len(match.headers),
        query=-len(match.query),
        created=created,
        key=key,
        rule=rule,
        match=place,
    )


def _length(path: PathMatch) -> int:
    return len(path.value.rstrip("/")) if path.kind == "prefix" else len(path.value)
