"""What a GatewayClass says of kinds that cannot be followed, out of what a source found. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from translator.ir.finding import Finding

REASONS = {"PM0131": "KindForbidden", "PM0132": "ServerAway", "PM0130": "KindMissing"}  # the worst first
LONGEST = 2000  # characters


def unfollowed(found: Iterable[Finding]) -> tuple[str, str]:
    """The reason of the worst, and what is said of all; both empty where every kind is followed."""
    those = sorted((one for one in found if one.code in REASONS), key=lambda one: list(REASONS).index(one.code))
    return (REASONS[those[0].code], "; ".join(one.message for one in those)[:LONGEST]) if those else ("", "")
