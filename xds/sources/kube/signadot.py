"""Routes of Signadot's operator, where a server is told to read them: each stands for objects of ours. No I/O, no clock.

Its `SignadotRoute` says which endpoints answer for a key in the place of a workload; that is known by the UID of a Deployment, so
Deployments are followed beside it, and Services that lead to their Pods are those that are changed. What is made has names that no
API server would take, so it is in nobody's way. Nothing is written: a status of what is made is asked for, and is not there.

Source: the CustomResourceDefinition of `signadotroutes.signadot.com`, as its public chart has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from translator.ir.copy import short
from translator.resources.core import Endpoint, EndpointPort, EndpointSlice, Service, ServicePort, ServiceSpec
from translator.resources.meta import Metadata, Object
from translator.resources.sandbox import Sandbox, SandboxService, SandboxSpec, SandboxTarget
from xds.sources.folder import Name
from xds.sources.kube.kinds import Watched
from xds.sources.kube.reflector import Reflector
from xds.store import Change

KEY = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
OURS = frozenset({"SignadotRoute", "Deployment"})  # that nobody else is told of
CONCERNS = OURS | {"Service"}


class Route(Object, frozen=True, gc=False, kw_only=True):
    """Which addresses answer for a key in the place of a workload; `ports` are those of its containers by name."""

    workload: str
    routing_key: str
    endpoints: tuple[tuple[str, int], ...] = ()
    ports: tuple[tuple[str, int], ...] = ()


class Workload(Object, frozen=True, gc=False, kw_only=True):
    """A Deployment by its UID, and the labels of its Pods."""

    uid: str
    pods: tuple[tuple[str, str], ...] = ()


def kinds() -> tuple[Watched, ...]:
    """What is followed beside all else."""
    return (
        Watched("SignadotRoute", "signadot.com", ("v1",), "signadotroutes", True, _route, "signadotroutes.signadot.com"),
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
            endpoints=tuple((str(one["address"]), int(one["port"])) for one in found),
            ports=tuple((str(one.get("name") or ""), int(one["containerPort"])) for one in spec.get("containerPorts") or ()),
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _workload(raw: bytes | msgspec.Raw) -> Object:
    document = msgspec.json.decode(raw)
    template = document.get("spec", {}).get("template", {}).get("metadata") or {}
    labels = tuple(sorted((template.get("labels") or {}).items()))
    return Workload(metadata=_metadata(document), uid=document["metadata"].get("uid", ""), pods=labels)


def _metadata(document: Mapping[str, Any]) -> Metadata:
    head = document["metadata"]
    return Metadata(head["name"], head.get("namespace", ""), head.get("creationTimestamp", ""))


class Signadot:
    """`made` is what stands for the routes that there are."""

    def __init__(self, reflectors: Mapping[str, Reflector]) -> None:
        self._reflectors, self.made = reflectors, dict[Name, Object]()
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
        for route in self._held("SignadotRoute"):
            if isinstance(route, Route) and (of := workloads.get(route.workload)) and re.fullmatch(KEY, route.routing_key):
                pods = dict(of.pods).items()
                led = [one for one in services.get(of.namespace, ()) if one.spec.selector.items() <= pods]
                yield from _standing(route, of.namespace, led)

    def _held(self, kind: str) -> list[Object]:
        return [*self._reflectors[kind].held.objects.values()]


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
