"""Findings: bad input as a value. What is wrong, with which object and field, and what mends it."""

from __future__ import annotations

from typing import Literal

from translator.ir.value import Row

Severity = Literal["error", "warning"]
Path = tuple[str | int, ...]


class Finding(Row, frozen=True, gc=False, kw_only=True):
    """One thing that is wrong with one object.

    `code` is stable (`PM0201`) and explained in docs/findings.md; `kind` and `key` name the object; `path` leads to the
    field, from the object's root; `fix` is one imperative sentence, or empty where none can be given.
    """

    code: str
    kind: str
    key: str
    message: str
    path: Path = ()
    fix: str = ""
    severity: Severity = "error"


def field_path(path: Path) -> str:
    """`spec.rules[0].backendRefs[1].name`, as kubectl and the API server write it."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
