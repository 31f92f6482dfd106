"""Make before break: in which order types are sent, and whose ACK each step waits for. Data only.

What Envoy does with it (1.40): it withholds the ACK of a Cluster until it is warm, so CDS ACK = clusters usable; it ACKs a
route to an unknown cluster and answers 503, so its ACK of a route proves nothing; a scope that names a RouteConfiguration
which is not loaded answers 404. Hence: clusters with their endpoints; then new scopes and RouteConfigurations; then what
refers to those; and only then, from the outside in, what nobody refers to any more.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from xds.kinds import CLUSTER, ENDPOINT, EXTENSION, LISTENER, ROUTE, RUNTIME, SCOPE, SECRET, VIRTUAL_HOST, Kind

GATE_SECONDS = 20.0  # a gate that stays shut as long opens by itself: one cold cluster must not hold everything for ever
RESUME_SECONDS = 1.0  # a client that reconnects has subscribed all its types by then; until that, a missing one holds


class Move(Enum):
    MAKE = "make"  # what is new or changed
    POINT = "point"  # scopes that exist and now name another RouteConfiguration: MAKE leaves them to this
    REMOVE = "remove"


class Phase(Struct, frozen=True):
    """One step. A change of epoch e is sent when every type of `after` has what changed up to e ACKed: all it makes, and
    for a removal also what it removes. A type that the client did not subscribe holds nothing up.
    """

    kind: Kind
    move: Move
    after: tuple[Kind, ...] = ()

    def __hash__(self) -> int:
        return id(self)


# A listener is replaced by one of another name on the same address, a virtual host by one for the same domain: Envoy wants
# both in one response, so MAKE of what swaps carries its removals too.
ORDER = (
    Phase(RUNTIME, Move.MAKE),
    Phase(RUNTIME, Move.REMOVE),
    Phase(SECRET, Move.MAKE),
    Phase(CLUSTER, Move.MAKE),
    Phase(ENDPOINT, Move.MAKE),  # not after CLUSTER: its ACK waits for these
    Phase(EXTENSION, Move.MAKE, (CLUSTER,)),
    Phase(VIRTUAL_HOST, Move.MAKE, (CLUSTER,)),
    Phase(SCOPE, Move.MAKE, (CLUSTER,)),
    Phase(ROUTE, Move.MAKE, (CLUSTER,)),
    Phase(SCOPE, Move.POINT, (CLUSTER, ROUTE)),
    Phase(LISTENER, Move.MAKE, (CLUSTER, SCOPE, ROUTE)),
    Phase(SCOPE, Move.REMOVE, (SCOPE, LISTENER)),
    Phase(ROUTE, Move.REMOVE, (SCOPE, ROUTE, LISTENER)),
    Phase(EXTENSION, Move.REMOVE, (LISTENER,)),
    Phase(CLUSTER, Move.REMOVE, (SCOPE, ROUTE, VIRTUAL_HOST, EXTENSION, LISTENER)),
    Phase(ENDPOINT, Move.REMOVE, (CLUSTER,)),
    Phase(SECRET, Move.REMOVE, (LISTENER, CLUSTER)),
)
