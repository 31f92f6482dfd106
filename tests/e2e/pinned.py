"""The API as the Envoy binary itself has it: the file descriptors that protobuf links into every C++ program."""

from __future__ import annotations

import re
from collections.abc import Iterator

from google.protobuf.descriptor_pb2 import FileDescriptorProto

from tests.envoy_validate import binary

# A serialized FileDescriptorProto begins with field 1, its own path, and goes on with field 2, its package
HEAD = re.compile(rb"\x0a([\x10-\x7f]|[\x80-\xff]\x01)((?:envoy|xds|udpa)/[a-z0-9_/]+\.proto)\x12")
LENGTH_DELIMITED, VARINT = 2, 0


def descriptors() -> Iterator[FileDescriptorProto]:
    blob = binary().read_bytes()
    for head in HEAD.finditer(blob):
        length, path = _varint(blob, head.start() + 1)
        if blob[path : path + length] == head[2]:
            yield FileDescriptorProto.FromString(blob[head.start() : _end(blob, head.start())])


def _end(blob: bytes, start: int) -> int:
    """Where the message ends, which nothing says: before the first thing that is not a field of it, or is its first again."""
    at = start
    while True:
        tag, after = _varint(blob, at)
        number, wire = tag >> 3, tag & 7
        if wire == LENGTH_DELIMITED and 1 <= number <= 12 and (number > 1 or at == start):
            length, after = _varint(blob, after)
            at = after + length
        elif wire == VARINT and number in (10, 11, 14):
            _, at = _varint(blob, after)
        else:
            return at


def _varint(blob: bytes, at: int) -> tuple[int, int]:
    """The number that stands there, and where the next thing begins."""
    number = shift = 0
    while True:
        byte = blob[at]
        number, shift, at = number | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return number, at
