"""BackendTLSPolicy: which policy a port of a backend obeys, what it demands of TLS, and what is wrong with it.

Source: Gateway API v1.6.1, `BackendTLSPolicy` (GEP-1897, GEP-1282). Knows no view and no Envoy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cryptography.x509 import load_pem_x509_certificates

from translator.gatewayapi.conditions import ACCEPTED, RESOLVED_REFS, Problem, fails, holds, verdict
from translator.gatewayapi.tables import AuthorityState, TargetClaim
from translator.ir.cluster import BackendTLS
from translator.ir.finding import Finding
from translator.ir.output import Condition
from translator.resources.backendtlspolicy import BackendTLSPolicy, SubjectAltName
from translator.resources.core import ConfigMap

KIND = "BackendTLSPolicy"
States = Mapping[str, AuthorityState]  # by key of a ConfigMap


def trusted(policy: BackendTLSPolicy) -> set[str]:
    """Keys of the ConfigMaps that it names."""
    refs = policy.spec.validation.ca_certificate_refs
    return {f"{policy.namespace}/{ref.name}" for ref in refs if (ref.group, ref.kind) == ("", "ConfigMap")}


def obeyed(claims: Sequence[TargetClaim], section: str) -> TargetClaim | None:
    """A policy for the port goes before one for all of the Service; of several alike the oldest has it. `claims` in that order."""
    mine = [one for one in claims if one.section == section] if section else []
    return next(iter(mine or [one for one in claims if not one.section]), None)


def is_conflicted(claim: TargetClaim, claims: Sequence[TargetClaim]) -> bool:
    """Whether an older policy has the same target, port included."""
    return next(one for one in claims if one.section == claim.section) != claim


def authorities(policy: BackendTLSPolicy, found: States) -> tuple[bytes, list[Problem]]:
    """The certificates of all references that are good, and what is wrong with the others."""
    bundle, problems = b"", []
    for place, ref in enumerate(policy.spec.validation.ca_certificate_refs):
        path = ("spec", "validation", "caCertificateRefs", place)
        key = f"{policy.namespace}/{ref.name}"
        if (ref.group, ref.kind) != ("", "ConfigMap"):
            problems.append(_problem(policy, path, "InvalidKind", f"{ref.kind} is no kind of certificate authority here"))
        elif wrong := found[key].problem:
            problems.append(_problem(policy, path, "InvalidCACertificateRef", f"ConfigMap {key}: {wrong}"))
        else:
            bundle += found[key].certificates
    return bundle, problems


def authority_state(one: ConfigMap | None) -> AuthorityState:
    """The certificates below `ca.crt`, or why there are none."""
    if one is None:
        return AuthorityState("it does not exist")
    if not one.data.get("ca.crt"):
        return AuthorityState("it lacks ca.crt")
    text = one.data["ca.crt"].encode()
    try:
        load_pem_x509_certificates(text)
    except ValueError:
        return AuthorityState("ca.crt is no PEM certificate")
    return AuthorityState(certificates=text.rstrip() + b"\n")


def _problem(policy: BackendTLSPolicy, path: tuple[str | int, ...], reason: str, message: str) -> Problem:
    finding = Finding(code="PM0505", kind=KIND, key=policy.key, message=message, path=path, fix="put certificates in PEM below ca.crt")
    return Problem(RESOLVED_REFS, reason, finding)


def demands(policy: BackendTLSPolicy, authority: str) -> BackendTLS:
    """With subjectAltNames the hostname is the SNI alone, and one of the names must be in the certificate (GEP-3155)."""
    validation = policy.spec.validation
    names = tuple(map(_alt_name, validation.subject_alt_names)) or (("dns", validation.hostname),)
    return BackendTLS(sni=validation.hostname, names=names, authority=authority)


def _alt_name(one: SubjectAltName) -> tuple[str, str]:
    return ("uri", one.uri) if one.type == "URI" else ("dns", one.hostname)


def policy_conditions(problems: list[Problem], usable: bool, conflicted: bool) -> tuple[Condition, ...]:
    resolved = verdict(RESOLVED_REFS, problems)
    if conflicted:
        return fails(ACCEPTED, "Conflicted", "an older policy has the same target"), resolved
    if not usable:
        return fails(ACCEPTED, "NoValidCACertificate", resolved.message), resolved
    return holds(ACCEPTED), resolved
