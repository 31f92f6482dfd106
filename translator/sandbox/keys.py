"""Which keys lead to a Sandbox, through one RouteGroup."""

from __future__ import annotations

from collections.abc import Iterator

from translator.resources.sandbox import RouteGroup, Sandbox


def keys(group: RouteGroup, sandbox: Sandbox) -> Iterator[str]:
    """Its own and that of the group if it is selected; and those of routes that name it. A route without a key has the group's."""
    spec = group.spec
    if selected(group, sandbox):
        yield from dict.fromkeys(filter(None, (sandbox.routing_key, spec.default_routing_key)))
    for route in spec.routes:
        if route.target_sandbox == sandbox.metadata.name and (key := route.routing_key or spec.default_routing_key):
            yield key


def selected(group: RouteGroup, sandbox: Sandbox) -> bool:
    """Without a selector all are; where routes are given and no selector, they alone say who is meant."""
    if group.spec.selector is None:
        return not group.spec.routes
    return group.spec.selector.match_labels.items() <= sandbox.metadata.labels.items()
