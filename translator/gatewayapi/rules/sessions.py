"""Session persistence of a rule: its own, or that of a policy about its backend."""

from __future__ import annotations

from translator.gatewayapi.backends import referent
from translator.gatewayapi.rules.compiling import Compiling
from translator.gatewayapi.sessions import FIELD, divided, limits, session
from translator.gatewayapi.tables import KEEPS
from translator.gatewayapi.traffic import KIND as POLICY
from translator.ir.finding import Path
from translator.ir.route import Answer, Forward, Session
from translator.resources.grpcroute import GRPCRouteRule
from translator.resources.httproute import RouteRule


def session_of(all_of: Compiling, path: Path, spec: RouteRule | GRPCRouteRule, action: Forward | Answer) -> tuple[Session, ...]:
    """That of the rule goes before those of policies (GEP-1619, "Route Rule API"). Of a rule that sends to nobody there is none."""
    if not (isinstance(action, Forward) and action.shares):
        return ()
    rule = f"rule {path[-1]} of {all_of.kind} {all_of.route.key}"
    backends = [referent(one, all_of.route.namespace) for one in spec.backend_refs if one.weight]
    if own := spec.session_persistence:
        all_of.warnings.extend(limits(own, all_of.kind, all_of.route.key, (*path, FIELD)))
        if len(backends) == 1:
            return (session(own, rule, scoped=True),)
        all_of.warnings.append(divided(all_of.kind, all_of.route.key, (*path, FIELD), rule))
        return ()
    kept = [found for to in backends if (found := all_of.view.get(KEEPS, (to.kind, to.key)))]
    if kept and len(backends) == 1:
        return (session(kept[0].persistence, f"{rule}, {kept[0].policy}", scoped=False),)
    all_of.warnings.extend(divided(POLICY, one.policy, ("spec", FIELD), rule) for one in kept)
    return ()
