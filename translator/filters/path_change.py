"""A change of path in Envoy's terms, shared by rewrite and redirect. Not a filter itself; knows no routes.

Source: Gateway API, `HTTPPathModifier`: prefixes are replaced by whole segments, so that neither a slash at the end of the
match nor one at the end of the replacement can be seen in the result, and the result is never empty.
"""

from __future__ import annotations

from typing import Any

import re2

from protos.v3 import RegexMatchAndSubstitute, RegexMatcher
from translator.ir.route import PathMatch


def prefix_replaced(match: PathMatch, value: str) -> dict[str, Any]:
    """Fields of a RouteAction or RedirectAction. A match that is no prefix covers the whole path."""
    if match.kind != "prefix":
        return {"regex_rewrite": path_replaced(value)}
    old, new = match.value.rstrip("/"), value.strip("/")
    if not old:  # the match `/` is replaced with its slash: /c becomes /new/c
        return {"prefix_rewrite": f"/{new}/" if new else "/"}
    if new:
        return {"prefix_rewrite": f"/{new}"}
    return {"regex_rewrite": _substituted(f"^{re2.escape(old)}/?", "/")}  # /old/c becomes /c, /old becomes /


def path_replaced(value: str) -> RegexMatchAndSubstitute:
    """All of the path, without the query."""
    return _substituted("^.*$", value or "/")


def _substituted(pattern: str, text: str) -> RegexMatchAndSubstitute:
    return RegexMatchAndSubstitute(pattern=RegexMatcher(regex=pattern), substitution=text.replace("\\", "\\\\"))
