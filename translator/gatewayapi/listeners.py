"""Listeners: what may be served, and which of them get the port they ask for. Knows no view and no Envoy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby
from typing import Literal

from translator.gatewayapi.conditions import (
    ACCEPTED,
    CONFLICTED,
    OVERLAPPING_TLS,
    PROGRAMMED,
    RESOLVED_REFS,
    Problem,
    fails,
    holds,
    verdict,
)
from translator.gatewayapi.hostnames import covers, narrower
from translator.gatewayapi.parents import listener_id, object_of
from translator.gatewayapi.references import GATEWAY_GROUP
from translator.gatewayapi.tables import Claim, ListenerState, Verdict
from translator.ir.finding import Finding, Path
from translator.ir.output import Condition, RouteGroupKind
from translator.resources.gateway import Listener

# Which kinds of routes a protocol can carry. The order is that of status.listeners[].supportedKinds.
_OVER_HTTP = (RouteGroupKind(GATEWAY_GROUP, "HTTPRoute"), RouteGroupKind(GATEWAY_GROUP, "GRPCRoute"))
KINDS: dict[str, tuple[RouteGroupKind, ...]] = {
    "HTTP": _OVER_HTTP,
    "HTTPS": _OVER_HTTP,
    "TLS": (RouteGroupKind(GATEWAY_GROUP, "TLSRoute"),),
    "TCP": (RouteGroupKind(GATEWAY_GROUP, "TCPRoute"),),
    "UDP": (RouteGroupKind(GATEWAY_GROUP, "UDPRoute"),),
}
# Listeners of one family can share a port: what tells them apart is said in the handshake or the request
_FAMILIES = {"HTTPS": "TLS"}
MANY = 64  # listeners of a port, each of which is named in the route tables of all others


def family(protocol: str) -> str:
    """HTTPS and TLS are told apart by the server name ("Distinct Listeners"; mixing them is ours to allow)."""
    return _FAMILIES.get(protocol, protocol)


def transport(protocol: str) -> Literal["tcp", "udp"]:
    """Of TCP and UDP each has its own ports."""
    return "udp" if protocol == "UDP" else "tcp"


def terminates(listener: Listener) -> bool:
    """Whether the handshake ends here, so that a certificate is needed."""
    return listener.protocol == "HTTPS" or (listener.protocol == "TLS" and not passes_through(listener))


def passes_through(listener: Listener) -> bool:
    """The CRD demands a mode of TLS listeners."""
    return listener.protocol == "TLS" and listener.tls is not None and listener.tls.mode == "Passthrough"


def supported_kinds(listener: Listener) -> tuple[RouteGroupKind, ...]:
    """Those of the protocol, or those of them that the listener names."""
    offered = KINDS.get(listener.protocol, ())
    if not listener.allowed_routes.kinds:
        return offered
    wanted = [(kind.group or GATEWAY_GROUP, kind.kind) for kind in listener.allowed_routes.kinds]
    return tuple(kind for kind in offered if (kind.group, kind.kind) in wanted)


def spec_problems(parent: str, index: int, listener: Listener) -> Iterator[Problem]:
    """What is wrong with a listener looked at alone."""
    at: Path = ("spec", "listeners", index)
    if listener.protocol not in KINDS:
        message = f'listener "{listener.name}" wants protocol {listener.protocol}, which is not served'
        fix = f"use one of {', '.join(KINDS)}"
        yield _problem(ACCEPTED, "UnsupportedProtocol", "PM0303", parent, message, (*at, "protocol"), fix)
        return
    for place, kind in enumerate(listener.allowed_routes.kinds):
        if RouteGroupKind(kind.group or GATEWAY_GROUP, kind.kind) not in KINDS[listener.protocol]:
            message = f'listener "{listener.name}" allows routes of kind {kind.kind}, which protocol {listener.protocol} cannot carry'
            where = (*at, "allowedRoutes", "kinds", place)
            yield _problem(RESOLVED_REFS, "InvalidRouteKinds", "PM0304", parent, message, where, "remove the kind or change the protocol")


def _problem(condition: str, reason: str, code: str, parent: str, message: str, path: Path, fix: str) -> Problem:
    kind, key = object_of(parent)
    return Problem(condition, reason, Finding(code=code, kind=kind, key=key, message=message, path=path, fix=fix))


def contest(claims: Sequence[Claim]) -> dict[str, Verdict]:
    """Who gets a port, by listener id. `claims` stand in the order in which ports are given away.

    Inside one object no conflicting listener may win (Gateway API, "Handling indistinct Listeners"); between a Gateway and
    its ListenerSets, and among these, the first one does (GEP-1713), so that what comes too late conflicts with nothing in its
    own set. Another Gateway's listener is merged only if it is compatible with those already there: otherwise the port is
    unavailable to it, and what serves goes on serving. So nobody can break an older Gateway by declaring a newer one.
    """
    verdicts: dict[str, Verdict] = {}
    given: dict[str, Claim] = {}
    for (gateway, _), group in groupby(claims, key=lambda claim: (claim.gateway, claim.parent)):
        earlier = {host: claim for host, claim in given.items() if claim.gateway == gateway}
        inside = list(group)
        late = {id(claim): other for claim in inside if (other := _taker(claim, earlier))}
        conflicts = {id(claim): found for claim, found in _conflicts([one for one in inside if id(one) not in late])}
        for claim in inside:
            name = listener_id(claim.parent, claim.name)
            if found := conflicts.get(id(claim)):
                verdicts[name] = found
            elif other := late.get(id(claim)) or _taker(claim, given):
                verdicts[name] = _unavailable(claim, other)
            else:
                given[claim.hostname] = claim
    overlaps = _overlaps(given)
    return verdicts | {
        listener_id(claim.parent, claim.name): Verdict(overlaps=tuple(overlaps.get(host, ()))) for host, claim in given.items()
    }


def _conflicts(claims: Sequence[Claim]) -> Iterator[tuple[Claim, Verdict]]:
    """The conflicting among the listeners of one Gateway at one port."""
    first: dict[str, Claim] = {}
    hosts: dict[str, list[str]] = defaultdict(list)
    for claim in claims:
        first.setdefault(family(claim.protocol), claim)
        hosts[claim.hostname].append(claim.name)
    for claim in claims:
        if len(first) > 1:
            other = next(one for one in first.values() if family(one.protocol) != family(claim.protocol))
            message = f'listener "{other.name}" uses the same port with protocol {other.protocol}'
            yield claim, Verdict(CONFLICTED, "ProtocolConflict", message)
        elif len(same := hosts[claim.hostname]) > 1:
            name = next(one for one in same if one != claim.name)
            yield claim, Verdict(CONFLICTED, "HostnameConflict", f'listener "{name}" has the same port, protocol and hostname')


def _taker(claim: Claim, given: Mapping[str, Claim]) -> Claim | None:
    """The listener of an older Gateway that leaves no room for this one."""
    other = given.get(claim.hostname) or next(iter(given.values()), None)
    return other if other and (other.hostname == claim.hostname or family(other.protocol) != family(claim.protocol)) else None


def _unavailable(claim: Claim, other: Claim) -> Verdict:
    if claim.gateway == other.gateway:
        same = family(other.protocol) == family(claim.protocol)
        why = "and hostname" if same else f"with protocol {other.protocol}"
        return Verdict(CONFLICTED, "HostnameConflict" if same else "ProtocolConflict", f"another listener has the same port {why}")
    why = f"with protocol {other.protocol}" if family(other.protocol) != family(claim.protocol) else "and hostname"
    message = f'listener "{other.name}" of Gateway {other.gateway} has this port {why} on the same proxies'
    return Verdict(ACCEPTED, "PortUnavailable", message)


def _overlaps(given: Mapping[str, Claim]) -> dict[str, list[str]]:
    """By hostname, the names of listeners whose TLS hosts overlap: connections may be reused across them (GEP-3567)."""
    found: dict[str, list[str]] = defaultdict(list)
    for host, claim in given.items():
        if claim.protocol == "HTTPS":
            for wider in (*list(narrower(host, ""))[1:], *([""] if host else [])):
                if (other := given.get(wider)) and other.protocol == "HTTPS":
                    found[host].append(other.name)
                    found[wider].append(claim.name)
    return found


def strays(own: str, hosts: AbstractSet[str]) -> Iterator[str]:
    """Hostnames of other listeners of a TLS port, for which a request on a connection of this one has gone astray: it is
    answered with 421, and with 404 where no listener knows its host (GEP-3567).

    All that the own hostname does not cover is one host where some listener knows it: where one takes any host, and where
    there are too many listeners to name them all in the table of each.
    """
    anywhere = bool(own) and ("" in hosts or len(hosts) > MANY)
    for host in sorted(hosts - {own}):
        if covers(own, host) or not anywhere:
            yield host
    if anywhere:
        yield ""


def listener_state(
    index: int, listener: Listener, accepted: bool, serves: bool, overlaps: Sequence[str], problems: list[Problem]
) -> ListenerState:
    """The conditions of one listener. `Conflicted` and `OverlappingTLSConfig` are negative: false means all is well."""
    conditions = [
        _conflicted(problems),
        _accepted(problems, accepted),
        verdict(RESOLVED_REFS, problems),
        holds(PROGRAMMED) if serves else fails(PROGRAMMED, _unserved(problems), "nothing is served: see the other conditions"),
    ]
    if overlaps:
        message = f"TLS hostnames overlap with those of {', '.join(sorted(overlaps))}: clients may reuse a connection across them"
        conditions.append(holds(OVERLAPPING_TLS, "OverlappingHostnames", message))
    return ListenerState(index, listener.name, accepted, serves, supported_kinds(listener), tuple(conditions))


def _unserved(problems: list[Problem]) -> str:
    return next((one.reason for one in problems if one.condition == CONFLICTED), "Invalid")


def _conflicted(problems: list[Problem]) -> Condition:
    found = verdict(CONFLICTED, problems)
    if found.status:
        return fails(CONFLICTED, "NoConflicts", "")
    return holds(CONFLICTED, found.reason, found.message)


def _accepted(problems: list[Problem], accepted: bool) -> Condition:
    """A conflicting listener is not accepted either, for the same reason."""
    if accepted:
        return holds(ACCEPTED)
    return verdict(
        ACCEPTED, [Problem(ACCEPTED, problem.reason, problem.finding) for problem in problems if problem.condition != RESOLVED_REFS]
    )
