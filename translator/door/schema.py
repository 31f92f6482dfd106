"""A structural schema, compiled once for the walks over objects. Knows what a schema says; applies none of it.

Source: Kubernetes, "Extend the Kubernetes API with CustomResourceDefinitions", structural schemas; and the Go package
k8s.io/apiextensions-apiserver/pkg/apiserver/schema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

ABSENT: Final = object()  # `None` is a value: null
INT64 = {"minimum": -(2**63), "maximum": 2**63 - 1}
FORMATS = frozenset({"date-time", "ipv4", "ipv6"})  # what our CRDs use, and JSON Schema means the same by
UNTYPED_IN_CEL = frozenset({"byte", "date", "date-time", "duration"})  # an API server gives rules a typed value for these
KEPT = ("required", "enum", "pattern", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties",
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")  # fmt: skip
JOINS = ("allOf", "anyOf", "oneOf")
# Names that CEL cannot say: its keywords and reserved words, and signs that it reads otherwise.
WORDS = frozenset(
    "true false null in as break const continue else for function if import let loop package namespace return var void while".split()
)
SIGNS = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}


class UnsupportedSchemaError(Exception):
    """A CRD asks for what no CRD of ours needs, and what is therefore not done here. A bug of whoever shipped that CRD."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of x-kubernetes-validations."""

    text: str
    message: str
    message_expression: str = ""
    field_path: tuple[str, ...] = ()

    @property
    def transition(self) -> bool:
        return re.search(r"\boldSelf\b", self.text) is not None


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """What one place of an object may hold. `spoken` are properties that CEL knows by another name."""

    type: str
    properties: Mapping[str, Node]
    defaults: Mapping[str, Any]  # of properties
    values: Node | None  # of a map
    items: Node | None
    nullable: bool
    default: Any
    open: bool  # unknown fields are kept
    keys: tuple[str, ...] | None  # what tells items apart; () is the whole item, None is their place
    rules: tuple[Rule, ...]
    conjunction: str  # of all rules
    ruled: bool  # rules stand here or below
    ruled_properties: tuple[tuple[str, Node], ...]
    spoken: Mapping[str, str]
    differs: bool  # here or below, CEL is given another value than JSON has


EMPTY: Mapping[str, Any] = {"x-kubernetes-preserve-unknown-fields": True}


def compiled(schema: Mapping[str, Any]) -> Node:
    properties = {name: compiled(below) for name, below in schema.get("properties", {}).items()}
    additional = schema.get("additionalProperties")
    values = compiled(additional) if isinstance(additional, Mapping) else compiled(EMPTY) if additional else None
    items = compiled(schema["items"]) if isinstance(schema.get("items"), Mapping) else None
    below = [*properties.values(), *(node for node in (values, items) if node)]
    rules = tuple(_rule(entry) for entry in schema.get("x-kubernetes-validations", ()))
    kept = tuple(rule for rule in rules if not rule.transition)
    spoken = {name: said for name in properties if (said := spoken_name(name)) != name}
    ruled = bool(kept) or any(node.ruled for node in below)
    if schema.get("format") in UNTYPED_IN_CEL and kept:
        raise UnsupportedSchemaError(f"rules over a value of format {schema['format']}")
    return Node(
        type=schema.get("type", ""),
        properties=properties,
        defaults={name: node.default for name, node in properties.items() if node.default is not ABSENT},
        values=values,
        items=items,
        nullable=bool(schema.get("nullable")),
        default=schema.get("default", ABSENT),
        open=bool(schema.get("x-kubernetes-preserve-unknown-fields")),
        keys=_keys(schema),
        rules=kept,
        conjunction=" && ".join(f"({rule.text}\n)" for rule in kept),
        ruled=ruled,
        ruled_properties=tuple((name, node) for name, node in properties.items() if node.ruled),
        spoken=spoken,
        differs=bool(spoken) or schema.get("type") == "number" or any(node.differs for node in below),
    )


def _keys(schema: Mapping[str, Any]) -> tuple[str, ...] | None:
    match schema.get("x-kubernetes-list-type"):
        case "map":
            return tuple(schema["x-kubernetes-list-map-keys"])
        case "set":
            return ()
        case _:
            return None


def _rule(entry: Mapping[str, Any]) -> Rule:
    """An optional oldSelf is none here: every object is a new one to us, so such a rule runs, and other transition rules do not."""
    text = entry["rule"].strip()
    path = tuple(part or quoted for part, quoted in re.findall(r"\.(\w+)|\['([^']+)'\]", entry.get("fieldPath", "")))
    if entry.get("optionalOldSelf"):
        text = f"[optional.none()].all(old, {re.sub(r'oldSelf', 'old', text)})"
    return Rule(text, entry.get("message", "") or f"failed rule: {text}", entry.get("messageExpression", "").strip(), path)


def spoken_name(name: str) -> str:
    """The name of a property in CEL, escaped as Kubernetes does it."""
    if name in WORDS:
        return f"__{name}__"
    return re.sub(r"__|[./-]", lambda found: SIGNS[found[0]], name)


def json_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same as plain JSON Schema: what the walks do themselves (defaults, pruning, nulls, lists, rules) is left out."""
    out: dict[str, Any] = {name: schema[name] for name in KEPT if name in schema}
    out |= {name: [json_schema(one) for one in schema[name]] for name in JOINS if name in schema}
    if "not" in schema:
        out["not"] = json_schema(schema["not"])
    if "properties" in schema:
        out["properties"] = {name: json_schema(below) for name, below in schema["properties"].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), Mapping):
            out[name] = json_schema(schema[name])
    if schema.get("format") in FORMATS:
        out["format"] = schema["format"]
    return _typed(schema, out)


def _typed(schema: Mapping[str, Any], out: dict[str, Any]) -> dict[str, Any]:
    kind = ["integer", "string"] if schema.get("x-kubernetes-int-or-string") else schema.get("type")
    if kind == "integer":  # JSON has no more digits than int64 in Go
        out = INT64 | out
    if kind and schema.get("nullable"):
        kind = [*([kind] if isinstance(kind, str) else kind), "null"]
        out |= {"enum": [*out["enum"], None]} if "enum" in out else {}
    if kind:
        out["type"] = kind
    for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if out.pop(bound, None) is True:  # OpenAPI v3 says with a boolean what JSON Schema says with the number
            out[bound] = out.pop(limit)
    return out
