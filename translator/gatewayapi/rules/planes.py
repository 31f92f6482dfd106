"""The data plane of each Gateway whose proxies run in Pods."""

from __future__ import annotations

from translator.engine import Facts, View, rule
from translator.gatewayapi.addresses import bind_addresses
from translator.gatewayapi.planes import plane
from translator.gatewayapi.tables import OURS
from translator.inputs import GATEWAY
from translator.ir.tables import GROUP, OUT_PLANE


@rule(over=OURS, into=(OUT_PLANE,))
def data_plane(view: View, key: str) -> Facts:
    """None for a Gateway that is not accepted, as its proxies would serve nothing."""
    group = view.get(GROUP, view.one(OURS, key))
    gateway = view.one(GATEWAY, key)
    if group and group.pods and bind_addresses(gateway.spec.addresses) and (found := plane(gateway)):
        yield OUT_PLANE(key, found)


RULES = (data_plane,)
