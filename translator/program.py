"""The whole program: every rule in the order in which it runs, seen at once.

Fronts bring rules that end in the tables of `ir`; Envoy's side begins there. Statuses come last, because they tell what
became of everything else.
"""

from __future__ import annotations

from translator import envoy_v3
from translator.engine import Engine, Rule
from translator.gatewayapi.rules import (
    backends,
    chains,
    faults,
    gateways,
    grpcroutes,
    indexes,
    links,
    parameters,
    planes,
    policies,
    routegroups,
    routes,
    status,
    streamroutes,
    traffic,
)
from translator.inputs import OBJECTS
from translator.ir.tables import ACKED, COPYING, EXPIRED, GROUP, OUTPUTS, QUARANTINE, UNCOPIED, UNFOLLOWED
from translator.sandbox import copies, laptops, lives, meshes, sidecars
from translator.sandbox import rules as sandbox

COMPILING: tuple[Rule, ...] = (routes.compile_route, grpcroutes.compile_grpc_route)
ATTACHING: tuple[Rule, ...] = (routes.attach_route, grpcroutes.attach_grpc_route)
FRONTS: tuple[Rule, ...] = (
    *indexes.RULES,
    *policies.CLAIMS,
    *parameters.RULES,
    *traffic.CLAIMS,
    *gateways.RULES,
    *routegroups.RULES,
    *gateways.LISTENERS,
    *planes.RULES,
    *policies.RULES,
    *streamroutes.RULES,
    *COMPILING,
    *ATTACHING,
    *lives.ENDS,
    *links.RULES,
    *laptops.RULES,
    *sandbox.INDEXES,
    *sidecars.INDEXES,
    *sandbox.FORKS,
    *meshes.FORKS,
    *sidecars.FORKS,
    *routegroups.FORKS,
    *chains.RULES,
    *backends.RULES,
    *lives.RULES,
    *copies.RULES,
    *sandbox.STATUS,
    *meshes.OUTPUT,
    *sidecars.LISTENERS,
)
RULES: tuple[Rule, ...] = (*FRONTS, *envoy_v3.RULES, *faults.RULES, *policies.STATUS, *traffic.STATUS, *links.STATUS, *status.RULES)


def engine() -> Engine:
    """A new engine without any object in it."""
    return Engine((*OBJECTS.values(), GROUP, QUARANTINE, ACKED, EXPIRED, COPYING, UNCOPIED, UNFOLLOWED), RULES, OUTPUTS)
