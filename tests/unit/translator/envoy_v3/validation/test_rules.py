"""Claims about the rules of Envoy's API: every kind is known, and each is broken and obeyed by somebody."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

import protos
from protos.v3 import (
    Cluster,
    ClusterLoadAssignment,
    DownstreamTlsContext,
    FieldRules,
    HttpConnectionManager,
    Listener,
    RouteConfiguration,
    ScopedRouteConfiguration,
    Secret,
    validate,
)
from tests.unit.translator.envoy_v3.validation.cases import CASES, Case
from translator.envoy_v3.validation import UnknownRuleError, Violation, violations
from translator.envoy_v3.validation.constraints import constraints, counts
from translator.envoy_v3.validation.messages import check_of

ROOTS = (
    Listener,
    RouteConfiguration,
    ScopedRouteConfiguration,
    Cluster,
    ClusterLoadAssignment,
    Secret,
    HttpConnectionManager,
    DownstreamTlsContext,
)


def reachable(descriptor: Descriptor, seen: dict[str, Descriptor]) -> dict[str, Descriptor]:
    if descriptor.full_name not in seen:
        seen[descriptor.full_name] = descriptor
        for field in descriptor.fields:
            if field.message_type is not None:
                reachable(field.message_type, seen)
    return seen


def kinds(rules: Message, prefix: str = "") -> Iterator[str]:
    """`string.min_len`, `repeated.items.string.min_len`, … as they stand, whatever the interpreter thinks of them."""
    for field, value in rules.ListFields():
        if field.message_type is not None and not field.is_repeated and field.message_type.file.package == "validate":
            yield from kinds(value, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}"


@cache
def counted() -> Counter[str]:
    """Rules by kind, in every message that our resources can be made of."""
    found: Counter[str] = Counter()
    messages: dict[str, Descriptor] = {}
    for root in ROOTS:
        reachable(root.DESCRIPTOR, messages)
    for message in messages.values():
        found["oneof.required"] += sum(oneof.GetOptions().Extensions[validate.required] for oneof in message.oneofs)
        for field in message.fields:
            found.update(kinds(field.GetOptions().Extensions[validate.rules]))
    return found


def every_message() -> Iterator[Descriptor]:
    """All messages that are generated, of extensions too."""
    root = Path(next(iter(protos.__path__)))
    for path in sorted(root.rglob("*_pb2.py")):
        module = importlib.import_module(f"protos.{'.'.join(path.relative_to(root).with_suffix('').parts)}")
        ahead = list(module.DESCRIPTOR.message_types_by_name.values())
        while ahead:
            yield (met := ahead.pop())
            ahead += met.nested_types


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.path}")
def test_broken_rule_is_named_with_its_path_and_nothing_else_is(case: Case) -> None:
    assert violations(case.broken) == (Violation(case.path, case.name),)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.path}")
def test_message_within_the_limit_breaks_nothing(case: Case) -> None:
    assert violations(case.sound) == ()


def test_every_kind_of_rule_that_our_resources_carry_has_a_case() -> None:
    assert len(counted()) >= 47
    assert counted().total() >= 480
    assert counted().keys() - {case.kind for case in CASES} == set()


def test_every_message_of_the_api_is_understood() -> None:
    assert sum(1 for message in every_message() if check_of(message)) > 1400


@pytest.mark.parametrize(
    "rules",
    [
        FieldRules(string={"hostname": True}),
        FieldRules(string={"well_known_regex": 0}),
        FieldRules(bytes={"pattern": "a"}),
        FieldRules(any={"in": ["type.googleapis.com/a"]}),
        FieldRules(timestamp={"lt_now": True}),
        FieldRules(sint64={"lt": 3}),
        FieldRules(duration={"in": [{"seconds": 1}]}),
    ],
    ids=str,
)
def test_rule_that_envoy_does_not_use_is_not_passed_over_in_silence(rules: FieldRules) -> None:
    with pytest.raises(UnknownRuleError):
        constraints(rules, frozenset())


def test_rule_on_a_map_that_envoy_does_not_use_is_not_passed_over_in_silence() -> None:
    with pytest.raises(UnknownRuleError, match=r"map\.no_sparse"):
        counts("map", FieldRules(map={"no_sparse": True}).map)


def obeys(rules: FieldRules, value: object) -> list[str]:
    return [name for name, holds in constraints(rules, frozenset({0, 1})) if not holds(value)]


def test_constant_and_refused_values_are_compared_by_content() -> None:
    assert obeys(FieldRules(uint32={"const": 3}), 4) == ["uint32.const"]
    assert obeys(FieldRules(int64={"not_in": [3, 4]}), 4) == ["int64.not_in"]
    assert sorted(obeys(FieldRules(string={"in": ["a"], "max_len": 1}), "bc")) == ["string.in", "string.max_len"]


def test_lengths_are_characters_of_a_string_and_bytes_of_bytes() -> None:
    assert obeys(FieldRules(string={"min_len": 2, "max_len": 2}), "äö") == []
    assert obeys(FieldRules(bytes={"min_len": 2, "max_len": 2}), "ä".encode()) == []
    assert obeys(FieldRules(string={"max_bytes": 3}), "äö") == ["string.max_bytes"]


def test_zero_passes_where_a_rule_ignores_the_empty_value() -> None:
    assert obeys(FieldRules(int32={"gte": 5, "ignore_empty": True}), 0) == []
    assert obeys(FieldRules(int32={"gte": 5, "ignore_empty": True}), 4) == ["int32.gte"]


def test_range_with_its_lower_end_above_the_upper_one_means_the_outside() -> None:
    rules = FieldRules(uint32={"lt": 10, "gt": 20})
    assert [value for value in (9, 10, 15, 20, 21) if obeys(rules, value)] == [10, 15, 20]


def test_number_that_is_none_is_refused() -> None:
    assert obeys(FieldRules(double={"lte": 1}), float("nan")) == ["double.lte"]


def test_strict_header_value_has_no_control_characters_and_a_lenient_one_no_line_ends() -> None:
    strict, lenient = FieldRules(string={"well_known_regex": 2}), FieldRules(string={"well_known_regex": 2, "strict": False})
    bad = ["\x00", "\x01", "\t", "\n", "\r", "\x1f", "\x7f", "ä", ""]
    assert [text for text in bad if obeys(strict, text)] == ["\x00", "\x01", "\n", "\r", "\x1f", "\x7f"]
    assert [text for text in bad if obeys(lenient, text)] == ["\x00", "\n", "\r"]
