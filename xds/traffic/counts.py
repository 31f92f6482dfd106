"""Requests added up by rule. In memory only: who scrapes keeps what was. Knows no messages, and no gRPC.

What is said of a rule that is not there, or that the proxy does not serve, is passed over; what no rule took is `unmatched`. A rule
that has gone takes its sums with it.

All but `sums` asks the engine, so it is for whoever holds its calm.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import Literal

from msgspec import Struct, field

from translator.envoy_v3.counting import BOUNDS
from xds.traffic.reports import Answered, Forked, Point, Took
from xds.traffic.rules import Rule, Rules, rule_of

UNMATCHED = "unmatched"  # label of requests that no rule took; a rule's has slashes
LOOK_AT = 1_000  # sums, before it is looked whether what they are of is still there
OTHER = "other"  # status that is no status
Error = Literal["no_route", "invalid_key", "misdirected", "no_backend", "no_cluster", "no_healthy_upstream", "connect_failure"]
ERRORS: tuple[Error, ...] = (
    "no_route", "invalid_key", "misdirected", "no_backend", "no_cluster", "no_healthy_upstream", "connect_failure"
)  # fmt: skip
_STATUS = re.compile(r"0|[1-5][0-9][0-9]", re.ASCII)  # 0: the client went away before there was an answer
_OF_FLAGS: dict[str, Error] = {"NR": "no_route", "NC": "no_cluster", "UH": "no_healthy_upstream", "UF": "connect_failure"}
_OF_ROUTES: dict[str, Error] = {"route-key-error": "invalid_key", "misdirected": "misdirected"}
_OF_NO_RULE = ("", "-", *_OF_ROUTES)  # names of routes that are of no rule


class Sums(Struct):
    """Of one rule: how many by status, and how long they took, in seconds."""

    label: str
    statuses: Counter[str] = field(default_factory=Counter)
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0


class Traffic:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._of: dict[Rule | None, Sums] = {}
        self.errors: dict[str, int] = dict.fromkeys(ERRORS, 0)
        self._forks: Counter[tuple[str, str]] = Counter()  # (group, cluster)
        self._look_at = LOOK_AT
        self.passed_over = 0

    async def take_all(self, calm: AbstractAsyncContextManager[None], told: Iterable[Point], group: str) -> None:
        async with calm:
            for one in told:
                self.take(one, group)

    def take(self, one: Point, group: str = "") -> None:
        """From a proxy of this group; no group stands for one that is believed whatever it says."""
        if isinstance(one, Forked):
            self._fork(one, group)
        else:
            self._rule(one, group)
        if len(self._of) + len(self._forks) >= self._look_at:  # nobody scrapes, and they come and go
            self.there()
            self._look_at = 2 * (len(self._of) + len(self._forks)) + LOOK_AT

    def _fork(self, one: Forked, group: str) -> None:
        if self._rules.has_fork(one.cluster, group):
            self._forks[group, one.cluster] += one.count
        else:
            self.passed_over += 1

    def _rule(self, one: Answered | Took, group: str) -> None:
        rule = rule_of(one.route)
        sums = self._sums(rule, group) if rule or one.route in _OF_NO_RULE else None
        if sums is None:
            self.passed_over += 1
        elif isinstance(one, Took):
            sums.buckets = [a + b for a, b in zip(sums.buckets, one.buckets, strict=True)]
            sums.seconds += one.seconds
        else:
            sums.statuses[one.status if _STATUS.fullmatch(one.status) else OTHER] += one.count
            if error := self._error(rule, one):
                self.errors[error] += one.count

    def _sums(self, rule: Rule | None, group: str) -> Sums | None:
        if rule is not None and not self._rules.served(rule, group):
            return None
        found = self._of.get(rule)
        if found is None and (label := UNMATCHED if rule is None else self._rules.label(rule)):
            found = self._of[rule] = Sums(label)
        return found

    def _error(self, rule: Rule | None, one: Answered) -> Error | None:
        if rule is None and (found := _OF_ROUTES.get(one.route)):
            return found
        told = next((_OF_FLAGS[flag] for flag in one.flags.split(",") if flag in _OF_FLAGS), None)
        return told or ("no_backend" if rule and self._rules.lacks_backend(rule, one.status) else None)

    def there(self) -> list[Sums]:
        """Of the rules that there are now; those that have gone, or are called otherwise, are forgotten."""
        for rule, sums in list(self._of.items()):
            if rule is not None and self._rules.label(rule) != sums.label:
                del self._of[rule]
        for group, cluster in [*self._forks]:
            if not self._rules.has_fork(cluster, group):
                del self._forks[group, cluster]
        return self.sums()

    def sums(self) -> list[Sums]:
        """Of the rules that there were when it was last looked, without looking."""
        return list(self._of.values())

    def forks(self) -> dict[str, int]:
        """Requests of each fork that there is now and had any, by the name of its cluster."""
        self.there()
        found = Counter[str]()
        for (_, cluster), count in self._forks.items():
            found[cluster] += count
        return dict(found)
