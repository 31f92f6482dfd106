"""References from one object to another, and whether they may leave their namespace.

The only place that decides it: every reference of every kind is asked here (GEP-709, ReferenceGrant).
"""

from __future__ import annotations

from collections.abc import Iterable

from translator.ir.value import Row
from translator.resources.gateway import ReferenceGrant

GATEWAY_GROUP = "gateway.networking.k8s.io"
OWN_GROUP = "pointsman.io"
_OF_GATEWAY_API = ("Gateway", "GRPCRoute", "HTTPRoute", "ListenerSet", "TCPRoute", "TLSRoute", "UDPRoute")
GROUPS = {**dict.fromkeys(_OF_GATEWAY_API, GATEWAY_GROUP), "Service": "", "Secret": "", "Backend": OWN_GROUP, "RouteGroup": OWN_GROUP}


class Referent(Row, frozen=True, gc=False):
    """What a reference names: group, kind, and the key `namespace/name` with the namespace filled in."""

    group: str
    kind: str
    key: str

    @property
    def namespace(self) -> str:
        return self.key.partition("/")[0]

    @property
    def name(self) -> str:
        return self.key.partition("/")[2]


def permitted(grants: Iterable[ReferenceGrant], kind: str, namespace: str, to: Referent) -> bool:
    """Whether one of the grants in the target's namespace lets objects of this kind and namespace refer to `to`."""
    return any(
        any(one.kind == kind and one.group == GROUPS[kind] and one.namespace == namespace for one in grant.spec.from_)
        and any(one.kind == to.kind and one.group == to.group and one.name in ("", to.name) for one in grant.spec.to)
        for grant in grants
    )
