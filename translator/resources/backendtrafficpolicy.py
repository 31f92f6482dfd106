"""XBackendTrafficPolicy as users write it. Source: Gateway API v1.6.1, `apisx/v1alpha1/xbackendtrafficpolicy_types.go`
(GEP-3388, GEP-1619), of the experimental channel.
"""

from __future__ import annotations

from translator.resources.backendtlspolicy import PolicyTarget
from translator.resources.meta import Object, Value
from translator.resources.persistence import SessionPersistence


class Budget(Value, frozen=True, gc=False, kw_only=True):
    """How many of a hundred requests may be retries; `interval` is a GEP-2257 duration."""

    percent: int = 20
    interval: str = "10s"


class Rate(Value, frozen=True, gc=False, kw_only=True):
    """So many in an interval. What is left out is that of the default."""

    count: int = 10
    interval: str = "1s"


class RetryConstraint(Value, frozen=True, gc=False, kw_only=True):
    budget: Budget = Budget()
    min_retry_rate: Rate = Rate()


class BackendTrafficPolicySpec(Value, frozen=True, gc=False, kw_only=True):
    target_refs: tuple[PolicyTarget, ...] = ()
    retry_constraint: RetryConstraint | None = None
    session_persistence: SessionPersistence | None = None


class XBackendTrafficPolicy(Object, frozen=True, gc=False, kw_only=True):
    spec: BackendTrafficPolicySpec
