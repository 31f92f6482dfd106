"""Claims about defaulting and pruning, on small schemas. Each is a case of the API server's own defaulting tests, in words."""

from __future__ import annotations

from typing import Any

import pytest

from translator.door.schema import UnsupportedSchemaError, compiled, json_schema, spoken_name
from translator.door.shape import shaped
from translator.ir.finding import field_path

TEXT = {"type": "string"}


def obj(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def stored(schema: Any, value: Any) -> Any:
    return shaped(compiled(schema), value, (), [])


def dropped(schema: Any, value: Any) -> list[str]:
    unknown: list[Any] = []
    shaped(compiled(schema), value, (), unknown)
    return [field_path(one.path) for one in unknown]


@pytest.mark.parametrize(
    ("schema", "value", "result"),
    [
        pytest.param(obj(a={**TEXT, "default": "x"}), {}, {"a": "x"}, id="absent-is-filled"),
        pytest.param(obj(a={**TEXT, "default": "x"}), {"a": ""}, {"a": ""}, id="empty-is-not-absent"),
        pytest.param(obj(a={**TEXT, "default": "x"}), {"a": None}, {"a": "x"}, id="null-is-absent"),
        pytest.param(obj(a={**TEXT, "default": "x", "nullable": True}), {"a": None}, {"a": None}, id="null-that-is-allowed-stays"),
        pytest.param(obj(a=TEXT), {"a": None}, {}, id="null-without-default-goes"),
        pytest.param(obj(a={**obj(b={**TEXT, "default": "x"})}), {}, {}, id="no-default-inside-of-what-is-absent"),
        pytest.param(obj(a={**obj(b={**TEXT, "default": "x"}), "default": {}}), {}, {"a": {"b": "x"}}, id="default-of-a-default"),
        pytest.param({"type": "array", "items": obj(b={**TEXT, "default": "x"})}, [{}, {"b": "y"}], [{"b": "x"}, {"b": "y"}], id="items"),
        pytest.param({"type": "array", "items": {**TEXT, "default": "x"}}, [None, "y"], ["x", "y"], id="null-item"),
        pytest.param({"type": "array", "items": TEXT}, [None], [None], id="null-item-without-default-stays-to-be-refused"),
        pytest.param({"type": "object", "additionalProperties": obj(b={**TEXT, "default": "x"})}, {"k": {}}, {"k": {"b": "x"}}, id="map"),
        pytest.param({"type": "object", "additionalProperties": {**TEXT, "default": "x"}}, {"k": None}, {"k": "x"}, id="null-in-map"),
        pytest.param(
            {"type": "object", "additionalProperties": True}, {"k": [1, {"a": None}]}, {"k": [1, {"a": None}]}, id="map-of-anything"
        ),
        pytest.param(obj(a=obj()), {"a": {"b": 1}, "c": 1}, {"a": {}}, id="unknown-goes"),
        pytest.param(
            {**obj(a=TEXT), "x-kubernetes-preserve-unknown-fields": True}, {"b": {"c": None}}, {"b": {"c": None}}, id="unknown-kept"
        ),
        pytest.param(obj(a=obj(b=TEXT)), {"a": "text"}, {"a": "text"}, id="wrong-type-stays-to-be-refused"),
        pytest.param(obj(a=TEXT), {"a": {"b": 1}}, {"a": {"b": 1}}, id="object-for-text-stays-to-be-refused"),
        pytest.param(obj(a={"type": "integer"}), {"a": 2.0}, {"a": 2}, id="whole-number-written-as-fraction"),
        pytest.param(
            obj(a={"type": "object", "additionalProperties": TEXT}), {"a": {2: "x", True: "y"}}, {"a": {"2": "x", "true": "y"}}, id="keys"
        ),
    ],
)
def test_object_gets_the_shape_of_its_schema(schema: Any, value: Any, result: Any) -> None:
    assert stored(schema, value) == result


def test_default_is_filled_in_anew_for_each_object() -> None:
    schema = obj(a={**obj(b={"type": "array", "items": TEXT, "default": []}), "default": {}})
    first, second = stored(schema, {}), stored(schema, {})
    assert first == second
    assert first["a"] is not second["a"]


def test_dropped_fields_are_named_by_path() -> None:
    schema = obj(a={"type": "array", "items": obj(b=TEXT)})
    assert dropped(schema, {"a": [{"b": "x"}, {"c": 1}], "z": 1}) == ["a[1].c", "z"]


@pytest.mark.parametrize(
    ("schema", "translated"),
    [
        ({"type": "integer"}, {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, {"type": "integer", "exclusiveMinimum": 1, "maximum": 2**63 - 1}),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": False, "maximum": 2}, {"type": "integer", "minimum": 1, "maximum": 2}),
        ({"x-kubernetes-int-or-string": True}, {"type": ["integer", "string"]}),
        ({"type": "string", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"type": "string", "format": "int-is-not-checked", "default": "x", "description": "x"}, {"type": "string"}),
        (
            {"not": {"enum": ["a"]}, "anyOf": [{"format": "ipv4"}, {"minLength": 1}]},
            {"not": {"enum": ["a"]}, "anyOf": [{"format": "ipv4"}, {"minLength": 1}]},
        ),
        ({"x-kubernetes-preserve-unknown-fields": True}, {}),
    ],
)
def test_structural_schema_as_json_schema(schema: Any, translated: Any) -> None:
    assert json_schema(schema) == translated


@pytest.mark.parametrize(
    ("name", "said"),
    [("name", "name"), ("namespace", "__namespace__"), ("a-b", "a__dash__b"), ("a.b/c__d", "a__dot__b__slash__c__underscores__d")],
)
def test_names_that_cel_cannot_say_are_escaped(name: str, said: str) -> None:
    assert spoken_name(name) == said


def test_rule_over_a_typed_format_is_unsupported_rather_than_wrong() -> None:
    with pytest.raises(UnsupportedSchemaError):
        compiled({"type": "string", "format": "date-time", "x-kubernetes-validations": [{"rule": "self.getFullYear() > 2000"}]})
