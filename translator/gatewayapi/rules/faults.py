"""Endpoints that a proxy refused, told to whoever wrote them: the Backend, or of a Service the EndpointSlice that holds them."""

from __future__ import annotations

from msgspec import structs

from translator.engine import Facts, View, rule
from translator.gatewayapi.tables import SLICES_OF
from translator.ir.cluster import Use
from translator.ir.tables import FAULTY, REFUSED
from translator.resources.core import EndpointSlice


@rule(over=FAULTY, into=(REFUSED,))
def faulty_endpoints(view: View, use: Use) -> Facts:
    """`FAULTY` names an endpoint as `address:port`, or none where all of them were refused together."""
    for endpoint, finding in view.list(FAULTY, use):
        if use.kind != "Service":
            yield REFUSED((use.kind, use.key), finding)
            continue
        slices = view.list(SLICES_OF, use.key)
        for one in [one for one in slices if holds(one, endpoint)] or slices:
            yield REFUSED(("EndpointSlice", one.key), structs.replace(finding, kind="EndpointSlice", key=one.key))


def holds(one: EndpointSlice, endpoint: str) -> bool:
    address, _, port = endpoint.rpartition(":")
    return any(str(each.port) == port for each in one.ports) and any(address in each.addresses for each in one.endpoints)


RULES = (faulty_endpoints,)
