"""Entries that are asked last at a virtual host: told where others leave them nothing."""

from __future__ import annotations

from translator.engine import Facts, View, rule
from translator.envoy_v3.between import ATTACHED, lowered
from translator.ir.route import Place, Precedence
from translator.ir.tables import REFUSED, YIELDING

EVERY_PATH = (2, 0)  # the prefix /, as translator/gatewayapi/precedence.py ranks it
EVERY_METHOD = (0, 0)  # of a GRPCRoute


@rule(over=YIELDING, into=(REFUSED,))
def yielding(view: View, place: Place) -> Facts:
    pieces = view.list(ATTACHED, lowered(place))
    for one in view.list(YIELDING, place):
        if any(piece.precedence < one.precedence and takes_all(piece.precedence) for piece in pieces):
            yield REFUSED((one.finding.kind, one.finding.key), one.finding)


def takes_all(one: Precedence) -> bool:
    """Whether no request passes what stands here."""
    if one.headers or one.query:
        return False
    path = (one.path, one.length)
    return path == EVERY_METHOD or (path == EVERY_PATH and one.method)


RULES = (yielding,)
