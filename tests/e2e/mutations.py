"""Random small damage to a message: one field of it, or of a message within, set to something at the edge, or cleared."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

NUMBERS = {
    FieldDescriptor.CPPTYPE_INT32: [0, 1, -1, 2**31 - 1],
    FieldDescriptor.CPPTYPE_INT64: [0, 1, -1, 315_576_000_001],
    FieldDescriptor.CPPTYPE_UINT32: [0, 1, 99, 255, 256, 599, 600, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1],
    FieldDescriptor.CPPTYPE_UINT64: [0, 1, 65_535, 65_536, 8_388_608, 8_388_609],
    FieldDescriptor.CPPTYPE_FLOAT: [0.0, -1.0, 101.0],
    FieldDescriptor.CPPTYPE_DOUBLE: [0.0, -1.0, 0.5, 100.0, 100.5, 3.5],
    FieldDescriptor.CPPTYPE_BOOL: [False, True],
    FieldDescriptor.CPPTYPE_ENUM: [0, 1, 2, 6, 99],
}
TEXTS = ["", "a", "a b", "a\nb", "a\tb", "a\x7fb", "/a/", "/a?b", "%a", "ä" * 9000, ":a", "*"]


def below(message: Message) -> Iterator[Message]:
    """The message and all that are set within; what an Any holds is its own."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for each in value if field.is_repeated else [value]:
            yield from below(each)


def damage(chance: random.Random, whole: Message) -> str:
    """Changes the message at one place and says how."""
    message = chance.choice([each for each in below(whole) if each.DESCRIPTOR.fields])
    field = chance.choice(
        [field for field, _ in message.ListFields()] if message.ListFields() and chance.random() < 0.6 else list(message.DESCRIPTOR.fields)
    )
    if chance.random() < 0.15 or _is_fixed(field):
        message.ClearField(field.name)
        return f"{field.full_name} cleared"
    value = _edge(chance, field)
    if field.is_repeated:
        several = chance.choice([1, 1, 2, 1001])
        _add(getattr(message, field.name), value, several)
        return f"{field.full_name} += {several} times {str(value)[:20]!r}"
    if field.message_type is None:
        setattr(message, field.name, value)
    else:
        getattr(message, field.name).SetInParent()
    return f"{field.full_name} = {str(value)[:20]!r}"


def _is_fixed(field: FieldDescriptor) -> bool:
    """What has no edges of its own: the inside of an Any, and maps."""
    return field.containing_type.full_name == "google.protobuf.Any" or bool(
        field.message_type and field.message_type.GetOptions().map_entry
    )


def _edge(chance: random.Random, field: FieldDescriptor) -> Any:
    if field.message_type is not None:
        return None
    if field.type == FieldDescriptor.TYPE_BYTES:
        return chance.choice(TEXTS).encode()
    return chance.choice(NUMBERS.get(field.cpp_type, TEXTS))


def _add(values: Any, value: Any, several: int) -> None:
    for _ in range(several):
        if value is None:
            values.add()
        else:
            values.append(value)
