"""The data plane of each Gateway whose proxies run in Pods."""

from __future__ import annotations

from translator.engine import Facts, View, rule
from translator.gatewayapi.addresses import bind_addresses
from translator.gatewayapi.parents import has_unknown_parameters
from translator.gatewayapi.planes import plane
from translator.gatewayapi.tables import OURS, SET_ON
from translator.inputs import GATEWAY, LISTENER_SET
from translator.ir.tables import GROUP, OUT_PLANE


@rule(over=OURS, into=(OUT_PLANE,))
def data_plane(view: View, key: str) -> Facts:
    """None for a Gateway that is not accepted, as its proxies would serve nothing."""
    group = view.get(GROUP, view.one(OURS, key))
    gateway = view.one(GATEWAY, key)
    if not (group and group.pods and bind_addresses(gateway.spec.addresses)) or has_unknown_parameters(gateway):
        return
    added = [one for each in view.list(SET_ON, key) for one in view.one(LISTENER_SET, each).spec.listeners]
    if found := plane(gateway, added):
        yield OUT_PLANE(key, found)


RULES = (data_plane,)
