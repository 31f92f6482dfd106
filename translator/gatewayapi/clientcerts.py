"""Client certificates: what a Gateway wants clients to show, and what it shows to backends itself.

Source: Gateway API v1.6.1, `GatewayTLSConfig` (GEP-91, GEP-3155). Knows no view and no Envoy.
"""

from __future__ import annotations

from translator.gatewayapi.conditions import ACCEPTED, RESOLVED_REFS, Problem, fails, holds
from translator.gatewayapi.references import Referent
from translator.gatewayapi.tables import ClientCheck
from translator.ir import names
from translator.ir.finding import Finding, Path
from translator.ir.output import Condition
from translator.resources.gateway import FrontendTLS, FrontendValidation, Gateway
from translator.resources.meta import LocalReference

CLIENT_CERTIFICATE_PATH: Path = ("spec", "tls", "backend", "clientCertificateRef")
INSECURE = "AllowInsecureFallback"


def client_check(gateway: Gateway, port: int) -> ClientCheck | None:
    """What HTTPS clients of a port must show: what is said of the port goes before the default, also where it says nothing."""
    frontend = gateway.spec.tls.frontend if gateway.spec.tls else None
    if frontend is None:
        return None
    at: Path = ("spec", "tls", "frontend")
    for place, one in enumerate(frontend.per_port):
        if one.port == port:
            return _check(gateway, one.tls, str(port), (*at, "perPort", place, "tls"))
    return _check(gateway, frontend.default, "default", (*at, "default"))


def _check(gateway: Gateway, tls: FrontendTLS, what: str, path: Path) -> ClientCheck | None:
    if tls.validation is None:
        return None
    refs = tuple(referent_of(gateway, ref) for ref in tls.validation.ca_certificate_refs)
    name = names.authority("Gateway", f"{gateway.key}/{what}")
    return ClientCheck(gateway.key, name, refs, tls.validation.mode != INSECURE, (*path, "validation"))


def referent_of(gateway: Gateway, ref: LocalReference) -> Referent:
    return Referent(ref.group, ref.kind, f"{ref.namespace or gateway.namespace}/{ref.name}")


def shown_to_backends(gateway: Gateway) -> Referent | None:
    backend = gateway.spec.tls.backend if gateway.spec.tls else None
    ref = backend.client_certificate_ref if backend else None
    return referent_of(gateway, LocalReference(ref.name, ref.group, ref.kind or "Secret", ref.namespace)) if ref else None


def authority_problem(check: ClientCheck, place: int, reason: str, why: str) -> Problem:
    path = (*check.path, "caCertificateRefs", place)
    finding = Finding(
        code="PM0507", kind="Gateway", key=check.gateway, message=f"a certificate authority of clients is not used: {why}", path=path
    )
    return Problem(RESOLVED_REFS, reason, finding)


def nobody_trusted(check: ClientCheck) -> Problem:
    """`ListenerReasonNoValidCACertificate`: without any authority nobody is let in, which is to say that nothing is served."""
    message = "no certificate authority of clients is left, so the listeners that ask for one are not served"
    return Problem(
        ACCEPTED, "NoValidCACertificate", Finding(code="PM0507", kind="Gateway", key=check.gateway, message=message, path=check.path)
    )


def shown_problem(gateway: str, reason: str, why: str) -> Problem:
    message = f"no certificate is shown to backends: {why}"
    return Problem(
        RESOLVED_REFS, reason, Finding(code="PM0508", kind="Gateway", key=gateway, message=message, path=CLIENT_CERTIFICATE_PATH)
    )


def client_conditions(gateway: Gateway, wrong: Problem | None) -> tuple[Condition, ...]:
    """What a Gateway says of client certificates: nothing where it names none (GEP-91, `InsecureFrontendValidationMode`)."""
    found: list[Condition] = []
    if shown_to_backends(gateway):
        found.append(fails(RESOLVED_REFS, wrong.reason, wrong.finding.message) if wrong else holds(RESOLVED_REFS))
    if any(one.mode == INSECURE for one in validations(gateway)):
        message = "clients are let in whatever certificate they show, or none"
        found.append(holds("InsecureFrontendValidationMode", "ConfigurationChanged", message))
    return tuple(found)


def validations(gateway: Gateway) -> list[FrontendValidation]:
    frontend = gateway.spec.tls.frontend if gateway.spec.tls else None
    every = (frontend.default, *(one.tls for one in frontend.per_port)) if frontend else ()
    return [one.validation for one in every if one.validation]
