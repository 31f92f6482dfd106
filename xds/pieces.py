"""How much goes into one response: below what a gRPC client takes when nobody told it to take more. Counts bytes, builds nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

LIMIT = 4 * 1024 * 1024 - 64 * 1024  # bytes of resources and names in one response; the rest of 4 MiB is for what stands around


class Sized(Protocol):
    @property
    def size(self) -> int: ...


S = TypeVar("S", bound=Sized)


def pieces(resources: Iterable[S], gone: tuple[str, ...]) -> Iterator[tuple[list[S], tuple[str, ...]]]:
    """Resources and removed names, cut so that each piece is within LIMIT if each resource is. At least one piece, may be empty."""
    *full, last = _cut(gone)
    for names in full:
        yield [], names
    chunk: list[S] = []
    size = sum(map(_size, last))
    for one in resources:
        if (chunk or last) and size + one.size > LIMIT:
            yield chunk, last
            chunk, size, last = [], 0, ()
        chunk.append(one)
        size += one.size
    yield chunk, last


def _cut(names: tuple[str, ...]) -> Sequence[tuple[str, ...]]:
    if 4 * sum(map(len, names)) + 4 * len(names) <= LIMIT:  # a character is four bytes at most
        return [names]
    cuts, start, size = [], 0, 0
    for at, name in enumerate(names):
        size += _size(name)
        if size > LIMIT:
            cuts.append(names[start:at])
            start, size = at, _size(name)
    return [*cuts, names[start:]]


def _size(name: str) -> int:
    return len(name.encode()) + 4  # with its field number and length
