"""Conditions and their reasons, word for word as the Gateway API names them. Knows no object and no rule."""

from __future__ import annotations

from translator.ir.finding import Finding
from translator.ir.output import Condition
from translator.ir.value import Row

CONTROLLER = "pointsman.io/gateway-controller"

ACCEPTED = "Accepted"
RESOLVED_REFS = "ResolvedRefs"
PROGRAMMED = "Programmed"
CONFLICTED = "Conflicted"
PARTIALLY_INVALID = "PartiallyInvalid"
OVERLAPPING_TLS = "OverlappingTLSConfig"
SERVED = "pointsman.io/Programmed"  # of a route at one parent, what PROGRAMMED is of a Gateway; the Gateway API has no word for it
FOLLOWED = "pointsman.io/KindsFollowed"  # of a GatewayClass: whether all that its Gateways may be made of is read from the cluster

PENDING = "not acknowledged yet by every connected proxy; `pointsman proxies` tells by which"  # while nothing else is wrong


class Problem(Row, frozen=True, gc=False):
    """Why a condition does not hold: its reason, and the finding that tells the user where and what to do."""

    condition: str
    reason: str
    finding: Finding


def holds(condition: str, reason: str = "", message: str = "") -> Condition:
    """True; its reason is the condition's own name unless another is given."""
    return Condition(type=condition, status=True, reason=reason or condition, message=message)


def fails(condition: str, reason: str, message: str) -> Condition:
    return Condition(type=condition, status=False, reason=reason, message=message)


def verdict(condition: str, problems: list[Problem]) -> Condition:
    """One condition out of all problems found: the first gives the reason, the messages of that reason are joined.

    A condition has one reason. Joining reasons by commas, as others do, gives a word that nobody can look up.
    """
    mine = [problem for problem in problems if problem.condition == condition]
    if not mine:
        return HOLDS.get(condition) or holds(condition)
    same = dict.fromkeys(problem.finding.message for problem in mine if problem.reason == mine[0].reason)
    return fails(condition, mine[0].reason, "; ".join(same))


HOLDS = {condition: holds(condition) for condition in (ACCEPTED, RESOLVED_REFS)}  # said of nearly every route
