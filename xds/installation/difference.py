"""What applying an object would change, as paths of fields. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xds.installation.manifests import Json

BOOKS = frozenset({"creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"})  # the API server's own
LONGEST = 40  # characters of a value


def differences(before: Json, after: Json) -> list[str]:
    """`spec.replicas 1 → 2`, in the order of the fields."""
    return list(_between(_own(before), _own(after), ""))


def _own(document: Json) -> Json:
    metadata = {name: value for name, value in document.get("metadata", {}).items() if name not in BOOKS}
    return {**{name: value for name, value in document.items() if name != "status"}, "metadata": metadata}


def _between(before: Any, after: Any, path: str) -> Iterator[str]:
    match before, after:
        case dict(), dict():
            for name in sorted({*before, *after}):
                yield from _between(before.get(name), after.get(name), f"{path}.{name}" if path else name)
        case list(), list() if len(before) == len(after):
            for number, (old, new) in enumerate(zip(before, after, strict=True)):
                yield from _between(old, new, f"{path}[{number}]")
        case str(), str() if before != after and "\n" in before + after:
            yield from _between(before.splitlines(), after.splitlines(), path)
        case _ if before != after:
            yield f"{path} {_short(before)} → {_short(after)}"


def _short(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"{len(value)} {'fields' if isinstance(value, dict) else 'items'}"
    text = "nothing" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
