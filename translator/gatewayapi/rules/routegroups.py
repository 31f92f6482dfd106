"""RouteGroups: at which listeners they have keys read. What becomes of keys is for the sandbox front."""

from __future__ import annotations

from msgspec import structs

from translator.engine import Facts, View, rule
from translator.gatewayapi.conditions import ACCEPTED, fails, holds
from translator.gatewayapi.parents import SET, parent_id
from translator.gatewayapi.rules.asking import labels_of
from translator.gatewayapi.sandboxes import first_of_namespaces, listeners, misspelled, not_joined, without_module
from translator.gatewayapi.tables import FOUND, GROUP_STATE, JOINED, JOINS, SERVING, USE, Joined
from translator.inputs import GATEWAY, LISTENER_SET, ROUTE_GROUP
from translator.ir.cluster import Use
from translator.ir.tables import FOLLOWS, FORK, GROUP


@rule(over=ROUTE_GROUP, into=(JOINED, JOINS, GROUP_STATE, FOUND))
def route_group(view: View, key: str) -> Facts:
    """It is accepted while one listener takes it. Gateways of other controllers are theirs to talk about."""
    one = view.one(ROUTE_GROUP, key)
    problems: list[str] = []
    reached = not one.spec.parent_refs  # then it is about a mesh alone
    for place, ref in enumerate(one.spec.parent_refs):
        name = f"{ref.namespace or one.namespace}/{ref.name}"
        parent = view.get(LISTENER_SET, name) if ref.kind == SET else view.get(GATEWAY, name)
        group = (view.get(SERVING, parent_id(ref.kind, name)) if parent else None) or ""
        if parent and not group:
            continue
        why, found = listeners(parent, ref, one.namespace, labels_of(view, one.namespace))
        for listener in found:
            yield JOINED(listener, Joined(one.metadata.creation_timestamp, key))
            if group:
                yield JOINS(key, (group, listener))
        reached |= bool(found)
        if why:
            problems.append(why)
            yield FOUND(("RouteGroup", key), not_joined(key, place, ref, why))
        elif group and (served := view.get(GROUP, group)) and served.flat:
            yield FOUND(("RouteGroup", key), without_module(key, group))
    for told in misspelled(one):
        yield FOUND(("RouteGroup", key), told)
    condition = (
        holds(ACCEPTED) if reached else fails(ACCEPTED, "NoMatchingParent", "; ".join(dict.fromkeys(problems)) or "no Gateway of ours")
    )
    ready = structs.replace(condition, type="Ready", reason="Ready" if reached else condition.reason)
    yield GROUP_STATE(key, (condition, ready))


@rule(over=JOINS, into=(FOLLOWS,))
def follows(view: View, key: str) -> Facts:
    """An older one of the namespace that it meets at each of that one's listeners: there both lead keys as if they were one."""
    here = {listener for _, listener in view.list(JOINS, key)}
    leads = {first_of_namespaces(view.list(JOINED, listener))[key.partition("/")[0]].group for listener in sorted(here)}
    for leader in sorted(leads - {key}):
        if {listener for _, listener in view.list(JOINS, leader)} <= here:
            yield FOLLOWS(key, leader)


@rule(over=FORK, into=(USE,))
def forked(view: View, fork: Use) -> Facts:
    """What a fork stands for is an upstream in use, though no group of proxies is given it under its own name."""
    yield USE(view.one(FORK, fork).to, fork.fork)


RULES = (route_group, follows)
FORKS = (forked,)
