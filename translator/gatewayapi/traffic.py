"""XBackendTrafficPolicy: how many retries a backend is sent, and what of a policy is not served. Knows no view and no Envoy.

Source: Gateway API v1.6.1, `BackendTrafficPolicySpec` (GEP-3388).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

from translator.gatewayapi.conditions import ACCEPTED, fails, holds
from translator.gatewayapi.durations import milliseconds
from translator.gatewayapi.sessions import FIELD, limits
from translator.gatewayapi.tables import TrafficClaim
from translator.ir.cluster import RetryBudget
from translator.ir.finding import Finding
from translator.ir.output import Condition
from translator.resources.backendtrafficpolicy import RetryConstraint, XBackendTrafficPolicy

KIND = "XBackendTrafficPolicy"
USUAL_INTERVAL = 10_000  # milliseconds; the default of the CRD


def budget(spec: RetryConstraint) -> RetryBudget:
    """Envoy counts requests and retries that are under way, not those of a time gone by: so many retries a second are taken for
    as many at a time, as if each took a second.
    """
    rate = spec.min_retry_rate
    return RetryBudget(spec.budget.percent, ceil(rate.count * 1000 / max(1, milliseconds(rate.interval))))


def limited(policy: XBackendTrafficPolicy) -> Iterator[Finding]:
    """What the policy says in vain."""
    spec = policy.spec
    if spec.retry_constraint and milliseconds(spec.retry_constraint.budget.interval) != USUAL_INTERVAL:
        message = "budget.interval is not served: the budget is a part of the requests that are under way at the time"
        path = ("spec", "retryConstraint", "budget", "interval")
        yield Finding(code="PM0404", kind=KIND, key=policy.key, message=message, path=path, fix="remove it", severity="warning")
    if spec.session_persistence:
        yield from limits(spec.session_persistence, KIND, policy.key, ("spec", FIELD))


def conditions(key: str, claimed: Sequence[Sequence[TrafficClaim]]) -> tuple[Condition, ...]:
    """`claimed` has the policies of each target that is its own, the oldest first: that one is obeyed (GEP-713)."""
    older = next((claims[0].policy for claims in claimed if claims[0].policy != key), "")
    return (fails(ACCEPTED, "Conflicted", f"the older policy {older} has the same target") if older else holds(ACCEPTED),)
