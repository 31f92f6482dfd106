"""Ports of proxies that several Gateways share, each with a Service of its own: where each of their ports is bound inside of a Pod.

Two Gateways then have the same port at different addresses, and meet nowhere. A port keeps its place while others come; only where
two want the same place and the older goes does the younger move.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from translator.ir.listener import Port
from translator.ir.value import Row

FIRST, LAST = 20000, 32767  # above what is ours in a Pod, and below what Linux takes for connections to backends
ROOM = LAST - FIRST + 1


class Wish(Row, frozen=True, gc=False, order=True):
    """A port that needs a place. The oldest Gateway chooses first."""

    created: str
    port: Port


def allotted(wishes: Sequence[Wish]) -> dict[Port, int]:
    """Port → where it is bound. A port for which there is no room is not among them."""
    taken: set[tuple[str, int]] = set()
    found: dict[Port, int] = {}
    for wish in wishes:
        place = _place(wish.port, taken)
        if place and wish.port not in found:
            taken.add((wish.port.transport, place))
            found[wish.port] = place
    return found


def _place(port: Port, taken: set[tuple[str, int]]) -> int:
    first = int.from_bytes(blake2b(f"{port.gateway}/{port.port}/{port.transport}".encode(), digest_size=8).digest()) % ROOM
    each = (FIRST + (first + step) % ROOM for step in range(ROOM))
    return next((one for one in each if (port.transport, one) not in taken), 0)
