"""Claims about the rules we ask: they are those of the very Envoy that is pinned, not of the descriptors somebody published."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import DescriptorProto

import protos
from protos.v3 import FieldRules, validate
from tests.e2e.pinned import descriptors
from translator.envoy_v3.validation.rules import AMENDED, is_required, rules_of

pytestmark = pytest.mark.e2e

PROTOS = Path(next(iter(protos.__path__)))
CONFIGURATION = ("envoy.config.", "envoy.extensions.", "envoy.type.", "xds.")  # services are spoken, not configured


def ours() -> Iterator[Descriptor]:
    for path in sorted(PROTOS.rglob("*_pb2.py")):
        module = importlib.import_module(f"protos.{'.'.join(path.relative_to(PROTOS).with_suffix('').parts)}")
        ahead = list(module.DESCRIPTOR.message_types_by_name.values())
        while ahead:
            yield (met := ahead.pop())
            ahead += met.nested_types


@cache
def pinned() -> dict[str, DescriptorProto]:
    """The messages of the binary by full name."""
    found: dict[str, DescriptorProto] = {}
    for file in descriptors():
        ahead = [(f"{file.package}.{message.name}", message) for message in file.message_type]
        while ahead:
            name, message = ahead.pop()
            found[name] = message
            ahead += [(f"{name}.{inner.name}", inner) for inner in message.nested_type]
    return found


def both() -> Iterator[tuple[Descriptor, DescriptorProto]]:
    for message in ours():
        if message.full_name.startswith(CONFIGURATION) and message.full_name in pinned():
            yield message, pinned()[message.full_name]


def pinned_rules(message: DescriptorProto) -> dict[str, FieldRules]:
    return {field.name: field.options.Extensions[validate.rules] for field in message.field}


def test_the_binary_carries_its_api() -> None:
    assert len(pinned()) > 1_300
    assert sum(1 for _ in both()) > 1_000


def test_rules_on_fields_are_those_of_the_pinned_envoy() -> None:
    different = [
        (field.full_name, rules_of(field), theirs)
        for message, other in both()
        for field in message.fields
        if (theirs := pinned_rules(other).get(field.name)) is not None and theirs != rules_of(field)
    ]
    assert different == []


def test_required_oneofs_are_those_of_the_pinned_envoy() -> None:
    different = [
        oneof.full_name
        for message, other in both()
        for oneof in message.oneofs
        for theirs in other.oneof_decl
        if theirs.name == oneof.name and theirs.options.Extensions[validate.required] != is_required(oneof)
    ]
    assert different == []


def test_no_rule_is_amended_that_the_descriptors_have_right() -> None:
    fields = {field.full_name: field for message in ours() for field in message.fields}
    right = [name for name, rules in AMENDED.items() if fields[name].GetOptions().Extensions[validate.rules] == rules]
    assert right == []
