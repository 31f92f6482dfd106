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


RULES = (upstream,)
