"""The tables between the rules of this package, and an entry as it stands at a place."""

from __future__ import annotations

from typing import Literal

from protos.v3 import Route
from translator.engine import Table, View
from translator.envoy_v3.held import refused_of, routes_served
from translator.envoy_v3.route import packed, packed_route
from translator.ir.quarantine import Poison
from translator.ir.route import Entry, Place, Precedence, Site
from translator.ir.value import Row


class Piece(Row, frozen=True, gc=False):
    """An entry packed. Without bytes it is packed anew at each place where it stands. `flat` is what stands in its place in a
    table for Envoys without the native module, where that is another.
    """

    precedence: Precedence
    body: bytes
    entry: Entry | None = None
    flat: bytes | None = None


class Door(Row, frozen=True, gc=False):
    """How requests come to a route table."""

    group: str
    scheme: Literal["http", "https"]
    port: int


class Plan(Row, frozen=True, gc=False):
    """The form of a route table: how many RouteConfigurations, and whether there is a flat one beside."""

    group: str
    shards: int
    flat: bool


COMPILED = Table[str, tuple[Piece, ...]]("Compiled")  # route
ATTACHED = Table[Place, Piece]("Attached", order=lambda piece: piece.precedence)
HOSTS = Table[str, str]("Hosts")  # route table; its virtual hosts
DOOR = Table[str, Door]("Door")  # route table
PLAN = Table[str, Plan]("Plan")  # route table
PART = Table[tuple[str, str], bytes]("Part")  # (view, RouteConfiguration); its virtual hosts, framed

FIRST = Precedence(path=-2, length=0, method=False, headers=0, query=0, created="", key="", rule=0, match=0)
NOTHING = Piece(Precedence(path=-1, length=0, method=False, headers=0, query=0, created="", key="", rule=0, match=0), b"")

MISDIRECTED = Piece(
    Precedence(path=9, length=0, method=True, headers=0, query=0, created="", key="", rule=0, match=0),
    packed(Route(name="misdirected", match={"prefix": "/"}, direct_response={"status": 421})),
)


def piece_at(view: View, place: Place, piece: Piece, entry: Entry) -> tuple[Piece | None, tuple[Poison, ...]]:
    opened = view.get(DOOR, place.table)
    if opened is None:
        return Piece(piece.precedence, b""), ()
    site = Site(path=entry.match.path, host=place.host, scheme=opened.scheme, port=opened.port)
    body, poisons = packed_route(entry, site), refused_of(view, entry)
    served, found = routes_served(view, poisons, body) if poisons else (body, ())
    return (Piece(piece.precedence, served) if served else None), found


def lowered(place: Place) -> Place:
    """Envoy holds hosts equal that differ in case only, and refuses a table that has both."""
    host = place.host.lower()
    return place if host == place.host else Place(place.table, host)
