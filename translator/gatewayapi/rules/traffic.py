"""XBackendTrafficPolicies: what they claim, what routes are to know of them, and what is said of them at Gateways."""

from __future__ import annotations

from translator.engine import Facts, View, rule
from translator.gatewayapi.rules.policies import policy_status, targets
from translator.gatewayapi.tables import FOUND, GOVERNED, KEEPS, TRAFFIC, Kept, TrafficClaim
from translator.gatewayapi.traffic import KIND, budget, conditions, limited
from translator.inputs import BACKEND_TRAFFIC_POLICY
from translator.ir.tables import OUT_STATUS


@rule(over=BACKEND_TRAFFIC_POLICY, into=(TRAFFIC, GOVERNED, FOUND))
def traffic_claims(view: View, key: str) -> Facts:
    policy = view.one(BACKEND_TRAFFIC_POLICY, key)
    limit = budget(policy.spec.retry_constraint) if policy.spec.retry_constraint else None
    for finding in limited(policy):
        yield FOUND((KIND, key), finding)
    for to, _, wrong in targets(view, KIND, policy):
        if wrong:
            yield FOUND((KIND, key), wrong)
        if to:
            yield TRAFFIC(to, TrafficClaim(policy.metadata.creation_timestamp, key, limit))
            yield GOVERNED(to, key)


@rule(over=TRAFFIC, into=(KEEPS,))
def kept(view: View, to: tuple[str, str]) -> Facts:
    """Sessions of a backend, apart from all else that is said of it: a route is compiled anew for nothing but these."""
    claim = view.list(TRAFFIC, to)[0]
    policy = view.get(BACKEND_TRAFFIC_POLICY, claim.policy)
    if policy and policy.spec.session_persistence:
        yield KEEPS(to, Kept(claim.policy, policy.spec.session_persistence))


@rule(over=BACKEND_TRAFFIC_POLICY, into=(OUT_STATUS,))
def traffic_status(view: View, key: str) -> Facts:
    policy = view.one(BACKEND_TRAFFIC_POLICY, key)
    claimed = [view.list(TRAFFIC, to) for to, _, _ in targets(view, KIND, policy) if to]
    yield policy_status(view, KIND, policy, conditions(key, claimed))


CLAIMS = (traffic_claims, kept)
STATUS = (traffic_status,)
