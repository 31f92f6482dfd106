"""What is different between two states of one object, in the words of its fields. For people: nothing decides by it."""

from __future__ import annotations

from collections.abc import Iterator
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
    found = list(_fields(msgspec.to_builtins(old), msgspec.to_builtins(new), ()))
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return ", ".join([*(f"{field_path(path)} {_short(was)} → {_short(now)}" for path, was, now in found[:_SHOWN]), *more])


def _fields(was: Any, now: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    if isinstance(was, dict) and isinstance(now, dict):
        for name in dict.fromkeys((*was, *now)):
            yield from _fields(was.get(name), now.get(name), (*path, name))
    elif isinstance(was, list | tuple) and isinstance(now, list | tuple) and len(was) == len(now):
        for index, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from _fields(one, other, (*path, index))
    elif was != now:
        yield path, was, now


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "1 item" if len(value) == 1 else f"{len(value)} items"
    text = "none" if value is None else "{…}" if isinstance(value, dict) else str(value)
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
