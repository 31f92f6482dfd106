"""What one rule demands of one value. Knows the kinds of rules; knows nothing of messages and where values stand in them.

A value obeys a rule or it does not: each rule becomes a predicate with its name. Presence (`required`), repetition and
nesting are not rules on a value: messages.py reads those.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from protos.v3 import Duration, FieldRules, KnownRegex, MapRules, Message, RepeatedRules

Obeys = Callable[[Any], bool]
Rules = dict[str, Callable[[Any], Obeys]]  # name of a rule → what it demands, given its limit
Constraint = tuple[str, Obeys]  # `string.min_len`, and whether a value obeys it

NANOSECONDS = 10**9
TOO_LONG = 9_223_372_036  # seconds, whose nanoseconds no longer fit 64 bits: Envoy 1.40 takes one second less


class UnknownRuleError(Exception):
    """The API has a rule that nothing here understands. Envoy may refuse what we would let pass."""


def _at_least(limit: int) -> Obeys:
    return lambda value: len(value) >= limit


def _at_most(limit: int) -> Obeys:
    return lambda value: len(value) <= limit


def _matching(pattern: str) -> Obeys:
    """On the whole value, as in Envoy. The patterns are the API's own and mean the same to RE2; `re` asks them 20 times faster."""
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: compiled.fullmatch(value) is not None


def _none_of(refused: Iterable[Any]) -> Obeys:
    known = frozenset(refused)
    return lambda value: value not in known


_SAME: Rules = {
    "const": lambda wanted: lambda value: bool(value == wanted),
    "in": lambda wanted: frozenset(wanted).__contains__,
    "not_in": _none_of,
}
# NaN is below and above nothing, and refused by each of these: Envoy would let it pass, we never mean it
_ORDERED: Rules = _SAME | {
    "lt": lambda limit: lambda value: bool(value < limit),
    "lte": lambda limit: lambda value: bool(value <= limit),
    "gt": lambda limit: lambda value: bool(value > limit),
    "gte": lambda limit: lambda value: bool(value >= limit),
}
_DURATION: Rules = {name: make for name, make in _ORDERED.items() if name not in ("in", "not_in")}
_BYTES: Rules = _SAME | {"min_len": _at_least, "max_len": _at_most}
_STRING: Rules = _BYTES | {  # lengths are in characters
    "max_bytes": lambda limit: lambda value: len(value) <= limit // 4 or len(value.encode()) <= limit,
    "prefix": lambda wanted: lambda value: bool(value.startswith(wanted)),
    "suffix": lambda wanted: lambda value: bool(value.endswith(wanted)),
    "pattern": _matching,
}
_COUNTS: Rules = {
    "min_items": _at_least,
    "max_items": _at_most,
    "min_pairs": _at_least,
    "max_pairs": _at_most,
    "unique": lambda wanted: lambda values: not wanted or len(set(values)) == len(values),
}
_NUMBERS = ("float", "double", "int32", "int64", "uint32", "uint64")
_KINDS: dict[str, Rules] = {
    **dict.fromkeys(_NUMBERS, _ORDERED),
    "duration": _DURATION,
    "bool": _SAME,
    "enum": _SAME,
    "string": _STRING,
    "bytes": _BYTES,
    "any": {},
}

_NOT_ON_VALUES = frozenset({"required", "strict", "ignore_empty", "items", "keys", "values"})  # read elsewhere, or modify others

# Strict headers, as Envoy's validators have them: `+-.` is a range there too, and lets a comma pass
_HEADER_NAME = r"^:?[0-9a-zA-Z!#$%&'*+-.^_|~\x60]+$"
_HEADER_VALUE = r"^[^\x00-\x08\x0A-\x1F\x7F]*$"


def constraints(rules: FieldRules, enum: frozenset[int]) -> list[Constraint]:
    """What these rules demand of a single value. `enum` is what its enumeration, if it is one, defines.

    Raises UnknownRuleError for a rule that is not understood.
    """
    kind = rules.WhichOneof("type")
    if kind is None or kind in ("repeated", "map"):
        return []
    typed = getattr(rules, kind)
    limits = _limits(typed)
    made = {name: _obeys(kind, name, wanted, typed, enum) for name, wanted in limits.items()}
    named = [(f"{kind}.{name}", obeys) for name, obeys in _outside(kind, made, limits).items()]
    return _unless_empty(named, typed) if kind in ("string", "bytes", *_NUMBERS) else named


def counts(kind: str, typed: RepeatedRules | MapRules) -> list[Constraint]:
    """What is demanded of all elements together. Raises UnknownRuleError."""
    limits = _limits(typed)
    if unknown := limits.keys() - _COUNTS.keys():
        raise UnknownRuleError(f"{kind}.{unknown.pop()}")
    return _unless_empty([(f"{kind}.{name}", _COUNTS[name](wanted)) for name, wanted in limits.items()], typed)


def nanoseconds(duration: Duration) -> int:
    return duration.seconds * NANOSECONDS + duration.nanos


def _limits(typed: Message) -> dict[str, Any]:
    return {field.name: wanted for field, wanted in typed.ListFields() if field.name not in _NOT_ON_VALUES}


def _obeys(kind: str, name: str, wanted: Any, typed: Any, enum: frozenset[int]) -> Obeys:
    known = _KINDS.get(kind, {}).get(name)
    match kind, name:
        case "enum", "defined_only" if wanted:
            return enum.__contains__
        case "string", "well_known_regex":
            return _header(wanted, strict=typed.strict or not typed.HasField("strict"))
        case "duration", _ if known is not None:
            obeys = known(nanoseconds(wanted))
            return lambda duration: obeys(nanoseconds(duration))
        case _ if known is not None:
            return known(wanted)
    raise UnknownRuleError(f"{kind}.{name}")


def _outside(kind: str, made: dict[str, Obeys], limits: dict[str, Any]) -> dict[str, Obeys]:
    """A lower limit above the upper one means: not between them. One rule, named `outside`, then stands for both."""
    lower, upper = next((n for n in ("gt", "gte") if n in limits), ""), next((n for n in ("lt", "lte") if n in limits), "")
    if not lower or not upper:
        return made
    low, high = (nanoseconds(limits[name]) if kind == "duration" else limits[name] for name in (lower, upper))
    if low <= high:
        return made
    above, below = made[lower], made[upper]
    rest = {name: obeys for name, obeys in made.items() if name not in (lower, upper)}
    return rest | {"outside": lambda value: above(value) or below(value)}


def _unless_empty(made: list[Constraint], typed: Any) -> list[Constraint]:
    return [(name, _empty_or(obeys)) for name, obeys in made] if typed.ignore_empty else made


def _empty_or(obeys: Obeys) -> Obeys:
    return lambda value: not value or obeys(value)


def _header(regex: int, *, strict: bool) -> Obeys:
    if not strict:
        return lambda value: "\0" not in value and "\n" not in value and "\r" not in value
    match regex:
        case KnownRegex.HTTP_HEADER_NAME:
            return _matching(_HEADER_NAME)
        case KnownRegex.HTTP_HEADER_VALUE:
            return _matching(_HEADER_VALUE)
    raise UnknownRuleError(f"string.well_known_regex {regex}")


def _in_range(duration: Duration) -> bool:
    return 0 <= duration.seconds < TOO_LONG and 0 <= duration.nanos < NANOSECONDS


# No rule of the API, yet Envoy asks it of every duration in a message that it loads, and refuses the message
DURATION: Constraint = ("duration.range", _in_range)
