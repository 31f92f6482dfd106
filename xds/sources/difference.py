"""What is different between two states of one object, in the words of its fields. For people: nothing decides by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec

from translator.ir.finding import Path, field_path
from translator.resources.core import Secret
from translator.resources.meta import Object

_SHOWN = 2
_WIDTH = 40


def difference(old: Object | None, new: Object | None) -> str:
    """`spec.rules[0].backendRefs[0].weight 90 → 50`, the first two fields and how many more. Contents of Secrets stay hidden."""
    if old is None or new is None:
        return "" if old is new else "new" if old is None else "gone"
    if isinstance(new, Secret):
        return "changed"
    found = list(_fields(old, new, ()))
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return ", ".join([*(f"{field_path(path)} {_short(was)} → {_short(now)}" for path, was, now in found[:_SHOWN]), *more])


def _fields(was: Any, now: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    if was == now:
        return
    if type(was) is type(now) and (names := _names(was)):
        for attribute, name in names:
            yield from _fields(getattr(was, attribute), getattr(now, attribute), (*path, name))
    elif isinstance(was, dict) and isinstance(now, dict):
        for name in dict.fromkeys((*was, *now)):
            yield from _fields(was.get(name), now.get(name), (*path, name))
    elif isinstance(was, list | tuple) and isinstance(now, list | tuple) and len(was) == len(now):
        for index, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from _fields(one, other, (*path, index))
    else:
        yield path, was, now


def _names(value: Any) -> list[tuple[str, str]]:
    """A value's attributes, and what users call them. Defaults are said as they are: a weight went to 1, and not to nothing."""
    if isinstance(value, msgspec.Struct):
        return list(zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True))
    return [(one.name, one.name) for one in fields(value)] if is_dataclass(value) else []


def _short(value: Any) -> str:
    if isinstance(value, list | tuple) and value:
        return "1 item" if len(value) == 1 else f"{len(value)} items"
    if isinstance(value, dict | msgspec.Struct) or is_dataclass(value):
        return "{…}"
    text = "none" if value in (None, "", (), []) else str(value)
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
