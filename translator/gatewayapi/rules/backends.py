"""Upstreams in use: their clusters and their endpoints."""

from __future__ import annotations

from translator.engine import Facts, View, rule
from translator.gatewayapi.backends import protocol, service_port
from translator.gatewayapi.endpoints import of_backend, of_slices, resolves_names
from translator.gatewayapi.tables import FOUND, PARTS, SLICES_OF, USE
from translator.inputs import BACKEND, SERVICE
from translator.ir import names
from translator.ir.cluster import Cluster, Endpoint, Endpoints, Split, Use
from translator.ir.finding import Finding
from translator.ir.tables import CLUSTER, ENDPOINTS, SPLIT


@rule(over=USE, into=(CLUSTER, ENDPOINTS))
def upstream(view: View, use: Use) -> Facts:
    """The cluster and its endpoints are rows apart: an EndpointSlice that changes leaves the cluster as it is."""
    name = names.cluster(use)
    if use.kind == "Service":
        service = view.get(SERVICE, use.key)
        port = service_port(service, use.port) if service else None
        yield CLUSTER(use, Cluster(name=name, protocol=protocol(port.app_protocol if port else "", use)))
        yield ENDPOINTS(use, of_slices(view.list(SLICES_OF, use.key), port.name) if port else Endpoints(endpoints=()))
    elif backend := view.get(BACKEND, use.key):
        speaks, found = protocol(backend.spec.app_protocol, use), of_backend(backend)
        if resolves_names(backend):
            yield CLUSTER(use, Cluster(name=name, discovery="dns", protocol=speaks, endpoints=found))
        else:
            yield CLUSTER(use, Cluster(name=name, protocol=speaks))
            yield ENDPOINTS(use, Endpoints(endpoints=found))


@rule(over=PARTS, into=(SPLIT, FOUND))
def split(view: View, use: Use) -> Facts:
    """Each backend of a UDPRoute with its endpoints. A weight of 0 is no part."""
    parts = view.one(PARTS, use)
    for place, one in enumerate(parts):
        if one.backend and one.backend.kind == "Backend" and not members(view, one.backend):
            yield FOUND((use.kind, use.key), no_address(use, place, one.backend))
    yield SPLIT(use, Split(name=names.cluster(use), parts=tuple((one.weight, members(view, one.backend)) for one in parts if one.weight)))


def no_address(use: Use, place: int, backend: Use) -> Finding:
    message = f"Backend {backend.key} has no IP address, so its share of datagrams is lost"
    path = ("spec", "rules", 0, "backendRefs", place)
    return Finding(code="PM0207", kind=use.kind, key=use.key, message=message, path=path, fix="give it IP endpoints, or use a Service")


def members(view: View, use: Use | None) -> tuple[Endpoint, ...]:
    """Addresses alone: names and sockets are nothing that datagrams of several backends could be shared among."""
    if use is None:
        return ()
    if use.kind == "Service":
        service = view.get(SERVICE, use.key)
        port = service_port(service, use.port, "UDP") if service else None
        return of_slices(view.list(SLICES_OF, use.key), port.name).endpoints if port else ()
    backend = view.get(BACKEND, use.key)
    return () if backend is None or resolves_names(backend) else tuple(one for one in of_backend(backend) if one.port)


RULES = (upstream, split)
