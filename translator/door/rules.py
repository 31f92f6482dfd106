"""Runs the rules of a kind over an object, at each place where its schema has some. Knows neither kinds nor findings.

All rules of one place are asked as one program first: where their conjunction is true each of them is, and an error in any
of them keeps it from being true. Only when it is not are they asked one by one, to say which.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from translator.door.cel import Cel
from translator.door.schema import Node, Rule
from translator.ir.finding import Path


def broken(node: Node, value: Any, cel: Cel) -> Iterator[tuple[Path, str]]:
    """Path and message of every rule that the object breaks."""
    if node.ruled:
        yield from _broken(node, _as_cel(node, value), (), cel)


def _broken(node: Node, value: Any, at: Path, cel: Cel) -> Iterator[tuple[Path, str]]:
    if node.rules and value is not None and not cel.holds(node.conjunction, value):
        for rule in node.rules:
            if not cel.holds(rule.text, value):
                yield (*at, *rule.field_path), _message(rule, value, cel)
    for step, below, inner in _ruled_parts(node, value):
        yield from _broken(below, inner, (*at, step), cel)


def _ruled_parts(node: Node, value: Any) -> Iterator[tuple[str | int, Node, Any]]:
    """Each part of the value below which its schema has rules."""
    if isinstance(value, list) and node.items is not None and node.items.ruled:
        for index, item in enumerate(value):
            yield index, node.items, item
    elif isinstance(value, dict):
        for name, below in node.ruled_properties:
            if (inner := value.get(node.spoken.get(name, name))) is not None:
                yield name, below, inner
        if node.values is not None and node.values.ruled:
            for name, inner in value.items():
                yield name, node.values, inner


def _message(rule: Rule, value: Any, cel: Cel) -> str:
    return (rule.message_expression and cel.text(rule.message_expression, value)) or rule.message


def _as_cel(node: Node, value: Any) -> Any:
    """The value under the names that CEL can say, numbers as doubles where the schema says number; itself where nothing differs."""
    if not node.differs:
        return value
    if isinstance(value, dict):
        return {node.spoken.get(name, name): _as_cel(below, inner) if (below := node.properties.get(name) or node.values) else inner
                for name, inner in value.items()}  # fmt: skip
    if isinstance(value, list) and node.items is not None:
        return [_as_cel(node.items, item) for item in value]
    return float(value) if node.type == "number" and type(value) is int else value
