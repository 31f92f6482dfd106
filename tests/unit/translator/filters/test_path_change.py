"""Claims about changes of path: what Envoy makes of the fields is computed here, by its own words."""

from __future__ import annotations

import pytest
import re2

from translator.filters.path_change import path_replaced, prefix_replaced, takes_prefix_away
from translator.ir.route import Filter, Headers, PathChange, PathMatch, Redirect, Rewrite


def rewritten(match: str, value: str, path: str) -> str:
    """As Envoy does it: prefix_rewrite in place of what was matched, or regex_rewrite on the whole path."""
    fields = prefix_replaced(PathMatch("prefix", match), value)
    if change := fields.get("regex_rewrite"):
        return re2.sub(change.pattern.regex, change.substitution, path)
    matched = match.rstrip("/") or "/"
    if takes_prefix_away(PathMatch("prefix", match), (Rewrite(path=PathChange("prefix", value)),)):
        matched += "/" if path.startswith(f"{matched}/") else ""  # a route for each
    assert path.startswith(matched)
    return fields["prefix_rewrite"] + path[len(matched) :]


# The table of HTTPPathModifier in the Gateway API, and the cases where implementations went astray
@pytest.mark.parametrize(
    ("match", "value", "path", "result"),
    [
        ("/foo", "/xyz", "/foo/bar", "/xyz/bar"),
        ("/foo", "/xyz/", "/foo/bar", "/xyz/bar"),
        ("/foo/", "/xyz", "/foo/bar", "/xyz/bar"),
        ("/foo/", "/xyz/", "/foo/bar", "/xyz/bar"),
        ("/foo", "/xyz", "/foo", "/xyz"),
        ("/foo", "/xyz", "/foo/", "/xyz/"),
        ("/foo", "", "/foo/bar", "/bar"),
        ("/foo", "", "/foo/", "/"),
        ("/foo", "", "/foo", "/"),
        ("/foo", "/", "/foo/", "/"),
        ("/foo", "/", "/foo", "/"),
        ("/foo/", "/xyz", "/foo", "/xyz"),
        ("/", "/new", "/c", "/new/c"),
        ("/", "/new/", "/c", "/new/c"),
        ("/", "/", "/c", "/c"),
        ("/", "", "/c", "/c"),
        ("/a.b", "", "/a.b/c", "/c"),
        ("/foo", "xyz", "/foo/bar", "/xyz/bar"),
    ],
)
def test_prefix_is_replaced_by_whole_segments(match: str, value: str, path: str, result: str) -> None:
    assert rewritten(match, value, path) == result


@pytest.mark.parametrize(
    ("match", "row", "away"),
    [
        (PathMatch("prefix", "/a"), Rewrite(path=PathChange("prefix", "/")), True),
        (PathMatch("prefix", "/a/"), Redirect(path=PathChange("prefix", "")), True),
        (PathMatch("prefix", "/a"), Rewrite(path=PathChange("prefix", "/b")), False),
        (PathMatch("prefix", "/a"), Rewrite(path=PathChange("full", "/")), False),
        (PathMatch("prefix", "/a"), Rewrite(hostname="b"), False),
        (PathMatch("prefix", "/"), Rewrite(path=PathChange("prefix", "/")), False),
        (PathMatch("exact", "/a"), Rewrite(path=PathChange("prefix", "/")), False),
        (PathMatch("prefix", "/a"), Headers(on="request"), False),
    ],
)
def test_prefix_is_taken_away_where_nothing_takes_its_place(match: PathMatch, row: Filter, away: bool) -> None:
    assert takes_prefix_away(match, (row,)) is away


def test_match_that_is_no_prefix_has_its_whole_path_replaced() -> None:
    change = prefix_replaced(PathMatch("exact", "/foo"), "/xyz")["regex_rewrite"]
    assert re2.sub(change.pattern.regex, change.substitution, "/foo") == "/xyz"


@pytest.mark.parametrize("path", ["/", "/a", "/a/b"])
def test_full_path_replaces_every_path_once(path: str) -> None:
    change = path_replaced("/new")
    assert re2.sub(change.pattern.regex, change.substitution, path) == "/new"


def test_backslash_in_a_path_is_no_group_of_the_expression() -> None:
    assert path_replaced(r"/a\1").substitution == r"/a\\1"


def test_empty_full_path_is_the_root() -> None:
    assert path_replaced("").substitution == "/"
