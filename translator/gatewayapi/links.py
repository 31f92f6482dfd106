"""Endpoints of RouteGroups that lead to a Service by themselves, here called links: what their target means, and what is wrong with it.

A link is served as an HTTPRoute of its namespace would be, with one hostname and one backend; where it stands beside routes it is
asked last. Knows RouteGroups as values and no view.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from translator.gatewayapi.conditions import Problem, fails, holds
from translator.ir import names
from translator.ir.finding import Finding, Path
from translator.ir.output import Condition, LinkStatus
from translator.ir.route import LAST, Answer, Entry, Forward, Match, Precedence, Share
from translator.ir.value import Row
from translator.resources.httproute import BackendRef
from translator.resources.sandbox import GroupEndpoint, RouteGroup

KIND = "RouteGroup"
SERVED = "EndpointsServed"  # the condition of a RouteGroup that has links
PREFIX = 2  # what precedence.KINDS calls a path that is a prefix
_PORTS = {"http": 80, "https": 443}
_LABEL = "[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_SERVICE = re.compile(rf"({_LABEL})(?:\.({_LABEL})(?:\.svc(?:\.cluster\.local)?)?)?\.?")


class Aim(Row, frozen=True, gc=False):
    """What a target means."""

    scheme: str  # http | https | grpc
    ref: BackendRef


class LinkState(Row, frozen=True, gc=False, order=True):
    """What became of one link: where it is served, or the reason why it is not."""

    place: int
    name: str
    url: str = ""
    reason: str = ""
    message: str = ""


def aim(target: str, namespace: str) -> Aim | str:
    """The Service that a target means, or why it means none. Without a port it is that of http or https."""
    parts = urlsplit(target)
    try:
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return f"{target} has no port that there is"
    found = _SERVICE.fullmatch(parts.netloc.rpartition(":")[0] or parts.netloc) if parts.hostname else None
    if found is None:
        return f"{target} is no Service of the cluster"
    if not port:
        return f"{target} names no port"
    return Aim(parts.scheme, BackendRef(name=found[1], namespace=found[2] or namespace, port=port))


def missing(scheme: str) -> Literal[500, 503]:
    """What is answered without the Service; 503 is what gRPC knows as UNAVAILABLE."""
    return 503 if scheme == "grpc" else 500


def entry(group: RouteGroup, place: int, cluster: str, scheme: str) -> Entry:
    """All requests, once no route wants them: it is asked behind those of the same match, even younger ones."""
    instead = missing(scheme)
    precedence = Precedence(
        path=PREFIX,
        length=0,
        method=True,
        headers=0,
        query=0,
        created=LAST + group.metadata.creation_timestamp,
        key=group.key,
        rule=place,
        match=0,
    )
    return Entry(
        name=names.route(KIND, group.key, place, 0),
        match=Match(),
        precedence=precedence,
        action=Forward(shares=(Share(cluster=cluster),), missing=instead) if cluster else Answer(instead),
        origin=(KIND, group.key),
    )


def url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://{host}" if port == _PORTS[scheme] else f"{scheme}://{host}:{port}"


# What is said of them ----------------------------------------------------------------------------------------------------


def at(place: int, field: str) -> Path:
    return ("spec", "endpoints", place, field)


def untold(group: RouteGroup, place: int, endpoint: GroupEndpoint) -> tuple[str, Finding]:
    """Why nobody can ask for it: there is no host that it could have."""
    label = f"{endpoint.name}--{group.metadata.name}"
    message = f"it has no hostname, and {label} is no label below a wildcard of previewHosts or of a listener"
    return "NoHostname", lost(group.key, at(place, "hostname"), message, "give it a hostname, or the RouteGroup previewHosts")


def unreached(group: RouteGroup, place: int, host: str, reason: str, why: str) -> tuple[str, Finding]:
    fix = "name a hostname that a listener covers, and a Gateway that admits HTTPRoutes of this namespace"
    return reason, lost(group.key, at(place, "hostname"), f"{host} is served by no listener: {why}", fix)


def unaimed(group: RouteGroup, place: int, why: str) -> tuple[str, Finding]:
    fix = "write http://SERVICE:PORT, or http://SERVICE.NAMESPACE.svc:PORT; grpc:// and https:// are possible too"
    return "InvalidTarget", lost(group.key, at(place, "target"), why, fix)


def unspoken(group: RouteGroup, place: int, service: str) -> tuple[str, Finding]:
    """Never in plain text instead: what was asked for is answered with an error."""
    message = f"no BackendTLSPolicy says how TLS is spoken to Service {service}, so requests are answered with 500"
    return "UnsupportedProtocol", lost(group.key, at(place, "target"), message, "create a BackendTLSPolicy for it, or write http://")


def unresolved(problem: Problem) -> tuple[str, Finding]:
    return problem.reason, problem.finding


def lost(key: str, path: Path, message: str, fix: str) -> Finding:
    return Finding(code="PM0713", kind=KIND, key=key, message=message, path=path, fix=fix)


def behind(group: RouteGroup, place: int, host: str) -> Finding:
    message = f"routes take all requests to {host} already, and a route goes before an endpoint"
    fix = "leave the target out, or take the hostname from the route"
    return Finding(code="PM0720", kind=KIND, key=group.key, message=message, path=at(place, "hostname"), fix=fix, severity="warning")


def outdated(key: str, place: int, host: str, other: str) -> Finding:
    message = f"requests to {host} have the key that the older endpoint of RouteGroup {other} gives them"
    path, fix = at(place, "hostname"), "give one of them another hostname"
    return Finding(code="PM0720", kind=KIND, key=key, message=message, path=path, fix=fix, severity="warning")


def condition(states: list[LinkState]) -> Condition:
    """One of all links: the first that is not served gives the reason."""
    wrong = [one for one in states if one.reason]
    if not wrong:
        return holds(SERVED, "Served")
    return fails(SERVED, wrong[0].reason, "; ".join(f"{one.name}: {one.message}" for one in wrong))


def status(states: list[LinkState]) -> tuple[LinkStatus, ...]:
    return tuple(LinkStatus(name=one.name, url=one.url, message=one.message) for one in states)
