"""Rules from the tables in the middle to Envoy's resources: ask, call, yield. What is decided stands in the files beside;
those for upstreams and who they trust are in upstreams.py, keys of listeners in presenting.py.

An edit of one route packs that route, joins its virtual host, then the one RouteConfiguration that holds it. A table has R
RouteConfigurations, and R is a function of how many virtual hosts it has; each exists even if it holds none, since scopes
name it.
"""

from __future__ import annotations

from typing import NamedTuple

from protos.v3 import Listener, data
from translator.engine import Facts, View, rule
from translator.envoy_v3 import inbound, keyed, keyrules, upstreams, yielding
from translator.envoy_v3.anatomy import CHAINS, ROUTES
from translator.envoy_v3.between import (
    ATTACHED,
    COMPILED,
    DOOR,
    FIRST,
    HOSTS,
    MISDIRECTED,
    NOTHING,
    PART,
    PLAN,
    Door,
    Piece,
    Plan,
    lowered,
    piece_at,
)
from translator.envoy_v3.checks import broken, entry_findings, rule_findings, share_findings
from translator.envoy_v3.domain import COUNTS_ATTEMPTS, route_configuration, scope, virtual_host
from translator.envoy_v3.held import (
    held,
    held_rule,
    refused_of,
    routes_served,
    told_of_chains,
    told_of_ports,
    told_of_routes,
)
from translator.envoy_v3.listener import distinct, listener
from translator.envoy_v3.plain import plain_route
from translator.envoy_v3.presenting import LEFT_OUT, left_out
from translator.envoy_v3.quarantine import judged, told
from translator.envoy_v3.route import (
    depends_on_site,
    joined,
    packed_entry,
    route,
    route_match,
    shared_rest,
    shares_rest,
)
from translator.envoy_v3.sharding import SLOTS, shards, shards_of
from translator.envoy_v3.stream import udp_listener
from translator.envoy_v3.validation import violations
from translator.ir import names
from translator.ir.finding import Finding
from translator.ir.listener import Port
from translator.ir.output import Group, Packed
from translator.ir.quarantine import Poison
from translator.ir.route import Answer, Entry, Filter, Forward, Place, Site
from translator.ir.tables import (
    BOUND_AT,
    CHAIN,
    DATAGRAMS,
    ENTRIES,
    GROUP,
    HELD,
    HOST,
    OUT_LISTENER,
    OUT_ROUTES,
    OUT_SCOPE,
    PLACED,
    QUARANTINE,
    REFUSED,
    STRAY,
)


class Shared(NamedTuple):
    """What entries of one route do alike, whatever they match: packed once, and looked at once if nothing is wrong with it."""

    wanted: tuple[Forward | Answer, tuple[Filter, ...]] | None = None
    body: bytes = b""
    findings: list[Finding] = []  # noqa: RUF012 - never changed


# Route tables ------------------------------------------------------------------------------------------------------------


@rule(over=ENTRIES, into=(COMPILED, REFUSED, HELD))
def compile_route(view: View, key: str) -> Facts:
    """An entry that Envoy would refuse is left out, and its object is told; so is one that a proxy has refused."""
    pieces: list[Piece] = []
    shared = Shared()
    entries = view.one(ENTRIES, key)
    poisons = refused_of(view, entries[0]) if entries else None
    for entry in entries:
        if not poisons and (plain := plain_route(entry)) is not None:
            pieces.append(Piece(entry.precedence, plain))
            continue
        piece, findings = None, [*entry_findings(entry)]
        if not findings and shares_rest(entry):
            shared = shared if shared.wanted == (entry.action, entry.filters) else _shared(entry)
            piece, findings = _matched(entry, shared)
        elif not findings:  # what is no text cannot be put into a message
            piece, findings = _whole(entry)
        if piece and not findings:
            if poisons and not piece.entry:
                body, found = routes_served(view, poisons, piece.body)
                yield from told_of_routes(entry, found)
                piece = Piece(piece.precedence, body) if body else None
            if piece:
                pieces.append(piece)
        for finding in (*findings, *share_findings(entry)):
            yield REFUSED(entry.origin, finding)
    yield COMPILED(key, tuple(pieces))


