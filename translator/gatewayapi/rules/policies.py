"""BackendTLSPolicies: what they claim, and what is said of them at the Gateways whose traffic they are about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from translator.engine import Fact, Facts, Table, View, rule
from translator.gatewayapi.backendtls import KIND, authorities, demands, is_conflicted, policy_conditions, trusted
from translator.gatewayapi.conditions import CONTROLLER
from translator.gatewayapi.parents import SET
from translator.gatewayapi.references import GATEWAY_GROUP, GROUPS
from translator.gatewayapi.tables import (
    AUTHORITY_REF,
    AUTHORITY_STATE,
    FOUND,
    GOVERNED,
    OBEYS,
    PARENT,
    POLICY,
    SET_STATE,
    TARGETED,
    USE,
    PolicyState,
    TargetClaim,
)
from translator.inputs import BACKEND, BACKEND_TLS_POLICY, SERVICE
from translator.ir import names
from translator.ir.cluster import Authority
from translator.ir.finding import Finding
from translator.ir.output import AncestorStatus, Condition, ParentRef, Status
from translator.ir.tables import AUTHORITY, OUT_STATUS
from translator.resources.backendtlspolicy import BackendTLSPolicy, PolicyTarget
from translator.resources.backendtrafficpolicy import XBackendTrafficPolicy

TARGETS: dict[str, Table[str, Any]] = {"Service": SERVICE, "Backend": BACKEND}
ANCESTORS = 16  # as many as the status can hold
Policy = BackendTLSPolicy | XBackendTrafficPolicy


def targets(view: View, kind: str, policy: Policy) -> Iterator[tuple[tuple[str, str] | None, PolicyTarget, Finding | None]]:
    """Kind and key of each backend that a policy is about, nothing where it can be none, and what is wrong with it."""
    for place, target in enumerate(policy.spec.target_refs):
        to = f"{policy.namespace}/{target.name}"
        known = target.kind in TARGETS and target.group == GROUPS[target.kind]
        wrong = None
        if not known or view.get(TARGETS[target.kind], to) is None:
            message = f"{target.kind} {to} does not exist" if known else f"{target.kind} is nothing that traffic is sent to"
            path = ("spec", "targetRefs", place)
            wrong = Finding(code="PM0506", kind=kind, key=policy.key, message=message, path=path, severity="warning")
        yield ((target.kind, to) if known else None), target, wrong


def policy_status(view: View, kind: str, policy: Policy, conditions: tuple[Condition, ...]) -> Fact:
    """One entry for each Gateway through which its backends are reached."""
    found = {ref for use in view.list(OBEYS, (kind, policy.key)) for route in view.list(USE, use) for ref in gateways_of(view, route)}
    ancestors = tuple(
        AncestorStatus(ancestor_ref=ref, controller_name=CONTROLLER, conditions=conditions)
        for ref in sorted(found, key=lambda ref: (ref.namespace or "", ref.name))[:ANCESTORS]
    )
    return OUT_STATUS((kind, policy.key), Status(generation=policy.metadata.generation, ancestors=ancestors))


@rule(over=BACKEND_TLS_POLICY, into=(TARGETED, GOVERNED, AUTHORITY_REF, FOUND))
def policy_claims(view: View, key: str) -> Facts:
    """What a policy is about, and the ConfigMaps that it trusts."""
    policy = view.one(BACKEND_TLS_POLICY, key)
    for ref in sorted(trusted(policy)):
        yield AUTHORITY_REF(ref, key)
    for to, target, wrong in targets(view, KIND, policy):
        if wrong:
            yield FOUND((KIND, key), wrong)
        if to:
            yield TARGETED(to, TargetClaim(policy.metadata.creation_timestamp, key, target.section_name))
            yield GOVERNED(to, key)


@rule(over=BACKEND_TLS_POLICY, into=(POLICY, AUTHORITY, FOUND))
def tls_policy(view: View, key: str) -> Facts:
    """What a policy demands, if it can be obeyed."""
    policy = view.one(BACKEND_TLS_POLICY, key)
    bundle, problems = authorities(policy, {ref: view.one(AUTHORITY_STATE, ref) for ref in sorted(trusted(policy))})
    usable = bool(bundle) or bool(policy.spec.validation.well_known_ca_certificates)
    name = names.authority(KIND, key) if bundle else ""
    if bundle:
        yield AUTHORITY(name, Authority(bundle, (KIND, key)))
    yield POLICY(key, PolicyState(demands(policy, name), usable, tuple(problems)))
    for problem in problems:
        yield FOUND((KIND, key), problem.finding)


@rule(over=POLICY, into=(OUT_STATUS,))
def tls_status(view: View, key: str) -> Facts:
    policy, state = view.one(BACKEND_TLS_POLICY, key), view.one(POLICY, key)
    conflicted = any(
        is_conflicted(claim, claims)
        for target in policy.spec.target_refs
        for claims in (view.list(TARGETED, (target.kind, f"{policy.namespace}/{target.name}")),)
        for claim in claims
        if claim.policy == key
    )
    conditions = policy_conditions(list(state.problems), state.usable, conflicted)
    yield policy_status(view, KIND, policy, conditions)


def gateways_of(view: View, route: str) -> set[ParentRef]:
    """The Gateways that a route reaches, whatever the section."""
    namespace = route.split("/")[1]
    found: set[ParentRef] = set()
    for parent in view.list(PARENT, route):
        key = f"{parent.ref.namespace or namespace}/{parent.ref.name}"
        added = view.get(SET_STATE, key) if parent.ref.kind == SET else None
        at, _, name = (added.gateway if added else key).partition("/")
        if parent.reached:
            found.add(ParentRef(group=GATEWAY_GROUP, kind="Gateway", namespace=at, name=name))
    return found


CLAIMS = (policy_claims,)
RULES = (tls_policy,)
STATUS = (tls_status,)
