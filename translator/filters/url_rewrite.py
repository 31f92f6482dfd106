"""URL rewrite: another host or path on the way to the backend.

Source: Gateway API, `HTTPURLRewriteFilter`.
"""

from __future__ import annotations

from typing import Any

from protos.v3 import Route, RouteAction
from translator.filters.path_change import path_replaced, prefix_replaced
from translator.ir.route import PathChange, PathMatch, Rewrite, Site


def on_route(row: Rewrite, site: Site) -> Route:
    host: dict[str, Any] = {"host_rewrite_literal": row.hostname} if row.hostname else {}
    return Route(route=RouteAction(**host, **_path(row.path, site.path)))


def _path(change: PathChange | None, match: PathMatch) -> dict[str, Any]:
    if change is None:
        return {}
    return prefix_replaced(match, change.value) if change.kind == "prefix" else {"regex_rewrite": path_replaced(change.value)}
