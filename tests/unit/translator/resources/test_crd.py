"""Claims about the CustomResourceDefinitions made from our dataclasses."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from translator.resources.backend import BackendSpec, written
from translator.resources.crd import NotStructuralError, definitions, structural

WORDS = {"anyOf", "$ref", "$defs", "const", "discriminator", "exclusiveMinimum", "exclusiveMaximum", "prefixItems"}


def schema_of(kind: Any) -> dict[str, Any]:
    return structural(TypeAdapter(kind).json_schema())


def nodes(schema: dict[str, Any]) -> Any:
    yield schema
    for below in [*schema.get("properties", {}).values(), *(schema[word] for word in ("items", "additionalProperties") if word in schema)]:
        yield from nodes(below)


@dataclass(frozen=True, slots=True, config=written())
class Inner:
    """What is inside."""

    title: str  # a property that is called like a word of JSON Schema
    kind: Literal["only"] = "only"


@dataclass(frozen=True, slots=True, config=written())
class Outer:
    """What is outside."""

    two_words: Annotated[str, Field(pattern="^a$")]
    inner: Inner | None = None
    many: tuple[Inner, ...] = ()
    named: dict[str, int] = Field(default_factory=dict)


@pytest.mark.parametrize("name", definitions())
def test_every_place_of_a_schema_has_a_type_and_no_word_that_is_not_structural(name: str) -> None:
    for version in definitions()[name]["spec"]["versions"]:
        for node in nodes(version["schema"]["openAPIV3Schema"]):
            assert "type" in node or node.get("x-kubernetes-int-or-string")
            assert not WORDS & set(node)
            assert not isinstance(node.get("title"), str)
            assert node.get("default", "") is not None


def test_references_are_repeated_in_place() -> None:
    schema = schema_of(Outer)
    assert schema["properties"]["many"]["items"]["properties"]["title"] == {"type": "string"}
    assert schema["properties"]["inner"]["description"] == "What is inside."


def test_property_that_is_called_title_stays() -> None:
    assert set(schema_of(Inner)["properties"]) == {"title", "kind"}


def test_fields_are_written_in_camel_case() -> None:
    assert schema_of(Outer)["required"] == ["twoWords"]


def test_absent_is_not_null() -> None:
    inner = schema_of(Outer)["properties"]["inner"]
    assert inner["type"] == "object"
    assert not {"default", "nullable", "anyOf"} & set(inner)


def test_only_value_is_an_enumeration_of_one() -> None:
    wanted = {"type": "string", "description": "The kind of the object.", "default": "only", "enum": ["only"]}
    assert schema_of(Inner)["properties"]["kind"] == wanted


def test_map_keeps_the_schema_of_its_values() -> None:
    assert schema_of(Outer)["properties"]["named"]["additionalProperties"] == {"type": "integer"}


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(int | str, id="union"),
        pytest.param(Annotated[int, Field(gt=0)], id="exclusive-bound"),
        pytest.param(tuple[int, str], id="tuple-of-two"),
        pytest.param(Any, id="no-type"),
    ],
)
def test_what_cannot_be_said_raises(kind: Any) -> None:
    with pytest.raises(NotStructuralError):
        schema_of(kind)


def test_names_of_the_kind_are_those_that_people_type() -> None:
    names = definitions()["pointsman.io_backends.yaml"]["spec"]["names"]
    assert (names["shortNames"], names["categories"], names["plural"]) == (["pmbe"], ["pointsman", "gateway-api"], "backends")


def test_union_of_endpoints_has_its_rule() -> None:
    (rule,) = schema_of(BackendSpec)["properties"]["endpoints"]["items"]["x-kubernetes-validations"]
    assert rule["message"] == "exactly one of ip, fqdn, unix must be given"


def undescribed(schema: Any, path: str = "") -> list[str]:
    found = []
    for name, below in schema.get("properties", {}).items():
        found += [] if "description" in below else [f"{path}.{name}"]
        found += undescribed(below, f"{path}.{name}")
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            found += undescribed(schema[word], f"{path}[]")
    return found


@pytest.mark.parametrize("name", definitions())
def test_every_field_is_described_for_kubectl_explain(name: str) -> None:
    for version in definitions()[name]["spec"]["versions"]:
        assert undescribed(version["schema"]["openAPIV3Schema"]) == [".metadata"], "which the API server describes, and nobody else may"


@pytest.mark.parametrize("name", definitions())
def test_every_kind_has_a_short_name_categories_and_columns_that_end_with_its_age(name: str) -> None:
    spec = definitions()[name]["spec"]
    assert spec["names"]["categories"] == ["pointsman", "gateway-api"]
    assert len(spec["names"]["shortNames"]) == 1
    for version in spec["versions"]:
        *columns, age = version["additionalPrinterColumns"]
        assert (age["name"], age["type"]) == ("Age", "date")
        assert columns


def test_short_names_are_nobody_elses() -> None:
    names = [one["spec"]["names"] for one in definitions().values()]
    short = [one["shortNames"][0] for one in names]
    assert len(set(short)) == len(short)
    assert not {"gc", "gtw", "ls", "no", "ns", "po", "pdb", "svc", "ep", "cm", "sa", "ds", "rs", "hpa", "ing", "netpol", "crd"} & set(short)


def test_field_that_says_nothing_of_itself_is_what_its_name_says_and_no_more() -> None:
    @dataclass
    class Named:
        name: str
        other: str

    made = structural(TypeAdapter(Named).json_schema())["properties"]
    assert made == {"name": {"type": "string", "description": "The name of the object."}, "other": {"type": "string"}}
