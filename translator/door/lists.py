"""Lists whose items are told apart by keys or by value hold no item twice. Source: x-kubernetes-list-type `map` and `set`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from translator.door.schema import Node
from translator.ir.finding import Path


def repeated(node: Node, value: Any, at: Path = ()) -> Iterator[tuple[Path, str]]:
    """The path of each item that is there before, and what tells it apart. For a value that fits its schema."""
    if isinstance(value, dict):
        for name, inner in value.items():
            below = node.properties.get(name) or node.values
            if below is not None and isinstance(inner, dict | list):
                yield from repeated(below, inner, (*at, name))
    elif isinstance(value, list) and node.items is not None:
        if node.keys is not None and len(value) > 1:
            yield from _twice(node.keys, value, at)
        for index, item in enumerate(value):
            if isinstance(item, dict | list):
                yield from repeated(node.items, item, (*at, index))


def _twice(keys: tuple[str, ...], items: list[Any], at: Path) -> Iterator[tuple[Path, str]]:
    seen: set[str] = set()
    for index, item in enumerate(items):
        identity = json.dumps([item.get(key) for key in keys] if keys and isinstance(item, dict) else item, sort_keys=True)
        if identity in seen:
            yield (*at, index), " and ".join(keys)
        seen.add(identity)
