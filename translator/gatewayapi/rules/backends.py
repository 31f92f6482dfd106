"""Upstreams in use: their clusters and their endpoints."""

from __future__ import annotations

from translator.engine import Facts, View, rule
from translator.gatewayapi.backends import protocol, service_port
from translator.gatewayapi.endpoints import of_backend, of_slices, resolves_names
from translator.gatewayapi.tables import SLICES_OF, USE
from translator.inputs import BACKEND, SERVICE
from translator.ir import names
from translator.ir.cluster import Cluster, Endpoints, Use
from translator.ir.tables import CLUSTER, ENDPOINTS


@rule(over=USE, into=(CLUSTER,))
def cluster(view: View, use: Use) -> Facts:
    name = names.cluster(use)
    if use.kind == "Service":
        service = view.get(SERVICE, use.key)
        port = service_port(service, use.port) if service else None
        yield CLUSTER(use, Cluster(name=name, protocol=protocol(port.app_protocol if port else "")))
    elif backend := view.get(BACKEND, use.key):
        speaks = protocol(backend.spec.app_protocol)
        if resolves_names(backend):
            yield CLUSTER(use, Cluster(name=name, discovery="dns", protocol=speaks, endpoints=of_backend(backend)))
        else:
            yield CLUSTER(use, Cluster(name=name, protocol=speaks))


@rule(over=USE, into=(ENDPOINTS,))
def endpoints(view: View, use: Use) -> Facts:
    """A rule of its own: an EndpointSlice that changes touches nothing but its endpoints."""
    if use.kind == "Service":
        service = view.get(SERVICE, use.key)
        port = service_port(service, use.port) if service else None
        yield ENDPOINTS(use, of_slices(view.list(SLICES_OF, use.key), port.name) if port else Endpoints(endpoints=()))
    elif (backend := view.get(BACKEND, use.key)) and not resolves_names(backend):
        yield ENDPOINTS(use, Endpoints(endpoints=of_backend(backend)))


RULES = (cluster, endpoints)
