"""A change of path in Envoy's terms, shared by rewrite and redirect. Not a filter itself; knows no routes.

A prefix that is taken away leaves a slash to care for: /old/c becomes /c, and /old becomes /. Envoy replaces exactly what the
route matched, so such an entry becomes two routes, one for `/old/` and one for `/old` alone, whose prefix is replaced with a
slash. A regular expression would do it in one, until the prefix is longer than the program that Envoy lets it be.

Source: Gateway API, `HTTPPathModifier`: prefixes are replaced by whole segments, so that neither a slash at the end of the
match nor one at the end of the replacement can be seen in the result, and the result is never empty.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from protos.v3 import RegexMatchAndSubstitute, RegexMatcher
from translator.ir.route import Filter, PathMatch, Redirect, Rewrite


def prefix_replaced(match: PathMatch, value: str) -> dict[str, Any]:
    """Fields of a RouteAction or RedirectAction. A match that is no prefix covers the whole path."""
    if match.kind != "prefix":
        return {"regex_rewrite": path_replaced(value)}
    new = value.strip("/")
    if new and not match.value.strip("/"):  # it is replaced with its slash: /c becomes /new/c
        return {"prefix_rewrite": f"/{new}/"}
    return {"prefix_rewrite": f"/{new}"}


def takes_prefix_away(match: PathMatch, filters: Iterable[Filter]) -> bool:
    """Whether the entry must be two routes: see above."""
    changes = (row.path for row in filters if isinstance(row, Redirect | Rewrite))
    prefix = match.kind == "prefix" and match.value.strip("/")
    return bool(prefix) and any(change and change.kind == "prefix" and not change.value.strip("/") for change in changes)


def path_replaced(value: str) -> RegexMatchAndSubstitute:
    """All of the path, without the query."""
    return RegexMatchAndSubstitute(pattern=RegexMatcher(regex="^.*$"), substitution=(value or "/").replace("\\", "\\\\"))
