"""A JSON Patch that a user has put on his object, applied to routes that are made of his.

Source: RFC 6902, of which the operations are heard that Signadot documents for `istio.signadot.com/json-patch`: each has an op, a path
and a value. As its examples want it, `add` makes what is missing on the way, and `remove` passes over what is not there: one patch is
for several routes, which are not alike. Knows nothing of Istio.
"""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise
from typing import Any

import msgspec

from translator.mesh.matching import Json
from translator.mesh.rules import CannotSayError

LONGEST, MOST, DEEPEST = 16_384, 64, 32  # characters of a patch, its operations, and steps of a path or a value


class Operation(msgspec.Struct, frozen=True):
    """As it is written."""

    op: str
    path: str
    value: Any = None


def patched(document: Json, text: str) -> Json:
    """Another document. CannotSayError."""
    made = deepcopy(document)
    for one in _read(text):
        try:
            _apply(made, one)
        except (KeyError, IndexError, ValueError, TypeError):
            raise CannotSayError(f"its JSON patch cannot {one.op} {one.path}") from None
    return made


def _read(text: str) -> list[Operation]:
    try:
        found = msgspec.json.decode(text[: LONGEST + 1], type=list[Operation])
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise CannotSayError("its JSON patch is none: a list of op, path and value") from None
    if len(text) > LONGEST or len(found) > MOST:
        raise CannotSayError(f"its JSON patch is longer than {LONGEST} characters or {MOST} operations")
    return found


def _apply(document: Json, one: Operation) -> None:
    """KeyError, IndexError, ValueError and TypeError where it does not fit."""
    root, *steps = [part.replace("~1", "/").replace("~0", "~") for part in one.path.split("/")]
    known = one.op in ("add", "remove", "replace", "test")
    if root or not known or not 0 < len(steps) <= DEEPEST or not _is_shallow(one.value, DEEPEST):
        raise ValueError(one.path)
    node: Any = document
    for step, following in pairwise(steps):
        if one.op == "add" and isinstance(node, dict) and step not in node:
            node[step] = [] if following == "-" else {}
        elif one.op == "remove" and not _has(node, step):
            return
        node = node[_place(node, step)]
    _change(node, steps[-1], one)


def _change(node: Any, step: str, one: Operation) -> None:
    if one.op == "add" and isinstance(node, list):
        place = len(node) if step == "-" else int(_place(node, step))
        if place > len(node):
            raise IndexError(step)
        node.insert(place, deepcopy(one.value))
    elif one.op == "add":
        node[_place(node, step)] = deepcopy(one.value)
    elif one.op == "remove":
        if _has(node, step):
            del node[_place(node, step)]
    elif not _has(node, step) or (one.op == "test" and node[_place(node, step)] != one.value):
        raise KeyError(step)
    elif one.op == "replace":
        node[_place(node, step)] = deepcopy(one.value)


def _is_shallow(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_is_shallow(one, levels - 1) for one in inner)


def _place(node: Any, step: str) -> int | str:
    """In a list a number without zeros in front (RFC 6901), in an object a name. TypeError, ValueError."""
    if isinstance(node, dict):
        return step
    if not isinstance(node, list) or not step.isascii() or not step.isdigit() or (step[0] == "0" and step != "0"):
        raise ValueError(step)
    return int(step)


def _has(node: Any, step: str) -> bool:
    if isinstance(node, dict):
        return step in node
    return isinstance(node, list) and step.isascii() and step.isdigit() and int(step) < len(node)
