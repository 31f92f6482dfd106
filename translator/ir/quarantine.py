"""What proxies refused, as an input: known by its bytes, so that it is over as soon as an object changes them.

The process fills it in from what streams tell; rules ask it like any other table. Keys say what was refused: the output
table and name of a resource, or ROUTE and the owner of routes (`names.owner`).
"""

from __future__ import annotations

from translator.ir.cluster import Use
from translator.ir.value import Row

ROUTE = "route"


class Poison(Row, frozen=True, gc=False, kw_only=True):
    """One resource, or one part of it, that a proxy refused by itself.

    `digest` is the fingerprint of its bytes and `part` the name of the part, empty for all of the resource. `good` is what
    was accepted before in its place, framed if it is a part; `uses` are the upstreams without which that means nothing.
    `doubted`: told, and served all the same, because another proxy accepts it or this one accepts nothing. `here`: for a reason
    of the machine that the proxy is on, so that it is doubted too.
    """

    digest: str
    message: str
    part: str = ""
    good: bytes = b""
    uses: tuple[Use, ...] = ()
    doubted: bool = False
    here: bool = False


class Quarantined(Row, frozen=True, gc=False):
    """Newest last."""

    poisons: tuple[Poison, ...]
