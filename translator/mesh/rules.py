"""Rules of a key, as far as both forms of output have them alike: which are heard, how requests are shared, and what cannot be said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import gcd

from translator.ir.keys import KeyRule
from translator.ir.mesh import Branch, Way

ALL = 100  # the weight of a rule that takes every request that fits it
Led = tuple[Branch, Way]


class CannotSayError(Exception):
    """A rule that the mesh has no words for; why, in a sentence. Rules behind it would get its requests, so they are not told either."""


@dataclass(frozen=True, slots=True, order=True)
class Unsaid:
    """A key of which some requests stay with the baseline, because a mesh cannot be told of its rule."""

    service: str
    key: str
    why: str


def by_key(branches: Iterable[Branch], port: int | None) -> Iterator[tuple[str, list[Led]]]:
    """For each key its rules at a port, in their order, down to one that every request fits."""
    for key, several in groupby(branches, lambda one: one.key):
        led: list[Led] = []
        for branch in several:
            way = _way(branch, port)
            if way:
                led.append((branch, way))
            if way and not conditional(branch.rule):
                break
        if led:
            yield key, led


def _way(branch: Branch, port: int | None) -> Way | None:
    """That of the port, or the only one where no port is named."""
    if port is None:
        return branch.ways[0] if len(branch.ways) == 1 else None
    return next((way for way in branch.ways if way.port == port), None)


def conditional(rule: KeyRule) -> bool:
    return bool(rule.prefixes or rule.exact or rule.headers)


def shares(rule: KeyRule, others: Sequence[int]) -> tuple[int, list[int]]:
    """Weights of a fork that takes so many of a hundred, and of the others, which share the rest as before; as small as can be.
    CannotSayError.
    """
    if rule.sticky.by:
        raise CannotSayError("the share of the rule is sticky, and a mesh draws for each request anew")
    whole = [rule.weight * sum(others), *((ALL - rule.weight) * one for one in others)]
    least = gcd(*whole) or 1
    return whole[0] // least, [one // least for one in whole[1:]]
