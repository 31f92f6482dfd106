"""Claims about XBackendTrafficPolicies: budgets, who is obeyed, and what a change of one concerns."""

from __future__ import annotations

from typing import Any

import pytest

from tests.golden.translation import HERE
from tests.objects import changes, objects
from translator.engine import Engine
from translator.gatewayapi.traffic import budget
from translator.ir.cluster import RetryBudget, Use
from translator.ir.output import Group
from translator.ir.route import Session
from translator.ir.tables import CLUSTER, ENTRIES, GROUP, OUT_FINDINGS, OUT_STATUS
from translator.program import engine as new_engine
from translator.resources.backendtrafficpolicy import Budget, Rate, RetryConstraint

POLICY = """
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackendTrafficPolicy
metadata: {name: NAME}
spec: {targetRefs: [{group: "", kind: Service, name: web}], SAYS}
"""
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: web, port: 80}]}]}
"""
BUDGET, SESSION = "retryConstraint: {budget: {percent: 5}}", "sessionPersistence: {sessionName: s}"
USE = Use("Service", "default/web", 80)


def policy(name: str, says: str) -> list[Any]:
    return changes(objects(POLICY.replace("NAME", name).replace("SAYS", says)))


def world(*found: Any, route: str = ROUTE) -> Engine:
    engine = new_engine()
    base = [one for name in ("edge", "web", "api") for one in changes(objects((HERE / "base" / f"{name}.yaml").read_text()))]
    engine.apply([(GROUP, "local", Group()), *base, *changes(objects(route)), *found])
    assert engine.failures == {}
    return engine


def gone(found: list[Any]) -> list[Any]:
    return [(table, key, None) for table, key, _ in found]


def sessions(engine: Engine) -> list[str]:
    ((entry,),) = engine.rows(ENTRIES)["HTTPRoute/default/web"]
    return [row.name for row in entry.filters if isinstance(row, Session)]


@pytest.mark.parametrize(
    ("rate", "least"),
    [(Rate(), 10), (Rate(count=30, interval="10s"), 3), (Rate(count=1, interval="1h"), 1), (Rate(count=5, interval="500ms"), 10)],
)
def test_retries_a_second_are_taken_for_retries_at_a_time(rate: Rate, least: int) -> None:
    assert budget(RetryConstraint(budget=Budget(percent=7), min_retry_rate=rate)) == RetryBudget(7, least)


def test_budget_goes_with_its_policy() -> None:
    engine = world(*policy("a", BUDGET))
    assert engine.rows(CLUSTER)[USE][0].budget == RetryBudget(5, 10)
    engine.apply(gone(policy("a", BUDGET)))
    assert [row.budget for row in engine.rows(CLUSTER)[USE]] == [None]


def test_second_policy_is_conflicted_and_takes_over_when_the_first_goes() -> None:
    engine = world(*policy("a", BUDGET), *policy("b", SESSION))
    assert [
        one.reason for (row,) in [engine.rows(OUT_STATUS)["XBackendTrafficPolicy", "default/b"]] for one in row.ancestors[0].conditions
    ] == ["Conflicted"]
    assert sessions(engine) == []
    engine.apply(gone(policy("a", BUDGET)))
    assert sessions(engine) == ["s"]


def test_session_of_a_policy_is_kept_by_routes_to_its_backend_while_it_is_there() -> None:
    engine = world(*policy("a", SESSION))
    assert sessions(engine) == ["s"]
    engine.apply(gone(policy("a", SESSION)))
    assert sessions(engine) == []


def test_change_of_a_budget_compiles_no_route_anew() -> None:
    engine = world(*policy("a", BUDGET))
    before = engine.rows(ENTRIES)["HTTPRoute/default/web"][0]
    engine.apply(policy("a", BUDGET.replace("5", "6")))
    assert engine.rows(ENTRIES)["HTTPRoute/default/web"][0] is before


def test_policy_is_told_of_a_rule_that_cannot_keep_its_sessions() -> None:
    several = ROUTE.replace("[{name: web, port: 80}]", "[{name: web, port: 80}, {name: api, port: 80}]")
    engine = world(*policy("a", SESSION), route=several)
    assert sessions(engine) == []
    (found,) = engine.rows(OUT_FINDINGS)["XBackendTrafficPolicy", "default/a"]
    assert [(one.code, one.path) for one in found] == [("PM0404", ("spec", "sessionPersistence"))]


def test_policy_about_nothing_that_is_reached_says_nothing() -> None:
    engine = world(*policy("a", BUDGET), route=ROUTE.replace("name: web, port", "name: api, port"))
    assert engine.rows(OUT_STATUS)["XBackendTrafficPolicy", "default/a"][0].ancestors == ()
