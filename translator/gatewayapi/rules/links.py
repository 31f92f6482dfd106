"""Endpoints of RouteGroups: which key their hosts have at which proxies, where those with a target stand, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import structs

from translator.engine import Facts, Table, View, rule
from translator.gatewayapi import links
from translator.gatewayapi.attachment import Reached, attach
from translator.gatewayapi.links import KIND, Aim, LinkState
from translator.gatewayapi.parents import namespace_of, parent_id
from translator.gatewayapi.rules.asking import labels_of
from translator.gatewayapi.rules.attaching import stands
from translator.gatewayapi.rules.compiling import Compiling, cluster_of, route_id
from translator.gatewayapi.rules.sessions import session_of
from translator.gatewayapi.sandboxes import speaker
from translator.gatewayapi.tables import DECLARED, FOUND, GROUP_STATE, JOINED, JOINS, SERVING, TARGET, TARGETED, USE, Target
from translator.inputs import ROUTE_GROUP
from translator.ir.cluster import Use
from translator.ir.finding import Finding
from translator.ir.keys import KeyHost
from translator.ir.output import Status
from translator.ir.route import Entry, Place, Yielding
from translator.ir.tables import CLUSTER_USE, ENDED, ENTRIES, FORKABLE, GROUP, KEY_HOST, KEYED, OUT_STATUS, PLACED, REFUSED, YIELDING
from translator.ir.value import Row
from translator.resources.httproute import HTTPRoute, RouteRule
from translator.resources.sandbox import GroupEndpoint, RouteGroup


class Claimed(Row, frozen=True, gc=False, order=True):
    """An endpoint that wants the requests to a host to have a key, oldest RouteGroup first."""

    created: str
    group: str
    place: int
    key: str


HOST_CLAIM = Table[tuple[str, str, str], Claimed]("HostClaim", order=lambda one: one)  # (proxies, RouteGroup that is heard, host)
LINK_STATE = Table[str, LinkState]("LinkState", order=lambda one: one.place)  # RouteGroup


@rule(over=JOINS, into=(HOST_CLAIM,))
def claimed(view: View, key: str) -> Facts:
    """The RouteGroup that decides for a listener is heard there, and so are others of its namespace: they may write that one too."""
    one = view.one(ROUTE_GROUP, key)
    if not one.spec.endpoints or view.get(ENDED, key):
        return
    for proxies, listener in view.list(JOINS, key):
        heard = speaker(view.list(JOINED, listener), namespace_of(listener))
        declared = view.get(DECLARED, listener)
        if heard.namespace != one.namespace or declared is None:
            continue
        for place, each in enumerate(one.spec.endpoints):
            wildcards = (declared.spec.hostname.lower(),) if each.target else ()  # else nobody knows what a route there is to serve
            name, routing_key = one.host_of(each, *wildcards), one.key_of(each)
            if name and routing_key:
                yield HOST_CLAIM((proxies, heard.group, name), Claimed(one.metadata.creation_timestamp, key, place, routing_key))


@rule(over=HOST_CLAIM, into=(KEY_HOST, FOUND))
def host(view: View, key: tuple[str, str, str]) -> Facts:
    """Of several endpoints for one host the oldest counts, in one RouteGroup the first."""
    proxies, heard, name = key
    first, *others = dict.fromkeys(view.list(HOST_CLAIM, key))
    yield KEY_HOST((proxies, f"{heard}/{first.key}"), KeyHost(heard, name, first.key))
    for other in others:
        if other.key != first.key:
            yield FOUND((KIND, other.group), links.outdated(other.group, other.place, name, first.group))


Wrong = tuple[str, Finding] | None  # a reason, and what is told


class Near(NamedTuple):
    """A listener that a RouteGroup names, and the proxies that serve it."""

    proxies: str
    target: Target


@rule(over=ROUTE_GROUP, into=(ENTRIES, PLACED, KEYED, FORKABLE, CLUSTER_USE, USE, YIELDING, LINK_STATE, FOUND))
def link(view: View, key: str) -> Facts:
    """As if there were an HTTPRoute of the namespace for each endpoint that names a target (and has a key: else it is told already)."""
    one = view.one(ROUTE_GROUP, key)
    wanted = [(place, each) for place, each in enumerate(one.spec.endpoints) if each.target and one.key_of(each)]
    if not wanted or view.get(ENDED, key):
        return
    listeners = [*near(view, one)]
    for place, each in wanted:
        yield from linked(view, one, place, each, listeners)


def near(view: View, one: RouteGroup) -> Iterator[Near]:
    found: dict[str, Near] = {}
    for ref in one.spec.parent_refs:
        parent = parent_id(ref.kind, f"{ref.namespace or one.namespace}/{ref.name}")
        proxies = view.get(SERVING, parent)
        for target in view.list(TARGET, (parent, ref.section_name)) if proxies else ():
            if proxies and ref.port in (None, target.port):
                found.setdefault(target.id, Near(proxies, target))
    yield from found.values()


def linked(view: View, one: RouteGroup, place: int, each: GroupEndpoint, listeners: Sequence[Near]) -> Facts:
    reached, wrong = reach(view, one, place, each, listeners)
    to = links.aim(each.target, one.namespace)
    if isinstance(to, str):
        wrong = links.unaimed(one, place, to)
    elif reached:
        entry, uses, wrong = entry_of(view, one, place, to)
        name = f"{route_id(KIND, one.key)}/{place}"
        yield ENTRIES(name, (entry,))
        for fact in stands(view, name, uses, reached):
            yield fact
            if fact[0] in (PLACED, KEYED):
                stood: Place = fact[2].place if fact[0] is KEYED else fact[2]
                yield YIELDING(stood, Yielding(entry.precedence, links.behind(one, place, stood.host)))
    if wrong:
        yield FOUND((KIND, one.key), wrong[1])
    reason, message = (wrong[0], wrong[1].message) if wrong else ("", "")
    served_at = url_of(view, reached[0]) if reached and isinstance(to, Aim) else ""
    yield LINK_STATE(one.key, LinkState(place, each.name, served_at, reason, message))


def reach(
    view: View, one: RouteGroup, place: int, each: GroupEndpoint, listeners: Sequence[Near]
) -> tuple[list[tuple[str, Reached]], Wrong]:
    """The listeners where it stands, by the rules of an HTTPRoute; or why it stands nowhere."""
    labels = labels_of(view, one.namespace) if any(near.target.namespaces.from_ == "Selector" for near in listeners) else {}
    found: list[tuple[str, Reached]] = []
    why: Wrong = None
    for proxies, target in listeners:
        name = one.host_of(each, target.hostname)
        if not name:
            continue
        reason, message, reached = attach("HTTPRoute", one.namespace, (name,), 0, (target,), labels)
        found += ((proxies, at) for at in reached)
        if reason and (why is None or reason != "NotAllowedByListeners"):  # what came closest is told
            why = links.unreached(one, place, name, reason, message)
    if found:
        return found, None
    if why is None and each.hostname:
        why = links.unreached(one, place, each.hostname, "NoMatchingParent", "the RouteGroup names no listener that there is")
    return [], why or links.untold(one, place, each)


def entry_of(view: View, one: RouteGroup, place: int, to: Aim) -> tuple[Entry, tuple[Use, ...], Wrong]:
    """What is done with its requests, the upstreams that this needs, and what is wrong with its Service."""
    all_of = Compiling(view, (KIND, one.key), HTTPRoute(metadata=one.metadata))
    cluster = cluster_of(all_of, links.at(place, "target"), to.ref, grpc=to.scheme == "grpc")
    service = f"{to.ref.namespace}/{to.ref.name}"
    if cluster and to.scheme == "https" and not view.count(TARGETED, ("Service", service)):
        return links.entry(one, place, "", to.scheme), (), links.unspoken(one, place, service)
    entry = links.entry(one, place, cluster, to.scheme)
    sessions = session_of(all_of, entry.path, RouteRule(backend_refs=(to.ref,)), entry.action)
    wrong = links.unresolved(all_of.unresolved[0]) if all_of.unresolved else None
    return structs.replace(entry, filters=sessions), tuple(all_of.uses), wrong


def url_of(view: View, reached: tuple[str, Reached]) -> str:
    """Of the first listener, with the port that clients reach; of proxies with a shifted one that is where they listen."""
    proxies, (target, hosts) = reached
    declared, run = view.one(DECLARED, target.id), view.get(GROUP, proxies)
    moved = run.port_offset if run and not any(port.gateway for port, _ in target.tables) else 0
    return links.url(declared.spec.protocol.lower(), hosts[0], target.port + moved)


@rule(over=GROUP_STATE, into=(OUT_STATUS,))
def group_status(view: View, key: str) -> Facts:
    """What of it Envoy would refuse, or routes take before it, is known by now."""
    told = {one.path[2]: one for one in view.list(REFUSED, (KIND, key)) if one.path[:2] == ("spec", "endpoints") and one.code != "PM0607"}
    states = [_judged(one, told.get(one.place)) for one in dict.fromkeys(view.list(LINK_STATE, key))]
    conditions = (*view.one(GROUP_STATE, key), *((links.condition(states),) if states else ()))
    generation = view.one(ROUTE_GROUP, key).metadata.generation
    yield OUT_STATUS((KIND, key), Status(generation=generation, observed=True, conditions=conditions, endpoints=links.status(states)))


def _judged(state: LinkState, finding: Finding | None) -> LinkState:
    if finding is None or state.reason:
        return state
    return structs.replace(state, reason="Conflicted" if finding.code == "PM0720" else "RefusedByProxy", message=finding.message)


RULES = (claimed, host, link)
STATUS = (group_status,)
