"""Gives an object the shape of its schema: defaults filled in, unknown fields and idle nulls dropped. Judges no value.

Source: apiextensions-apiserver `pkg/apiserver/schema/defaulting` and `pruning`: a null where none is allowed counts as absent,
defaults are filled in from the outside in, and what the schema does not name is pruned. The input is never changed.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from translator.door.schema import ABSENT, Node
from translator.ir.finding import Path


class Unknown(NamedTuple):
    """A field that was dropped, and the names that its place has."""

    path: Path
    known: tuple[str, ...]


def shaped(node: Node, value: Any, at: Path, unknown: list[Unknown]) -> Any:
    """The value as an API server would store it. What does not fit the type of its place stays as it is, for validation to name."""
    if isinstance(value, dict):
        if node.properties or node.values or not node.open:
            return _object(node, value, at, unknown) if node.type in ("object", "") else value
    elif isinstance(value, list):
        if node.items is not None:
            return [_item(node.items, item, (*at, index), unknown) for index, item in enumerate(value)]
    elif type(value) is float and node.type == "integer" and value.is_integer():
        return int(value)
    return value


def _object(node: Node, value: dict[Any, Any], at: Path, unknown: list[Unknown]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, inner in value.items():
        name = key if isinstance(key, str) else json.dumps(key, default=str)  # as YAML becomes JSON
        below = node.properties.get(name) or node.values
        if below is None:
            if node.open:
                out[name] = inner
            else:
                unknown.append(Unknown((*at, name), tuple(node.properties)))
        elif inner is not None or below.nullable:
            out[name] = shaped(below, inner, (*at, name), unknown)
        elif node.values and below is node.values and below.default is not ABSENT:
            out[name] = shaped(below, below.default, (*at, name), unknown)
    for name, default in node.defaults.items():
        if name not in out:
            out[name] = shaped(node.properties[name], default, (*at, name), unknown)
    return out


def _item(node: Node, value: Any, at: Path, unknown: list[Unknown]) -> Any:
    if value is None and not node.nullable and node.default is not ABSENT:
        value = node.default
    return shaped(node, value, at, unknown)
