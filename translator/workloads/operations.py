"""JSON patches: operations on a document, one after another, all or none. Source: RFC 6902, and RFC 6901 for paths.

Written here, as nothing may be half applied, no copy of a copy may grow without bounds, and whoever wrote the patch is to be told which
of its operations does not fit, and why.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from translator.workloads.patch import DEEPEST, UnfitError

MOST, LARGEST = 1024, 50_000  # operations, and values in a document
_INDEX = re.compile("0|[1-9][0-9]{0,8}")
_MISSING: Any = object()


def changed(document: Any, operations: Any) -> Any:
    """What the operations make of a document, which stays as it is. UnfitError, which names the operation and its path."""
    if not isinstance(operations, list) or len(operations) > MOST:
        raise UnfitError(f"a JSON patch is a list of at most {MOST} operations")
    found = {"": copy.deepcopy(document)}  # below a name, so that the whole of it can be replaced as any part
    for number, one in enumerate(operations):
        said = one if isinstance(one, dict) else {}
        try:
            _apply(found, said)
            _bounded(found)
        except UnfitError as error:
            raise UnfitError(f"operation {number} of the patch ({said.get('op')} {said.get('path')}): {error}") from None
    return found[""]


def _apply(root: Any, one: dict[str, Any]) -> None:
    path = _path(one.get("path"))
    match one.get("op"):
        case "add":
            _put(root, path, _value(one))
        case "remove":
            _take(root, path)
        case "replace":
            _get(root, path)
            _put(root, path, _value(one), instead=True)
        case "move":
            source = _path(one.get("from"))
            if path[: len(source)] == source and path != source:
                raise UnfitError("nothing can be moved into itself")
            _put(root, path, _take(root, source))
        case "copy":
            _put(root, path, copy.deepcopy(_get(root, _path(one.get("from")))))
        case "test":
            if not same(_get(root, path), _value(one)):
                raise UnfitError("there is another value")
        case _:
            raise UnfitError("op is one of add, remove, replace, move, copy and test")


def same(one: Any, other: Any) -> bool:
    """As JSON has it: true is no number, and 1.0 is 1 (RFC 6902, 4.6)."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _value(one: dict[str, Any]) -> Any:
    if "value" not in one:
        raise UnfitError("it has no value")
    return copy.deepcopy(one["value"])


def _path(text: Any) -> list[str]:
    if not isinstance(text, str) or (text and text[0] != "/") or re.search("~(?![01])", text):
        raise UnfitError("a path is a JSON pointer, as /spec/replicas")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")]


def _get(root: Any, path: list[str]) -> Any:
    for part in path:
        found = _MISSING
        if isinstance(root, dict):
            found = root.get(part, _MISSING)
        elif isinstance(root, list) and _INDEX.fullmatch(part) and int(part) < len(root):
            found = root[int(part)]
        if found is _MISSING:
            raise UnfitError(f"there is no {part!r}" + (f" of {'/'.join(path)}" if part != path[-1] else ""))
        root = found
    return root


def _put(root: Any, path: list[str], value: Any, *, instead: bool = False) -> None:
    above, name = _get(root, path[:-1]), path[-1]
    if isinstance(above, dict):
        above[name] = value
    elif isinstance(above, list) and (name == "-" or (_INDEX.fullmatch(name) and int(name) <= len(above))):
        place = len(above) if name == "-" else int(name)
        above[place : place + instead] = [value]
    else:
        raise UnfitError(f"nothing can be put at {name!r}")


def _take(root: Any, path: list[str]) -> Any:
    found, above = _get(root, path), _get(root, path[:-1])
    if len(path) == 1:
        raise UnfitError("the whole cannot be taken away")
    del above[path[-1] if isinstance(above, dict) else int(path[-1])]
    return found


def _bounded(root: Any) -> None:
    """Before anything walks down what was made."""
    waiting, count = [(root, 0)], 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if depth > DEEPEST or count > LARGEST:
            raise UnfitError("what it makes is too large, or too deep")
        below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting += [(each, depth + 1) for each in below]
