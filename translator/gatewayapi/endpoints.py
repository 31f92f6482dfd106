"""EndpointSlices and Backends as endpoints. Source: discovery.k8s.io/v1 and KEP-1669 (terminating endpoints)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from translator.ir.cluster import Endpoint, Endpoints
from translator.resources.backend import Backend, BackendEndpoint, FQDNEndpoint, IPEndpoint, UnixEndpoint
from translator.resources.core import Endpoint as EndpointSpec
from translator.resources.core import EndpointSlice


def of_slices(slices: Iterable[EndpointSlice], port_name: str) -> Endpoints:
    """The endpoints of one named port of a Service: all that are ready, else those that still serve while they end.

    Without either, none: Envoy answers 503, as the Gateway API asks for a Service without ready endpoints.
    """
    members = [(endpoint, number) for one in slices if one.address_type != "FQDN" for endpoint, number in _members(one, port_name)]
    chosen = [pair for pair in members if pair[0].conditions.ready is not False] or [pair for pair in members if _still_serves(pair[0])]
    return Endpoints(endpoints=tuple(sorted({Endpoint(address, number) for one, number in chosen for address in one.addresses[:1]})))


def _members(one: EndpointSlice, port_name: str) -> Iterator[tuple[EndpointSpec, int]]:
    """Endpoints with the number that the named port has in this slice: target ports may differ between slices."""
    for port in one.ports:
        if port.name == port_name and port.port:
            for endpoint in one.endpoints:
                yield endpoint, port.port


def _still_serves(endpoint: EndpointSpec) -> bool:
    return endpoint.conditions.terminating is True and endpoint.conditions.serving is not False


def resolves_names(backend: Backend) -> bool:
    """Whether Envoy must ask DNS for it."""
    return any(endpoint.fqdn for endpoint in backend.spec.endpoints)


def of_backend(backend: Backend) -> tuple[Endpoint, ...]:
    """All endpoints of a Backend, names included."""
    return tuple(sorted({found for one in backend.spec.endpoints if (found := _endpoint(one))}))


def _endpoint(one: BackendEndpoint) -> Endpoint | None:
    match one:
        case BackendEndpoint(ip=IPEndpoint(address=address, port=port)):
            return Endpoint(address, port)
        case BackendEndpoint(fqdn=FQDNEndpoint(hostname=hostname, port=port)):
            return Endpoint(hostname, port)
        case BackendEndpoint(unix=UnixEndpoint(path=path)):
            return Endpoint(path, 0)
        case _:  # the CRD demands one of them
            return None