def _shared(entry: Entry) -> Shared:
    message = shared_rest(entry)
    body = data(message)
    message.match.prefix = "/"  # any will do: the match is looked at by itself
    findings = rule_findings(entry, message)
    return Shared(None if findings else (entry.action, entry.filters), body, findings)


def _matched(entry: Entry, shared: Shared) -> tuple[Piece | None, list[Finding]]:
    if shared.findings:
        return None, shared.findings
    message = route_match(entry.match)
    return Piece(entry.precedence, joined(entry.name, data(message), shared.body)), rule_findings(entry, message)


def _whole(entry: Entry) -> tuple[Piece | None, list[Finding]]:
    message = route(entry, Site(path=entry.match.path))
    findings = rule_findings(entry, message)
    if findings:
        return None, findings
    return Piece(entry.precedence, b"", entry) if depends_on_site(entry) else Piece(entry.precedence, packed_entry(entry, message)), []


@rule(over=CHAIN, into=(DOOR,))
def door(view: View, port: Port) -> Facts:
    """The port is the one that clients reach, so that a Location leads there: the offset of a folder's Envoy included.

    Where a Service in front of Envoy maps ports back, the offset must not be named; then Group has to say so.
    """
    number = _moved(view, port)
    for chain in view.list(CHAIN, port) if number else ():
        if chain.shares is None:
            seen = port.port if port.gateway else number  # by clients
            yield DOOR(chain.table, Door(port.group, "https" if chain.secrets else "http", seen))


def _moved(view: View, port: Port) -> int:
    """The port as Envoy binds it; 0 where the group's offset moves it out of range, or there is no room for it. Fronts tell whoever
    asked for it.
    """
    if port.gateway:
        return view.get(BOUND_AT, port) or 0
    number = port.port + _group(view, port.group).port_offset
    return number if 0 < number < 65536 else 0


@rule(over=HOST, into=(ATTACHED,))
def bare_host(_view: View, place: Place) -> Facts:
    """A virtual host exists before it has routes: it answers 404 itself, where a wildcard would answer in its stead."""
    yield ATTACHED(lowered(place), NOTHING)


@rule(over=STRAY, into=(ATTACHED,))
def stray(_view: View, place: Place) -> Facts:
    """RFC 9110 15.5.20: another connection would be right; a client that can opens it and asks again."""
    yield ATTACHED(lowered(place), MISDIRECTED)


@rule(over=PLACED, into=(ATTACHED, REFUSED, HELD))
def attached(view: View, key: str) -> Facts:
    pieces = view.get(COMPILED, key) or ()
    refused: dict[Poison, Entry] = {}
    for place in dict.fromkeys(map(lowered, view.list(PLACED, key))):
        for piece in pieces:
            if piece.entry is None:
                yield ATTACHED(place, piece)
                continue
            here, found = piece_at(view, place, piece, piece.entry)
            refused.update(dict.fromkeys(found, piece.entry))
            if here:
                yield ATTACHED(place, here)
    for one, entry in refused.items():
        yield from told_of_routes(entry, (one,))


@rule(over=ATTACHED, into=(HOSTS,))
def host(_view: View, place: Place) -> Facts:
    yield HOSTS(place.table, place.host)


@rule(over=DOOR, into=(PLAN,))
def plan(view: View, table: str) -> Facts:
    group = view.one(DOOR, table).group
    yield PLAN(table, Plan(group, shards(view.count(HOSTS, table)), _group(view, group).flat))


@rule(over=PLAN, into=(PART, OUT_SCOPE))
def slots(view: View, table: str) -> Facts:
    """Every RouteConfiguration has a scope that no request can have: a new generation is loaded before slots point to it."""
    one = view.one(PLAN, table)
    configurations = [names.route_configuration(table, one.shards, shard) for shard in range(one.shards)]
    for shard, name in enumerate(configurations):
        yield PART((one.group, name), b"")
        warm = names.warm_scope(table, one.shards, shard)
        yield OUT_SCOPE((one.group, warm), Packed(scope(warm, name), (name,)))
    for slot in range(SLOTS):
        key, name = names.scope(table, slot), configurations[slot % one.shards]
        yield OUT_SCOPE((one.group, key), Packed(scope(key, name), (name,)))
    if one.flat:
        yield PART((names.flat(one.group), table), b"")


