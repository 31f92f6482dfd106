"""Backends of routes: which upstream a reference means, or why it means none. Knows Services and Backends as values."""

from __future__ import annotations

from translator.gatewayapi.conditions import RESOLVED_REFS, Problem
from translator.gatewayapi.references import GROUPS, Referent
from translator.ir.cluster import Protocol, Speaks, Use
from translator.ir.finding import Finding, Path
from translator.resources.backend import Backend
from translator.resources.core import Service, ServicePort
from translator.resources.httproute import BackendObjectReference

H2C = ("kubernetes.io/h2c", "h2c", "grpc")  # GEP-1911; the bare names are in wide use
NEEDS_TLS = ("kubernetes.io/wss",)


def referent(ref: BackendObjectReference, namespace: str) -> Referent:
    """What a backendRef names, in the namespace of the route unless it says another."""
    return Referent(ref.group, ref.kind, f"{ref.namespace or namespace}/{ref.name}")


def use_of(ref: BackendObjectReference, to: Referent, speaks: Speaks = "") -> Use:
    """The upstream of a reference. A Backend has its ports in its endpoints, so the reference's port says nothing."""
    return Use(to.kind, to.key, ref.port if to.kind == "Service" else 0, speaks)


def speaks_grpc(to: Service | Backend | None, port: int = 0) -> Speaks:
    """GRPC is HTTP/2, also where the port does not say so: who speaks it needs an upstream of its own then (GEP-1016)."""
    named = service_port(to, port) if isinstance(to, Service) else None
    said = named.app_protocol if named else to.spec.app_protocol if isinstance(to, Backend) else ""
    return "" if said in H2C else "h2"


def served_kind(to: Referent) -> bool:
    return to.kind in ("Service", "Backend") and to.group == GROUPS[to.kind]


def service_port(service: Service, number: int, transport: str = "TCP") -> ServicePort | None:
    """The same number may be a port for streams and one for datagrams."""
    return next((port for port in service.spec.ports if port.port == number and port.protocol == transport), None)


def service_problem(service: Service | None, key: str, number: int, transport: str = "TCP") -> tuple[str, str, str]:
    """Reason, code and message where this Service cannot be sent to on this port, or three empty texts."""
    if service is None:
        return "BackendNotFound", "PM0201", f"Service {key} does not exist"
    if service.spec.type == "ExternalName":  # CVE-2021-25740: a name somebody else resolves reaches what its author could not
        return "UnsupportedValue", "PM0204", f"Service {key} is of type ExternalName, which is not followed"
    port = service_port(service, number, transport)
    if port is None:
        offered = ", ".join(f"{port.port}/{port.protocol}" for port in service.spec.ports) or "none"
        return "BackendNotFound", "PM0202", f"Service {key} has no {transport} port {number} (it has {offered})"
    if port.app_protocol in NEEDS_TLS:
        return "UnsupportedProtocol", "PM0206", f"port {number} of Service {key} speaks {port.app_protocol}, which needs a BackendTLSPolicy"
    return "", "", ""


def backend_problem(backend: Backend | None, key: str) -> tuple[str, str, str]:
    """The same for our own kind."""
    return ("BackendNotFound", "PM0201", f"Backend {key} does not exist") if backend is None else ("", "", "")


def unresolved(kind: str, key: str, path: Path, reason: str, code: str, message: str) -> Problem:
    """A reference that means nothing: the share of traffic it would have had is answered with 500."""
    fix = FIXES.get(code, "")
    return Problem(RESOLVED_REFS, reason, Finding(code=code, kind=kind, key=key, message=message, path=path, fix=fix))


FIXES = {
    "PM0201": "create it or correct the name",
    "PM0202": "name a port that the Service has",
    "PM0203": "create a ReferenceGrant in the target's namespace",
    "PM0204": "use a Backend with an fqdn endpoint instead",
    "PM0205": "refer to a Service or a Backend",
    "PM0206": "use another appProtocol",
}


def protocol(app_protocol: str, use: Use) -> Protocol:
    """HTTP/1.1 unless the port or its users say otherwise; WebSocket needs nothing of the cluster (GEP-1911)."""
    return "h2c" if use.speaks or app_protocol in H2C else "http1"
