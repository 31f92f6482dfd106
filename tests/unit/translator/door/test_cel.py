"""Claims about rules on small schemas, and about the functions that an API server adds to CEL."""

from __future__ import annotations

from typing import Any

import pytest

from translator.door.cel import Cel
from translator.door.rules import broken
from translator.door.schema import UnsupportedSchemaError, compiled

CEL = Cel()


def ruled(*rules: Any, **schema: Any) -> Any:
    given = [rule if isinstance(rule, dict) else {"rule": rule, "message": rule} for rule in rules]
    return compiled({"x-kubernetes-validations": given, **schema})


def told(node: Any, value: Any) -> list[Any]:
    return list(broken(node, value, CEL))


@pytest.mark.parametrize(
    ("function", "yes", "no"),
    [
        ("isIP(self)", ["10.0.0.1", "::1", "2001:db8::"], ["", "10.0.0", "010.0.0.1", "::ffff:1.2.3.4", "fe80::1%eth0", "a.example"]),
        ("isCIDR(self)", ["10.0.0.1/8", "::/0", "::1/128"], ["10.0.0.1", "10.0.0.1/33", "10.0.0.1/08", "/8", "::/129", "::/-1", "::/x"]),
        ("isURL(self)", ["https://a.example/b?c", "/path", "urn:x"], ["a.example", "", "http://[::1"]),
        ("self.find('[0-9]+') == '42'", ["a42b", "42"], ["a", "1"]),
        ("[1, 2, 3].isSorted() && self.startsWith('a')", ["a"], ["b"]),
        ("[1, 2].sum() == 3 && [1, 2].min() == 1 && [1, 2].max() == 2 && self == ''", [""], ["x"]),
        ("self.split('/')[0].lowerAscii() == 'a'", ["A/b"], ["b/A"]),
    ],
)
def test_function_says_what_an_api_server_says(function: str, yes: list[str], no: list[str]) -> None:
    assert [value for value in yes if not CEL.holds(function, value)] == []
    assert [value for value in no if CEL.holds(function, value)] == []


def test_function_that_is_not_here_does_not_compile() -> None:
    with pytest.raises(UnsupportedSchemaError, match="quantity"):
        CEL.compiled("quantity(self).isInteger()")


def test_rule_runs_for_each_item_and_each_value_of_a_map() -> None:
    item = {"type": "integer", "x-kubernetes-validations": [{"rule": "self > 0", "message": "small"}]}
    node = compiled({"properties": {"list": {"type": "array", "items": item}, "map": {"type": "object", "additionalProperties": item}}})
    assert told(node, {"list": [1, 0, -1], "map": {"a": 1, "b": 0}}) == [
        (("list", 1), "small"),
        (("list", 2), "small"),
        (("map", "b"), "small"),
    ]


def test_each_broken_rule_of_a_place_is_told() -> None:
    assert told(ruled("self > 0", "self > 1", "self < 9"), 0) == [((), "self > 0"), ((), "self > 1")]


def test_error_while_a_rule_runs_is_a_broken_rule() -> None:
    assert told(ruled("self.absent == 1", type="object"), {}) == [((), "self.absent == 1")]


def test_transition_rule_is_skipped_as_every_object_is_new() -> None:
    assert told(ruled("self == oldSelf"), 1) == []


def test_transition_rule_that_asks_for_it_is_run_without_an_old_value() -> None:
    rule = {"rule": "oldSelf.hasValue() || self > 0", "optionalOldSelf": True, "message": "small"}
    assert told(ruled(rule), 0) == [((), "small")]
    assert told(ruled(rule), 1) == []


def test_message_expression_speaks_of_the_value() -> None:
    assert told(ruled({"rule": "self > 0", "message": "small", "messageExpression": "string(self) + ' is small'"}), 0) == [
        ((), "0 is small")
    ]


@pytest.mark.parametrize("expression", ["self.absent", "'two\\nlines'", "'  '", "1"])
def test_message_stands_in_where_the_expression_says_nothing(expression: str) -> None:
    assert told(ruled({"rule": "self > 0", "message": "small", "messageExpression": expression}), 0) == [((), "small")]


def test_rule_without_a_message_shows_itself() -> None:
    assert told(ruled({"rule": "self > 0"}), 0) == [((), "failed rule: self > 0")]


@pytest.mark.parametrize(("path", "parts"), [(".a", ("a",)), (".a.b", ("a", "b")), ("['x-y']", ("x-y",)), ("", ())])
def test_field_path_leads_on_from_the_place_of_the_rule(path: str, parts: tuple[str, ...]) -> None:
    assert told(ruled({"rule": "false", "message": "no", "fieldPath": path}), 0) == [(parts, "no")]


def test_comment_in_a_rule_does_not_hide_the_next_rule() -> None:
    assert told(ruled("self > 0 // always", "self < 0"), 1) == [((), "self < 0")]


def test_properties_that_cel_cannot_name_are_seen_escaped() -> None:
    node = ruled(
        "self.__namespace__ == 'a' && self.x__dash__y == 1", properties={"namespace": {"type": "string"}, "x-y": {"type": "integer"}}
    )
    assert told(node, {"namespace": "a", "x-y": 1}) == []


def test_keys_of_a_map_are_not_escaped() -> None:
    node = ruled("self['namespace'] == 'a'", type="object", additionalProperties={"type": "string"})
    assert told(node, {"namespace": "a"}) == []


def test_whole_number_is_a_double_where_the_schema_says_number() -> None:
    assert told(ruled("self / 2.0 == 0.5", type="number"), 1) == []


def test_null_is_not_judged() -> None:
    assert told(ruled("false"), None) == []


@pytest.mark.parametrize("value", [2**70, "\ud800"])
def test_value_that_cel_cannot_hold_breaks_the_rule_and_nothing_else(value: Any) -> None:
    assert told(ruled("self == self"), value) == [((), "self == self")]