@rule(over=ATTACHED, into=(PART,))
def host_body(view: View, place: Place) -> Facts:
    one = view.get(PLAN, place.table)
    if one is None:
        return
    pieces = view.list(ATTACHED, place)
    tail = COUNTS_ATTEMPTS if pieces and pieces[0].precedence is FIRST else b""
    body = virtual_host(place.host, [piece.body for piece in pieces], tail)
    for shard in shards_of(place.host, one.shards):
        yield PART((one.group, names.route_configuration(place.table, one.shards, shard)), body)
    if one.flat:
        bare = [piece.body if piece.flat is None else piece.flat for piece in pieces]
        yield PART((names.flat(one.group), place.table), virtual_host(place.host, bare) if tail else body)


@rule(over=PART, into=(OUT_ROUTES, REFUSED, HELD))
def configuration(view: View, key: tuple[str, str]) -> Facts:
    """What is wrong with a table, or the head of a virtual host, is no object's fault: they hold names that were checked."""
    name = key[1]
    verdict = judged(view.get(QUARANTINE, (OUT_ROUTES.name, name)), route_configuration(name, view.list(PART, key)), ROUTES)
    body = route_configuration(name, ()) if verdict.body is None else verdict.body
    yield OUT_ROUTES(key, Packed(body))
    for one in verdict.found:
        what = f"virtual host {one.part}" if one.part else "this table"
        yield REFUSED(("RouteConfiguration", name), told(one, what, "RouteConfiguration", name))
    yield from held(OUT_ROUTES, name, verdict)


# Listeners ---------------------------------------------------------------------------------------------------------------


@rule(over=CHAIN, into=(OUT_LISTENER, LEFT_OUT, REFUSED, HELD))
def envoy_listener(view: View, port: Port) -> Facts:
    """A listener that Envoy would refuse is left out whole, and all who asked for the port are told."""
    group, number = _group(view, port.group), _moved(view, port)
    rows = view.list(CHAIN, port)
    if not number:
        yield from left_out(port, rows, None)
        return
    name, chains = names.listener(port), [*distinct(rows)]
    for at, sharded in ((port.group, True), *(((names.flat(port.group), False),) if group.flat else ())):
        body = listener(name, port.address or group.bind, number, chains, sharded, counted=group.counted)
        message = Listener.FromString(body)
        wrong = [one for row in rows for kind, key, path in row.origins for one in broken(message, kind, key, path)]
        verdict = judged(view.get(QUARANTINE, (OUT_LISTENER.name, name)), body, CHAINS)
        served = None if violations(message) else verdict.body
        if served:
            yield OUT_LISTENER((at, name), Packed(served))
        if sharded:  # the flat one presents the same
            yield from left_out(port, rows, served)
        for finding in (*wrong, *told_of_chains(rows, verdict)):
            yield REFUSED((finding.kind, finding.key), finding)
        yield from held(OUT_LISTENER, name, verdict)


@rule(over=DATAGRAMS, into=(OUT_LISTENER, REFUSED, HELD))
def envoy_udp_listener(view: View, port: Port) -> Facts:
    group, number = _group(view, port.group), _moved(view, port)
    if not number:
        return
    row, name = view.one(DATAGRAMS, port), names.listener(port)
    body = udp_listener(name, port.address or group.bind, number, row)
    wrong = [one for kind, key, path in row.origins for one in broken(Listener.FromString(body), kind, key, path)]
    verdict = judged(view.get(QUARANTINE, (OUT_LISTENER.name, name)), body)
    for at in (port.group, *((names.flat(port.group),) if group.flat else ())):
        if not wrong and verdict.body:
            yield OUT_LISTENER((at, name), Packed(verdict.body))
    for finding in (*wrong, *told_of_ports(row.origins, verdict)):
        yield REFUSED((finding.kind, finding.key), finding)
    yield from held(OUT_LISTENER, name, verdict)


def _group(view: View, name: str) -> Group:
    return view.get(GROUP, name) or Group()


RULES = (
    compile_route, door, bare_host, stray, attached, *keyed.RULES, *keyrules.RULES, *yielding.RULES, host, plan, slots, host_body,
    configuration, envoy_listener, envoy_udp_listener, *inbound.RULES, *upstreams.RULES, held_rule,
)  # fmt: skip
