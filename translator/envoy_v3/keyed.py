"""Rules for routes whose upstreams may have forks. As in rules.py: ask, call, yield. A plain route comes through none of them."""

from __future__ import annotations

from msgspec import structs

from translator.engine import Facts, Table, View, rule
from translator.envoy_v3.between import ATTACHED, COMPILED, DOOR, FIRST, Piece, lowered, piece_at
from translator.envoy_v3.forks import REFUSAL, forked, with_keys
from translator.envoy_v3.held import refused_of, routes_served, told_of_routes
from translator.ir.output import Group
from translator.ir.quarantine import Poison
from translator.ir.route import Entry, Place
from translator.ir.tables import ENTRIES, FORK_KEY, GROUP, HELD, KEYED, REFUSED

READS_KEYS = Table[Place, str]("ReadsKeys")  # virtual hosts → the routes there whose upstreams may have forks


@rule(over=KEYED, into=(ATTACHED, READS_KEYS, REFUSED, HELD))
def keyed(view: View, key: str) -> Facts:
    """Each entry as it would be without forks, made into one that looks for them."""
    entries = {entry.precedence: entry for entry in view.get(ENTRIES, key) or ()}
    refused: dict[Poison, Entry] = {}
    for one in dict.fromkeys(view.list(KEYED, key)):
        place, prefixes = lowered(one.place), dict(one.forks)
        opened = view.get(DOOR, place.table)
        group = (view.get(GROUP, opened.group) if opened else None) or Group()
        ways = {prefix: view.list(FORK_KEY, prefix) for prefix in prefixes.values()} if group.flat else {}
        yield READS_KEYS(place, key)
        for piece in view.get(COMPILED, key) or ():
            entry = entries[piece.precedence]
            here = piece_at(view, place, piece, piece.entry)[0] if piece.entry else piece
            poisons = refused_of(view, entry)
            body = forked(here.body, prefixes) if here else b""
            served, found = routes_served(view, poisons, body) if poisons else (body, ())
            refused.update(dict.fromkeys(found, entry))
            if here and served:
                flat = with_keys(here.body, prefixes, ways) if group.flat else None
                yield ATTACHED(place, structs.replace(here, body=served, entry=None, flat=flat))
    for poison, entry in refused.items():
        yield from told_of_routes(entry, (poison,))


@rule(over=READS_KEYS, into=(ATTACHED,))
def refusal(_view: View, place: Place) -> Facts:
    """Of a request whose key is not valid. Without the module nobody says so, and a client could."""
    yield ATTACHED(place, Piece(FIRST, REFUSAL, flat=b""))


RULES = (keyed, refusal)
