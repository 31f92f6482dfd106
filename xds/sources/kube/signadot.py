"""Routes of Signadot's operator, where a server is told to read them: each stands for objects of ours. No I/O, no clock.

A route group has routes of its own, which say its key; where its sandboxes have routes and it has none for a workload, those lead for
its key as well.

Its `SignadotRoute` says which endpoints answer for a key in the place of a workload; that is known by the UID of a Deployment, so
Deployments are followed beside it, and Services that lead to their Pods are those that are changed. What is made has names that no
API server would take, so it is in nobody's way. Nothing is written: a status of what is made is asked for, and is not there.

Source: the CustomResourceDefinitions of SignadotRoute, SignadotRouteGroup and SignadotSandbox, as its public chart has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import structs

from translator.ir.copy import short
from translator.ir.finding import Finding, Path
from translator.resources.core import Endpoint, EndpointPort, EndpointSlice, Service, ServicePort, ServiceSpec
from translator.resources.meta import Metadata, Object
from translator.resources.sandbox import Sandbox, SandboxService, SandboxSpec, SandboxTarget
from xds.sources.folder import Name
from xds.sources.kube.kinds import Watched
from xds.sources.kube.reflector import Reflector
from xds.store import Change

KEY = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
GROUP, SANDBOX = "SignadotRouteGroup", "SignadotSandbox"
OURS = frozenset({"SignadotRoute", GROUP, SANDBOX, "Deployment"})  # that nobody else is told of
CONCERNS = OURS | {"Service"}


class Route(Object, frozen=True, gc=False, kw_only=True):
    """Which addresses answer for a key in the place of a workload; `ports` are those of its containers by name. The key is the id of a
    sandbox, or of a route group that is named.
    """

    workload: str
    routing_key: str
    group: str = ""
    endpoints: tuple[tuple[str, int], ...] = ()
    ports: tuple[tuple[str, int], ...] = ()


class RouteGroup(Object, frozen=True, gc=False, kw_only=True):
    """A key that leads to several sandboxes, by their names."""

    routing_key: str
    sandboxes: tuple[str, ...] = ()


class Boxed(Object, frozen=True, gc=False, kw_only=True):
    """A sandbox: its id is its key."""

    id: str


class Workload(Object, frozen=True, gc=False, kw_only=True):
    """A Deployment by its UID, and the labels of its Pods."""

    uid: str
    pods: tuple[tuple[str, str], ...] = ()


def kinds() -> tuple[Watched, ...]:
    """What is followed beside all else."""
    return (
        Watched("SignadotRoute", "signadot.com", ("v1",), "signadotroutes", True, _route, "signadotroutes.signadot.com"),
        Watched(GROUP, "signadot.com", ("v1",), "signadotroutegroups", False, _group, "signadotroutegroups.signadot.com"),
        Watched(SANDBOX, "signadot.com", ("v1",), "signadotsandboxes", False, _sandbox, "signadotsandboxes.signadot.com"),
        Watched("Deployment", "apps", ("v1",), "deployments", True, _workload),
    )


def _route(raw: bytes | msgspec.Raw) -> Object:
    """KeyError, TypeError and ValueError of what does not fit are told as a ValueError."""
    document = msgspec.json.decode(raw)
    spec, status = document["spec"], document.get("status") or {}
    try:
        fixed = (spec.get("static") or {}).get("endpoints")
        found = fixed if fixed is not None else status.get("endpoints") or ()
        return Route(
            metadata=_metadata(document),
            workload=str(spec["workloadID"]),
            routing_key=str(spec["sandboxID"]),
            group=str(spec.get("routeGroupName") or ""),
            endpoints=tuple((str(one["address"]), int(one["port"])) for one in found),
            ports=tuple((str(one.get("name") or ""), int(one["containerPort"])) for one in spec.get("containerPorts") or ()),
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _group(raw: bytes | msgspec.Raw) -> Object:
    """ValueError of what does not fit."""
    document = msgspec.json.decode(raw)
    try:
        spec = document["spec"]
        names = tuple(map(str, spec.get("sandboxNames") or ()))
        return RouteGroup(metadata=_metadata(document), routing_key=str(spec["routingKey"]), sandboxes=names)
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _sandbox(raw: bytes | msgspec.Raw) -> Object:
    """Without an id it is none yet, and no route names it."""
    document = msgspec.json.decode(raw)
    return Boxed(metadata=_metadata(document), id=str((document.get("spec") or {}).get("id") or ""))


def _workload(raw: bytes | msgspec.Raw) -> Object:
    document = msgspec.json.decode(raw)
    template = document.get("spec", {}).get("template", {}).get("metadata") or {}
    labels = tuple(sorted((template.get("labels") or {}).items()))
    return Workload(metadata=_metadata(document), uid=document["metadata"].get("uid", ""), pods=labels)


def _metadata(document: Mapping[str, Any]) -> Metadata:
    head = document["metadata"]
    return Metadata(head["name"], head.get("namespace", ""), head.get("creationTimestamp", ""))


class Signadot:
    """`made` is what stands for the routes that there are, `findings` what is told of route groups."""

    def __init__(self, reflectors: Mapping[str, Reflector]) -> None:
        self._reflectors, self.made = reflectors, dict[Name, Object]()
        self.findings: list[Finding] = []
        self._read = reflectors.keys() >= OURS

    def adapted(self, changes: list[Change]) -> list[Change]:
        """What is told in place of these."""
        if not self._read or not any(one.kind in CONCERNS for one in changes):
            return changes
        before, self.made = self.made, dict(self._all())
        moved = [name for name in {**before, **self.made} if before.get(name) != self.made.get(name)]
        told = [one for one in changes if one.kind not in OURS]
        return told + [Change(kind, key, self.made.get((kind, key)), "by a SignadotRoute") for kind, key in moved]

    def _all(self) -> Iterator[tuple[Name, Object]]:
        workloads = {one.uid: one for one in self._held("Deployment") if isinstance(one, Workload)}
        services: dict[str, list[Service]] = {}
        for service in self._held("Service"):
            if isinstance(service, Service) and service.spec.selector:
                services.setdefault(service.namespace, []).append(service)
        routes = [one for one in self._held("SignadotRoute") if isinstance(one, Route)]
        groups = [one for one in self._held(GROUP) if isinstance(one, RouteGroup)]
        ids = {one.metadata.name: one.id for one in self._held(SANDBOX) if isinstance(one, Boxed)}
        self.findings = [told for group in groups for told in lacking(group, ids, routes)]
        for route in (*routes, *added(groups, ids, routes)):
            if (of := workloads.get(route.workload)) and re.fullmatch(KEY, route.routing_key):
                pods = dict(of.pods).items()
                led = [one for one in services.get(of.namespace, ()) if one.spec.selector.items() <= pods]
                yield from _standing(route, of.namespace, led)

    def _held(self, kind: str) -> list[Object]:
        return [*self._reflectors[kind].held.objects.values()]


def added(groups: Iterable[RouteGroup], ids: Mapping[str, str], routes: Sequence[Route]) -> Iterator[Route]:
    """What no route says of the key of a group: those of its sandboxes answer for it, for each workload of the first one named."""
    said = {(one.routing_key, one.workload) for one in routes}
    of_sandboxes: dict[str, list[Route]] = {}
    for one in routes:
        if not one.group:
            of_sandboxes.setdefault(one.routing_key, []).append(one)
    for group in groups:
        for name in group.sandboxes:
            for one in of_sandboxes.get(ids.get(name, ""), ()):
                if (group.routing_key, one.workload) not in said:
                    said.add((group.routing_key, one.workload))
                    head = structs.replace(one.metadata, name=f"group.{group.metadata.name}.{one.metadata.name}")
                    yield structs.replace(one, metadata=head, routing_key=group.routing_key, group=group.metadata.name)


def lacking(group: RouteGroup, ids: Mapping[str, str], routes: Iterable[Route]) -> Iterator[Finding]:
    """Why the key of a group leads nowhere, or not to all that it names."""
    if re.fullmatch(KEY, group.routing_key) is None:
        yield _told(group, ("spec", "routingKey"), f'"{group.routing_key}" is no routing key, so nothing is led by it')
    keys = {one.routing_key for one in routes}
    for place, name in enumerate(group.sandboxes):
        if name not in ids:
            yield _told(group, ("spec", "sandboxNames", place), f"{SANDBOX} {name} does not exist")
        elif ids[name] not in keys and group.routing_key not in keys:
            yield _told(
                group, ("spec", "sandboxNames", place), f"{SANDBOX} {name} has no SignadotRoute, so the baseline answers in its place"
            )


def _told(group: RouteGroup, path: Path, message: str) -> Finding:
    fix = "see what Signadot's operator says of it"
    return Finding(code="PM0140", kind=GROUP, key=group.metadata.name, message=message, path=path, fix=fix, severity="warning")


def _standing(route: Route, namespace: str, services: list[Service]) -> Iterator[tuple[Name, Object]]:
    """A Sandbox for the route, and for each Service that it changes another, whose endpoints are those of the route."""
    changed = []
    for service in services:
        made = Metadata(f"signadot.{short(f'{route.metadata.name}-{service.metadata.name}')}", namespace)  # no Service has a dot
        ports = tuple(port for port in service.spec.ports if port.protocol == "TCP")
        found = (Service(metadata=made, spec=ServiceSpec(ports=ports)), *_slices(made, ports, route))
        yield from ((((type(one).__name__), one.key), one) for one in found)
        changed.append(SandboxService(name=service.metadata.name, target_ref=SandboxTarget(name=made.name)))
    if changed:
        head = Metadata(f"signadot:{route.metadata.name}", namespace, route.metadata.creation_timestamp)
        one = Sandbox(metadata=head, spec=SandboxSpec(tuple(changed), routing_key=route.routing_key))
        yield ("Sandbox", one.key), one


def _slices(of: Metadata, ports: tuple[ServicePort, ...], route: Route) -> Iterator[EndpointSlice]:
    """One for each port of the containers and family of addresses."""
    numbers = {port: _number(port, route) for port in ports}
    for number in sorted(set(numbers.values())):
        for family in ("IPv4", "IPv6"):
            found = [address for address, port in route.endpoints if port == number and (":" in address) == (family == "IPv6")]
            yield EndpointSlice(
                metadata=Metadata(f"{of.name}.{number}.{family}", of.namespace, labels={"kubernetes.io/service-name": of.name}),
                address_type=family,
                ports=tuple(EndpointPort(name=port.name, port=number) for port in ports if numbers[port] == number),
                endpoints=tuple(Endpoint(addresses=(address,)) for address in found),
            )


def _number(port: ServicePort, route: Route) -> int:
    """Of the container. A name that none has leads nowhere."""
    target = port.target_port or port.port
    return target if isinstance(target, int) else dict(route.ports).get(target, 0)
