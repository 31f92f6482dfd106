"""What a schema forbids, in words: each error with its path, what is wanted and what is there. Runs no rule of a kind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema_rs import Draft202012Validator, RegexOptions, ValidationError, ValidationErrorKind

from translator.door.schema import json_schema
from translator.door.suggest import suggestion
from translator.ir.finding import Path

SHOWN = 60  # characters of a value in a message
NAMES = {"object": "an object", "array": "a list", "string": "text", "integer": "a whole number", "number": "a number",
         "boolean": "true or false", "null": "null"}  # fmt: skip
FORMATS = {"date-time": "a time like 2026-01-31T12:00:00Z", "ipv4": "an IPv4 address", "ipv6": "an IPv6 address"}


@dataclass(frozen=True, slots=True)
class Wrong:
    """One error. `blocking`: of a sort after which an API server runs no rules, as they could not mean anything."""

    code: str
    path: Path
    message: str
    fix: str = ""
    blocking: bool = True


class Validator:
    """One schema, ready to be asked. `secret` keeps every value out of every message."""

    def __init__(self, schema: Mapping[str, Any], *, secret: bool = False) -> None:
        self._schema = Draft202012Validator(json_schema(schema), validate_formats=True, pattern_options=RegexOptions())
        self._secret = secret

    def wrongs(self, value: Any) -> Iterator[Wrong]:
        """ValueError where the value is not of JSON: too deep, not Unicode, of a type that JSON does not have."""
        if not self._schema.is_valid(value):
            for error in self._schema.iter_errors(value):
                yield self._worded(error)

    def _worded(self, error: ValidationError) -> Wrong:
        path = tuple(error.instance_path)
        kind = error.kind
        if isinstance(kind, ValidationErrorKind.Required):
            return Wrong("PM0108", (*path, kind.property), "is required")
        wanted, fix, blocking = _wanted(kind, None if self._secret else error.instance)
        return Wrong("PM0107", path, wanted if self._secret else f"{wanted}, not {shown(error.instance)}", fix, blocking)


def _wanted(kind: ValidationErrorKind, instance: Any) -> tuple[str, str, bool]:
    """What the schema wants, what may mend it, and whether rules still make sense."""
    match kind:
        case ValidationErrorKind.Type():
            types = kind.types
            return "must be " + " or ".join(NAMES[one] for one in types), _quoted(types, instance), True
        case ValidationErrorKind.Enum():
            options = [str(one) for one in kind.options]
            near = suggestion(instance, options)
            return "must be " + " or ".join(shown(one) for one in kind.options), f"did you mean {near}?" if near else "", True
        case ValidationErrorKind.Pattern():
            return f"must match {kind.pattern}", "", False
        case ValidationErrorKind.Format():
            return f"must be {FORMATS.get(kind.format, kind.format)}", "", False
        case ValidationErrorKind.MinLength() | ValidationErrorKind.MinItems() | ValidationErrorKind.MinProperties():
            return f"must have at least {kind.limit} {_unit(kind.name, kind.limit)}", "", False
        case ValidationErrorKind.MaxLength() | ValidationErrorKind.MaxItems() | ValidationErrorKind.MaxProperties():
            return f"must have at most {kind.limit} {_unit(kind.name, kind.limit)}", "", True
        case ValidationErrorKind.Minimum():
            return f"must be at least {kind.limit}", "", False
        case ValidationErrorKind.Maximum():
            return f"must be at most {kind.limit}", "", False
        case ValidationErrorKind.OneOfNotValid() | ValidationErrorKind.AnyOf():
            return "must be one of the forms that " + _forms(kind), "", False
        case _:
            return f"is not allowed by the schema ({kind.name})", "", False


def _quoted(types: list[str], instance: Any) -> str:
    """YAML reads `yes`, `1.10` and `null` as something else than text."""
    if "string" in types and instance is not None and isinstance(instance, bool | int | float):
        return "put the value in quotes"
    return ""


def _unit(keyword: str, limit: int) -> str:
    unit = {"Length": "character", "Items": "item", "Properties": "field"}[keyword[3:]]
    return unit if limit == 1 else f"{unit}s"


def _forms(kind: Any) -> str:
    """The first thing that each form wants."""
    wants = dict.fromkeys(_wanted(branch[0].kind, None)[0] for branch in kind.context if branch)
    return "are allowed: " + "; or it ".join(wants) if wants else "are allowed"


def shown(value: Any) -> str:
    """A value in a message: short, on one line, without control characters."""
    if isinstance(value, dict | list):
        return NAMES["object" if isinstance(value, dict) else "array"]
    text = json.dumps(value, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
