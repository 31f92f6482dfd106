"""Which clients a NodeMatcher of Envoy's API means (`envoy.type.matcher.v3`): by node id, and by values in node metadata."""

from __future__ import annotations

from collections.abc import Sequence

import re2
from google.protobuf.struct_pb2 import Struct, Value

from protos.v3 import NodeMatcher, StringMatcher, StructMatcher, ValueMatcher


def any_means(matchers: Sequence[NodeMatcher], node: str, metadata: Struct) -> bool:
    """Without a matcher all are meant. Several are alternatives (`ClientStatusRequest.node_matchers`)."""
    return not matchers or any(means(one, node, metadata) for one in matchers)


def means(matcher: NodeMatcher, node: str, metadata: Struct) -> bool:
    """All that one matcher says must hold."""
    if matcher.HasField("node_id") and not string(matcher.node_id, node):
        return False
    return all(struct(one, metadata) for one in matcher.node_metadatas)


def struct(matcher: StructMatcher, metadata: Struct) -> bool:
    found = Value(struct_value=metadata)
    for segment in matcher.path:
        fields = found.struct_value.fields
        if segment.key not in fields:
            return False
        found = fields[segment.key]
    return value(matcher.value, found)


def value(matcher: ValueMatcher, found: Value) -> bool:
    """A kind of value that is not told here is not meant."""
    kind, has = matcher.WhichOneof("match_pattern"), found.WhichOneof("kind")
    match kind:
        case "null_match":
            return has == "null_value"
        case "bool_match":
            return has == "bool_value" and found.bool_value == matcher.bool_match
        case "string_match":
            return has == "string_value" and string(matcher.string_match, found.string_value)
        case "double_match":
            return has == "number_value" and _number(matcher, found.number_value)
        case "present_match":
            return matcher.present_match
        case "list_match":
            return has == "list_value" and any(value(matcher.list_match.one_of, one) for one in found.list_value.values)
        case "or_match":
            return any(value(one, found) for one in matcher.or_match.value_matchers)
        case _:
            return False


def _number(matcher: ValueMatcher, found: float) -> bool:
    wanted = matcher.double_match
    return found == wanted.exact if wanted.HasField("exact") else wanted.range.start <= found < wanted.range.end


def string(matcher: StringMatcher, text: str) -> bool:
    """`ignore_case` has no effect on a regular expression, as in Envoy. One that RE2 does not take means nobody."""
    kind = matcher.WhichOneof("match_pattern")
    if kind == "safe_regex":
        return _regex(matcher.safe_regex.regex, text)
    if kind not in ("exact", "prefix", "suffix", "contains"):
        return False
    wanted = str(getattr(matcher, kind))
    if matcher.ignore_case:
        wanted, text = wanted.lower(), text.lower()
    return {
        "exact": text == wanted,
        "prefix": text.startswith(wanted),
        "suffix": text.endswith(wanted),
        "contains": wanted in text,
    }[kind]


def _regex(pattern: str, text: str) -> bool:
    options = re2.Options()
    options.log_errors = False
    try:
        return bool(re2.fullmatch(pattern, text, options=options))
    except re2.error:
        return False
