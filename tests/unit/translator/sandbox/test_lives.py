"""Claims about objects that end by themselves: how long they say they live, and what is left of them when they are over."""

from __future__ import annotations

from typing import Any

import pytest

from tests.objects import changes, decoded, objects
from tests.unit.translator.gatewayapi.test_routegroups import ALICE, BASE
from translator.engine import Engine
from translator.ir.life import Life
from translator.ir.output import Group
from translator.ir.tables import EXPIRED, FORK, GROUP, OUT_FINDINGS, OUT_LIFE, OUT_STATUS
from translator.program import engine
from translator.resources.meta import Object
from translator.resources.sandbox import TimeToLive
from translator.sandbox.lifetime import seconds

BORN = "2026-01-01T00:00:00Z"
SANDBOX, GROUP_KEY = ("Sandbox", "default/alice"), ("RouteGroup", "default/previews")


def sandbox(born: str = BORN, **ttl: str) -> Object:
    spec: dict[str, Any] = {"services": [{"name": "web", "targetRef": {"name": "web-alice"}}]}
    return decoded(
        {"kind": "Sandbox", "metadata": {"name": "alice", "creationTimestamp": born}, "spec": spec | ({"ttl": ttl} if ttl else {})}
    )


def group(born: str = BORN, /, **ttl: str) -> Object:
    spec: dict[str, Any] = {"parentRefs": [{"name": "edge"}], "admission": {"mode": "All"}, "ttl": ttl}
    return decoded({"kind": "RouteGroup", "metadata": {"name": "previews", "creationTimestamp": born}, "spec": spec})


def told(*more: Object) -> Engine:
    found = engine()
    found.apply([(GROUP, "local", Group()), *changes([*objects(BASE), *more])])
    assert found.failures == {}
    return found


def codes(found: Engine) -> list[str]:
    return [one.code for (rows,) in found.rows(OUT_FINDINGS).values() for one in rows]


@pytest.mark.parametrize(("text", "expected"), [("90", 90), ("90s", 90), ("5m", 300), ("2h", 7200), ("2d", 172_800), ("1w", 604_800)])
def test_duration_is_a_number_and_a_unit(text: str, expected: int) -> None:
    assert seconds(TimeToLive(text)) == expected


def test_without_a_time_nothing_ends() -> None:
    assert told(sandbox(), decoded({"kind": "RouteGroup", "metadata": {"name": "g"}, "spec": {}})).rows(OUT_LIFE) == {}


def test_life_begins_when_it_was_created() -> None:
    assert told(sandbox(duration="2h")).get(OUT_LIFE, SANDBOX) == Life(7200, BORN, BORN)


def test_object_that_was_created_at_no_known_time_never_ends_and_is_told() -> None:
    found = told(sandbox("", duration="2h"), group("", duration="2h", offsetFrom="createdAt"))
    assert (found.rows(OUT_LIFE), codes(found)) == ({}, ["PM0711", "PM0711"])


def test_change_begins_a_life_anew_where_it_counts_from_changes() -> None:
    found = told(sandbox(duration="2h", offsetFrom="updatedAt"))
    first = found.get(OUT_LIFE, SANDBOX)
    found.apply(changes([sandbox(duration="3h", offsetFrom="updatedAt")]))
    second = found.get(OUT_LIFE, SANDBOX)
    assert first
    assert second
    assert (first.since, second.since, first.mark == second.mark) == ("", "", False)


def test_group_ends_some_time_after_its_last_sandbox() -> None:
    found = told(group(duration="2d"))
    assert found.get(OUT_LIFE, GROUP_KEY) == Life(172_800, "", "unmatched")
    found.apply(changes([sandbox()]))
    assert found.get(OUT_LIFE, GROUP_KEY) is None
    assert codes(found) == []


def test_sandbox_that_is_over_leads_nowhere_and_says_so() -> None:
    found = told(group(duration="2d"), sandbox(duration="2h"))
    assert found.rows(FORK)
    found.apply([(EXPIRED, SANDBOX, BORN)])
    assert found.rows(FORK) == {}
    (status,) = found.rows(OUT_STATUS)[SANDBOX]
    assert (status.phase, status.conditions[0].reason) == ("Terminating", "Expired")


def test_group_that_is_over_leads_nowhere_until_it_lives_anew() -> None:
    found = told(group(duration="1h", offsetFrom="createdAt"), *objects(ALICE))
    found.apply([(EXPIRED, GROUP_KEY, BORN)])
    assert found.rows(FORK) == {}
    found.apply(changes([group("2026-02-02T00:00:00Z", duration="1h", offsetFrom="createdAt")]))
    assert found.rows(FORK)


def test_mark_of_another_life_ends_nothing() -> None:
    found = told(group(duration="2d"), sandbox(duration="2h"))
    found.apply([(EXPIRED, SANDBOX, "2025-01-01T00:00:00Z")])
    assert found.rows(FORK)


def test_life_that_is_over_leaves_nothing_when_all_is_deleted() -> None:
    found = told(group(duration="2d"), sandbox(duration="2h"))
    found.apply([(EXPIRED, SANDBOX, BORN)])
    gone = [(table, key, None) for table, key, _ in changes([*objects(BASE), group(duration="1h"), sandbox()])]
    found.apply([*gone, (GROUP, "local", None), (EXPIRED, SANDBOX, None)])
    assert found.empty
