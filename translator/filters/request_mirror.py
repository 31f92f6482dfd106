"""Request mirror: a copy of some requests goes to another cluster, whose answers nobody waits for.

Source: Gateway API, `HTTPRequestMirrorFilter`. The copy keeps its Host: Envoy would put `-shadow` behind it.
"""

from __future__ import annotations

from protos.v3 import FractionalPercent, Route, RouteAction, RuntimeFractionalPercent
from translator.ir.route import Mirror, Site

MILLION = 1_000_000


def on_route(row: Mirror, _site: Site) -> Route:
    """A mirror whose backend cannot be had is left out: the request itself is not concerned."""
    if not row.cluster:
        return Route()
    policy = RouteAction.RequestMirrorPolicy(
        cluster=row.cluster,
        runtime_fraction=RuntimeFractionalPercent(default_value=_fraction(row.numerator, row.denominator)),
        disable_shadow_host_suffix_append=True,
    )
    return Route(route=RouteAction(request_mirror_policies=[policy]))


def _fraction(numerator: int, denominator: int) -> FractionalPercent:
    """In hundredths where that is exact, else in millionths, rounded; Envoy knows no other denominators but 10,000."""
    if numerator * 100 % denominator == 0:
        return FractionalPercent(numerator=numerator * 100 // denominator, denominator=FractionalPercent.HUNDRED)
    return FractionalPercent(numerator=round(numerator * MILLION / denominator), denominator=FractionalPercent.MILLION)
