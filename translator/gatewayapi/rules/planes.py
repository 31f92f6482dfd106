"""The data planes that run in Pods: what each Gateway wants of one, and what that comes to."""

from __future__ import annotations

from msgspec import structs

from translator.engine import Facts, View, rule
from translator.gatewayapi.addresses import bind_addresses
from translator.gatewayapi.planes import plane, together
from translator.gatewayapi.tables import OURS, PARAMETERS, PLANE_PART, SET_ON
from translator.inputs import GATEWAY, LISTENER_SET
from translator.ir.listener import Port
from translator.ir.plane import Plane, PlanePort
from translator.ir.tables import BOUND_AT, GROUP, OUT_PLANE


@rule(over=OURS, into=(PLANE_PART,))
def plane_part(view: View, key: str) -> Facts:
    """Nothing of a Gateway that is not accepted for its own sake, as its proxies would serve nothing."""
    asked, gateway = view.one(PARAMETERS, key), view.one(GATEWAY, key)
    group = view.get(GROUP, asked.group)
    if not (group and group.pods and bind_addresses(gateway.spec.addresses) and (asked.serves or asked.group == key) and asked.reached):
        return
    added = [one for each in view.list(SET_ON, key) for one in view.one(LISTENER_SET, each).spec.listeners]
    found = plane(gateway, added, asked.run, kept=bool(asked.problem))
    if found is None:
        return
    if asked.group != key:
        common = structs.replace(found, group=asked.group, home=group.home, addresses=(), labels=(), annotations=())
        yield PLANE_PART(asked.group, structs.replace(common, ports=(), ways=True) if asked.ways else common)
    if asked.group == key or asked.ways:
        yield PLANE_PART(key, way(view, found, asked.group, group.home) if asked.ways else found)


def way(view: View, own: Plane, via: str, home: str) -> Plane:
    """The Service of a Gateway that shares its proxies."""
    each = ((one, Port(via, "", one.number, one.transport, own.group)) for one in own.ports)
    bound = [PlanePort(one.number, one.transport, view.get(BOUND_AT, port) or 0) for one, port in each]
    return structs.replace(own, via=via, home=home, ports=tuple(one for one in bound if one.bound))


@rule(over=PLANE_PART, into=(OUT_PLANE,))
def data_plane(view: View, group: str) -> Facts:
    yield OUT_PLANE(group, together(view.list(PLANE_PART, group)))


RULES = (plane_part, data_plane)
