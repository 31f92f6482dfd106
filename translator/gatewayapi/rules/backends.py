"""Upstreams in use: their clusters and their endpoints."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from translator.engine import Facts, View, rule
from translator.gatewayapi.backends import protocol, service_port
from translator.gatewayapi.backendtls import KIND as TLS_POLICY
from translator.gatewayapi.backendtls import obeyed
from translator.gatewayapi.endpoints import of_backend, of_slices, resolves_names
from translator.gatewayapi.tables import FOUND, GOVERNED, OBEYS, PARTS, POLICY, SLICES_OF, TARGETED, TRAFFIC, USE
from translator.gatewayapi.traffic import KIND as TRAFFIC_POLICY
from translator.inputs import BACKEND, SERVICE
from translator.ir import names
from translator.ir.cluster import SPOKEN, Cluster, Endpoint, Endpoints, Split, Use
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
    elif use.kind == "Backend" and (backend := view.get(BACKEND, use.key)):
        speaks, found = protocol(backend.spec.app_protocol, use), of_backend(backend)
        if resolves_names(backend):
            yield CLUSTER(use, Cluster(name=name, discovery="dns", protocol=speaks, endpoints=found))
        else:
            yield CLUSTER(use, Cluster(name=name, protocol=speaks))
            yield ENDPOINTS(use, Endpoints(endpoints=found))


@rule(over=GOVERNED, into=(CLUSTER, OBEYS))
def governed(view: View, key: tuple[str, str]) -> Facts:
    """Clusters of a backend that policies are about: they go before the plain ones, which need not ask for policies.

    A BackendTLSPolicy that cannot be obeyed seals the backend: nothing is ever sent in plain text instead, and requests are
    answered with 503.
    """
    claims, others = view.list(TARGETED, key), view.list(TRAFFIC, key)
    for use, section, said in spoken(view, *key):
        if not view.count(USE, use):
            continue
        for policy in (
            *((TLS_POLICY, one.policy) for one in claims if one.section in ("", section)),
            *((TRAFFIC_POLICY, one.policy) for one in others),
        ):
            yield OBEYS(policy, use)
        plain = bare(view, use, said)
        claim = obeyed(claims, section)
        state = view.get(POLICY, claim.policy) if claim else None
        row = structs.replace(plain, budget=others[0].budget) if others else plain
        if state and state.usable:
            row = structs.replace(row, tls=state.tls)
        elif state:
            row = Cluster(name=plain.name, protocol=plain.protocol, sealed=True)
        if row != plain:
            yield CLUSTER(use, row)


def bare(view: View, use: Use, said: str) -> Cluster:
    """The cluster as it is without policies."""
    backend = view.get(BACKEND, use.key) if use.kind == "Backend" else None
    plain = Cluster(name=names.cluster(use), protocol=protocol(said, use))
    return structs.replace(plain, discovery="dns", endpoints=of_backend(backend)) if backend and resolves_names(backend) else plain


def spoken(view: View, kind: str, key: str) -> Iterator[tuple[Use, str, str]]:
    """Each upstream that a backend can be, the name of its port, and what that says it speaks."""
    said: list[tuple[int, str, str]] = []
    if kind == "Backend":
        backend = view.get(BACKEND, key)
        said = [(0, "", backend.spec.app_protocol)] if backend else []
    elif service := view.get(SERVICE, key):
        said = [(port.port, port.name, port.app_protocol) for port in service.spec.ports if port.protocol == "TCP"]
    for port, section, protocols in said:
        for speaks in SPOKEN:
            yield Use(kind, key, port, speaks), section, protocols


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


RULES = (upstream, governed, split)
