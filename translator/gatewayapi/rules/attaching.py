"""Routes of every kind at their parents: which listeners they reach, and under which hosts those that speak HTTP stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from translator.engine import Facts, View
from translator.gatewayapi.attachment import Reached, attach, parent_ref, refused
from translator.gatewayapi.conditions import Problem
from translator.gatewayapi.hostnames import ANY, narrower
from translator.gatewayapi.references import GATEWAY_GROUP
from translator.gatewayapi.rules.asking import labels_of
from translator.gatewayapi.rules.compiling import route_id
from translator.gatewayapi.tables import FOUND, OURS, OWNER, PARENT, TARGET, USE, Compiled, ParentVerdict, Target
from translator.inputs import GATEWAY
from translator.ir.finding import Finding
from translator.ir.route import Place
from translator.ir.tables import CLUSTER_USE, PLACED
from translator.resources.grpcroute import GRPCRoute
from translator.resources.httproute import HTTPRoute, ParentReference
from translator.resources.streamroute import StreamRoute

AnyRoute = HTTPRoute | GRPCRoute | StreamRoute


def attached(view: View, kind: str, route: AnyRoute, compiled: Compiled) -> Facts:
    """To which listeners a route attaches, and under which hosts its entries stand.

    A cluster exists in a group of proxies while a route that they serve uses it.
    """
    name = route_id(kind, route.key)
    places: dict[Place, None] = {}
    groups: dict[str, None] = {}
    for index, ref in enumerate(route.spec.parent_refs):
        if (ref.group, ref.kind) != (GATEWAY_GROUP, "Gateway"):
            continue
        gateway = f"{ref.namespace or route.namespace}/{ref.name}"
        group = view.get(OURS, gateway)
        if group is None:
            if view.get(GATEWAY, gateway) is None:
                yield FOUND((kind, route.key), no_parent(kind, route.key, index, gateway))
            continue
        problem, reached = reach(view, kind, route, index, ref, gateway)
        if problem:
            yield FOUND((kind, route.key), problem.finding)
        yield PARENT(name, ParentVerdict(index, parent_ref(ref), problem, tuple(target.id for target, _ in reached)))
        if compiled.accepted and reached:
            places.update((place, None) for target, hosts in reached for place in places_of(view, target, hosts))
            groups[group] = None
    for place in places:
        yield PLACED(name, place)
    for use in compiled.uses if groups else ():
        yield USE(use, name)
        for group in groups:
            yield CLUSTER_USE((group, use), name)


def no_parent(kind: str, key: str, index: int, gateway: str) -> Finding:
    message = f"Gateway {gateway} does not exist"
    path = ("spec", "parentRefs", index, "name")
    return Finding(code="PM0401", kind=kind, key=key, message=message, path=path, fix="create it or correct the name", severity="warning")


def reach(
    view: View, kind: str, route: AnyRoute, index: int, ref: ParentReference, gateway: str
) -> tuple[Problem | None, Sequence[Reached]]:
    targets = view.list(TARGET, (gateway, ref.section_name))
    labels = labels_of(view, route.namespace) if any(one.namespaces.from_ == "Selector" for one in targets) else {}
    reason, message, reached = attach(kind, route.namespace, route.spec.hostnames, ref.port, targets, labels)
    return (refused(kind, route.key, index, ref, reason, message) if reason else None), reached


def places_of(view: View, target: Target, hosts: Sequence[str]) -> Iterator[Place]:
    """The virtual hosts where the route stands for one listener: not those of a host that a narrower listener owns.

    A host belongs to the most specific listener of its port, and to no other (GEP-3567, listener isolation).
    """
    for port, table in target.tables:
        for host in hosts:
            if not any(view.get(OWNER, (port, narrow)) is not None for narrow in narrower(host, target.hostname)):
                yield Place(table, host or ANY)
