"""Routes of every kind at their parents: which listeners they reach, and under which hosts those that speak HTTP stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from translator.engine import Fact, Facts, Table, View
from translator.gatewayapi.attachment import Reached, attach, parent_ref, refused
from translator.gatewayapi.conditions import Problem
from translator.gatewayapi.hostnames import ANY, narrower
from translator.gatewayapi.parents import SET, parent_id
from translator.gatewayapi.references import GATEWAY_GROUP
from translator.gatewayapi.rules.asking import labels_of
from translator.gatewayapi.sandboxes import fork_names, forks
from translator.gatewayapi.tables import (
    DEFAULTS,
    FOUND,
    NARROW,
    OWNER,
    PARENT,
    SERVING,
    SET_STATE,
    TARGET,
    USE,
    Compiled,
    ParentVerdict,
    Target,
)
from translator.inputs import GATEWAY, LISTENER_SET
from translator.ir import names
from translator.ir.cluster import Use
from translator.ir.finding import Finding, Path
from translator.ir.listener import Port
from translator.ir.route import Keyed, Place
from translator.ir.tables import CLUSTER_USE, FORKABLE, KEYED, PLACED
from translator.resources.grpcroute import GRPCRoute
from translator.resources.httproute import HTTPRoute, ParentReference
from translator.resources.streamroute import StreamRoute

PARENTS: dict[str, Table[str, Any]] = {"Gateway": GATEWAY, SET: LISTENER_SET}
AnyRoute = HTTPRoute | GRPCRoute | StreamRoute


def attached(view: View, route: AnyRoute, compiled: Compiled) -> Facts:
    """To which listeners a route attaches, and under which hosts its entries stand.

    A cluster exists in a group of proxies while a route that they serve uses it.
    """
    name = compiled.route
    facts, reached = at_parents(view, compiled, route)
    yield from facts
    if compiled.accepted and reached:
        yield from stands(view, name, compiled.uses, reached)


def stands(view: View, name: str, uses: Sequence[Use], reached: Sequence[tuple[str, Reached]]) -> Facts:
    """Where entries stand, by the listeners that are reached and the group of proxies of each; and what they send to."""
    places = {Place(table, host or ANY): one[0].groups for _, one in reached for _, table, host in owned(view, *one)}
    for place, groups in places.items():
        forked = fork_names(uses, dict(groups)) if groups else ()
        yield KEYED(name, Keyed(place, forked)) if forked else PLACED(name, place)
    for group, (target, _) in reached:
        for use, leads in forks(uses, dict(target.groups)) if target.groups else ():
            yield FORKABLE((leads, names.baseline(use.kind, use.key)), (group, use))
    yield from used(name, uses, dict.fromkeys(group for group, _ in reached))


def used(route: str, uses: Iterable[Use], groups: Iterable[str]) -> Facts:
    for use in uses:
        yield USE(use, route)
        for group in groups:
            yield CLUSTER_USE((group, use), route)


def at_parents(view: View, compiled: Compiled, route: AnyRoute) -> tuple[list[Fact], list[tuple[str, Reached]]]:
    """What is said of each parent, and the listeners that are reached, with the group of proxies that serves each."""
    kind = compiled.origin[0]
    facts: list[Fact] = []
    found: list[tuple[str, Reached]] = []
    for index, (ref, path) in enumerate(wanted_parents(view, route)):
        if ref.group != GATEWAY_GROUP or ref.kind not in PARENTS:
            continue
        key = f"{ref.namespace or route.namespace}/{ref.name}"
        parent = parent_id(ref.kind, key)
        group = view.get(SERVING, parent)
        if group is None and (ref.kind != SET or view.get(SET_STATE, key) is None):
            if view.get(PARENTS[ref.kind], key) is None:
                facts.append(FOUND(compiled.origin, no_parent(*compiled.origin, path, f"{ref.kind} {key}")))
            continue
        problem, reached = reach(view, kind, route, path, ref, parent)
        if problem:
            facts.append(FOUND(compiled.origin, problem.finding))
        served_by = group if group and reached else ""
        verdict = ParentVerdict(index, parent_ref(ref), problem, tuple(target.id for target, _ in reached), served_by)
        facts.append(PARENT(compiled.route, verdict))
        found += ((group, one) for one in reached if group)
    return facts, found


def wanted_parents(view: View, route: AnyRoute) -> Iterator[tuple[ParentReference, Path]]:
    """Those that a route names, and where it says so; and the default Gateways, as if it named them (GEP-3793)."""
    named = route.spec.parent_refs
    for index, ref in enumerate(named):
        yield ref, ("spec", "parentRefs", index)
    scope = route.spec.use_default_gateways
    for key in view.list(DEFAULTS, scope) if scope else ():
        namespace, _, name = key.partition("/")
        if not any((one.kind, one.namespace or route.namespace, one.name) == ("Gateway", namespace, name) for one in named):
            yield ParentReference(name=name, namespace=namespace), ("spec", "useDefaultGateways")


def no_parent(kind: str, key: str, path: Path, parent: str) -> Finding:
    message = f"{parent} does not exist"
    path = (*path, "name")
    return Finding(code="PM0401", kind=kind, key=key, message=message, path=path, fix="create it or correct the name", severity="warning")


def reach(
    view: View, kind: str, route: AnyRoute, path: Path, ref: ParentReference, parent: str
) -> tuple[Problem | None, Sequence[Reached]]:
    targets = view.list(TARGET, (parent, ref.section_name))
    labels = labels_of(view, route.namespace) if any(one.namespaces.from_ == "Selector" for one in targets) else {}
    reason, message, reached = attach(kind, route.namespace, route.spec.hostnames, ref.port, targets, labels)
    return (refused(kind, route.key, path, ref, reason, message) if reason else None), reached


def owned(view: View, target: Target, hosts: Sequence[str]) -> Iterator[tuple[Port, str, str]]:
    """Port, route table and host where the route stands for one listener: not the hosts that a narrower listener owns.

    A host belongs to the most specific listener of its port, and to no other (GEP-3567, listener isolation).
    """
    for port, table in target.tables:
        narrow = view.get(NARROW, port)  # asked first: most ports have one listener, and three questions a host add up
        for host in hosts:
            if not (narrow and any(view.get(OWNER, (port, one)) is not None for one in narrower(host, target.hostname))):
                yield port, table, host
