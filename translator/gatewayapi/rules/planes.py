"""The data planes that run in Pods: what each Gateway wants of one, and what that comes to."""

from __future__ import annotations

from msgspec import structs

from translator.engine import Facts, View, rule
from translator.gatewayapi.addresses import bind_addresses
from translator.gatewayapi.planes import plane, together
from translator.gatewayapi.tables import OURS, PARAMETERS, PLANE_PART, SET_ON
from translator.inputs import GATEWAY, LISTENER_SET
from translator.ir.tables import GROUP, OUT_PLANE


@rule(over=OURS, into=(PLANE_PART,))
def plane_part(view: View, key: str) -> Facts:
    """Nothing of a Gateway that is not accepted for its own sake, as its proxies would serve nothing."""
    asked, gateway = view.one(PARAMETERS, key), view.one(GATEWAY, key)
    group = view.get(GROUP, asked.group)
    if not (group and group.pods and bind_addresses(gateway.spec.addresses) and (asked.serves or asked.group == key) and asked.reached):
        return
    added = [one for each in view.list(SET_ON, key) for one in view.one(LISTENER_SET, each).spec.listeners]
    found = plane(gateway, added, asked.run, kept=bool(asked.problem))
    if found and asked.group != key:
        found = structs.replace(found, group=asked.group, home=group.home, addresses=(), labels=(), annotations=())
    if found:
        yield PLANE_PART(asked.group, found)


@rule(over=PLANE_PART, into=(OUT_PLANE,))
def data_plane(view: View, group: str) -> Facts:
    yield OUT_PLANE(group, together(view.list(PLANE_PART, group)))


RULES = (plane_part, data_plane)
