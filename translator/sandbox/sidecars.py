"""Forks beside workloads: in a namespace whose RouteGroup has sidecars for a mesh, each Service has a group of proxies.

A Service has its listener before anybody forks it: a connection that was made before would otherwise never meet a key. The keys and
their winners are those of meshes; here a fork may also be a Backend, and one that does not answer is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator

from translator.engine import Facts, Table, View, rule
from translator.inputs import ROUTE_GROUP, SANDBOX, SERVICE
from translator.ir import inbound as ir
from translator.ir import names
from translator.ir.cluster import Fork, Use
from translator.ir.keys import KeyRules, Reading
from translator.ir.tables import CLUSTER_USE, ENDPOINTS, FORK, INBOUND, KEY_RULES, OUT_SIDECARS
from translator.resources.core import Service, ServicePort
from translator.sandbox.copies import MADE, made
from translator.sandbox.meshes import MESHED, Meshed, spellings, streams
from translator.sandbox.rules import GROUPS_IN

OUTPUT = "Sidecar"
SIDECAR_OF = Table[str, str]("SidecarOf")  # Service → the RouteGroup that says how its keys are read


@rule(over=SERVICE, into=(MADE, SIDECAR_OF, FORK))
def services(view: View, key: str) -> Facts:
    """What a Service is to Sandboxes. Most are nothing to them, and each answer is kept, so one rule says it all."""
    one = view.one(SERVICE, key)
    yield from made(one)
    yield from beside(view, key, one)


def beside(view: View, key: str, one: Service) -> Facts:
    """Of several RouteGroups the oldest. A port that is named and not numbered is known by the endpoints of the Service."""
    groups = [view.one(ROUTE_GROUP, group) for group in view.list(GROUPS_IN, one.namespace)]
    found = [(each.metadata.creation_timestamp, each.key) for each in groups if each.spec.mesh_output == OUTPUT]
    if not found:
        return
    yield SIDECAR_OF(key, min(found)[1])
    for port in _named(one):
        yield FORK(_itself(key, port), Fork(to=Use("Service", key, port.port), prefix=names.inbound(key), key=""))


@rule(over=SIDECAR_OF, into=(FORK, CLUSTER_USE, KEY_RULES))
def beside_forks(view: View, service: str) -> Facts:
    """What each key leads to from each port: of several RouteGroups the oldest that has the key."""
    found = view.list(MESHED, (OUTPUT, service))
    decides = {(one.key, one.port): one.group for one in reversed(found)}
    wanted: dict[tuple[str, int], list[Meshed]] = {}
    for one in found:
        if one.group == decides[one.key, one.port]:
            wanted.setdefault((one.key, one.port), []).append(one)
    for ways in wanted.values():
        yield from _of_key(service, ways)


def _of_key(service: str, ways: list[Meshed]) -> Facts:
    """The fork that takes all requests of a key at a port; or one for each rule, in their order, and the rules."""
    first, group = ways[0], ir.group(service)
    prefix, ruled = names.beside(service, first.port), not first.rule.takes_all
    for one in ways:
        if one.forked:
            made = Use(SANDBOX.name, one.sandbox, speaks="same", fork=names.fork(prefix, one.key, one.place if ruled else None))
            yield FORK(made, Fork(to=one.to, prefix=prefix, key=one.key, sets=one.sets, place=one.place, rule=one.rule if ruled else None))
            yield CLUSTER_USE((group, made), f"{SANDBOX.name}/{one.sandbox}")
    if ruled:
        yield KEY_RULES((group, f"{first.group}/{first.key}"), KeyRules(prefix + first.key, tuple(one.rule for one in ways)))


@rule(over=SIDECAR_OF, into=(INBOUND,))
def inbound(view: View, service: str) -> Facts:
    group, one = view.one(ROUTE_GROUP, view.one(SIDECAR_OF, service)), view.one(SERVICE, service)
    ports = {ir.InboundPort(number, names.beside(service, port.port)) for port in streams(one) for number in _numbers(view, service, port)}
    numbers: dict[int, ir.InboundPort] = {}
    for each in sorted(ports):
        numbers.setdefault(each.number, each)  # two ports of the Service may lead to one of the workload
    peers = {
        end.address
        for fork in view.list(MESHED, (OUTPUT, service))
        if (known := view.get(ENDPOINTS, fork.to))
        for end in known.endpoints
        if end.port
    }
    reading = Reading(spellings=spellings(group), wrong="strip", admit="all")
    origin = (SERVICE.name, service, ("spec", "ports"))
    yield INBOUND(
        ir.group(service),
        ir.Inbound(
            service=service,
            ports=tuple(numbers.values()),
            peers=tuple(sorted(peers)),
            reading=reading,
            origin=origin,
            six="IPv6" in one.spec.ip_families,
        ),
    )


@rule(over=SIDECAR_OF, into=(OUT_SIDECARS,))
def pods(view: View, service: str) -> Facts:
    """None where a Service has no Pods of its own, or nothing that a sidecar could take."""
    one = view.one(SERVICE, service)
    wanted = dict.fromkeys(port.target_port or port.port for port in streams(one))
    if one.spec.selector and wanted:
        yield OUT_SIDECARS(service, ir.Pods(selector=tuple(sorted(one.spec.selector.items())), ports=tuple(wanted)))


def _numbers(view: View, service: str, port: ServicePort) -> Iterator[int]:
    """What the workload listens on behind a port."""
    if isinstance(port.target_port, int):
        yield port.target_port or port.port
    elif known := view.get(ENDPOINTS, Use("Service", service, port.port)):
        yield from {one.port for one in known.endpoints}


def _named(service: Service) -> list[ServicePort]:
    return [port for port in streams(service) if isinstance(port.target_port, str)]


def _itself(service: str, port: ServicePort) -> Use:
    return Use("Service", service, fork=names.beside(service, port.port).removesuffix("/"))


INDEXES = (services,)
FORKS = (beside_forks,)
LISTENERS = (inbound, pods)
