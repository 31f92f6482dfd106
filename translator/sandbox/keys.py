"""Which keys lead to a Sandbox, through one RouteGroup, and which of their requests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from translator.ir.keys import KeyRule, Sticky
from translator.resources.sandbox import GroupMatch, GroupSticky, LabelGlob, RouteGroup, Sandbox, settable

ALL = 100  # the weight of a route that leaves nothing to the baseline
SELECTED = 1 << 16  # the place of what no route names: behind all routes
YOUNGER = 1 << 12  # and what is added to those of a RouteGroup that follows another: behind all of that one


def keys(group: RouteGroup, sandbox: Sandbox) -> Iterator[tuple[str, int]]:
    """A key, and the place of the route that names it: its own and that of the group if it is selected; and those of routes
    that name it. A route without a key has the group's.
    """
    spec = group.spec
    if selected(group, sandbox):
        for key in dict.fromkeys(filter(None, (sandbox.routing_key, spec.default_routing_key))):
            yield key, SELECTED
    for place, route in enumerate(spec.routes):
        if route.target_sandbox != sandbox.metadata.name or not all(map(settable, (*route.headers, *route.additional_headers))):
            continue
        if key := route.routing_key or spec.default_routing_key:
            yield key, place


def selected(group: RouteGroup, sandbox: Sandbox) -> bool:
    """Without a selector and a match all are; where routes are given and neither, they alone say who is meant."""
    selector, match, labels = group.spec.selector, group.spec.match, sandbox.labels
    if selector is None and match is None:
        return not group.spec.routes
    return (selector is None or selector.match_labels.items() <= labels.items()) and (match is None or matches(match, labels))


def matches(match: GroupMatch, labels: Mapping[str, str]) -> bool:
    """Label values with * for any characters, as Signadot's RouteGroups have them."""
    if match.label:
        return _has(match.label, labels)
    held = [_has(one.label, labels) for one in (*match.any, *match.all)]
    return all(held) if match.all else any(held)


def _has(wanted: LabelGlob, labels: Mapping[str, str]) -> bool:
    pattern = ".*".join(map(re.escape, wanted.value.split("*")))
    return wanted.key in labels and re.fullmatch(pattern, labels[wanted.key]) is not None


def rule_of(group: RouteGroup, place: int) -> KeyRule:
    """What a route takes of its key; all where no route is meant. Paths below / are all paths."""
    if place == SELECTED:
        return KeyRule()
    route = group.spec.routes[place]
    prefixes = tuple(one.prefix for one in route.paths if one.prefix)
    exact = tuple(one.exact for one in route.paths if one.exact)
    if "/" in prefixes:
        prefixes = exact = ()
    sticky = sticky_by(route.sticky) if route.sticky and 0 < route.weight < ALL else Sticky()
    return KeyRule(prefixes=prefixes, exact=exact, headers=lowered(route.headers), weight=route.weight, sticky=sticky)


def sticky_by(asked: GroupSticky) -> Sticky:
    match asked.type:
        case "Header":
            return Sticky("header", asked.name.lower())
        case "Cookie":
            return Sticky("cookie", asked.name)
        case "SourceIP":
            return Sticky("source")


def sets_of(group: RouteGroup, place: int) -> tuple[tuple[str, str], ...]:
    return () if place == SELECTED else lowered(group.spec.routes[place].additional_headers)


def lowered(headers: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name.lower(), value) for name, value in headers.items()))
