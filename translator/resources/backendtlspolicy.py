"""BackendTLSPolicy as users write it. Source: Gateway API v1.6.1, `apis/v1/backendtlspolicy_types.go`."""

from __future__ import annotations

from msgspec import field

from translator.resources.meta import LocalReference, Object, Value


class PolicyTarget(Value, frozen=True, gc=False, kw_only=True):
    """An object of the policy's own namespace; of a Service `section_name` is the name of a port, empty for all of them."""

    kind: str
    name: str
    group: str = ""
    section_name: str = ""


class SubjectAltName(Value, frozen=True, gc=False, kw_only=True):
    type: str  # Hostname | URI
    hostname: str = ""
    uri: str = ""


class BackendTLSValidation(Value, frozen=True, gc=False, kw_only=True):
    """`hostname` is the SNI, and what the certificate must be for where no `subject_alt_names` are given."""

    hostname: str
    ca_certificate_refs: tuple[LocalReference, ...] = ()
    well_known_ca_certificates: str = field(default="", name="wellKnownCACertificates")  # System
    subject_alt_names: tuple[SubjectAltName, ...] = ()


class BackendTLSPolicySpec(Value, frozen=True, gc=False, kw_only=True):
    validation: BackendTLSValidation
    target_refs: tuple[PolicyTarget, ...] = ()
    options: dict[str, str] = field(default_factory=dict)


class BackendTLSPolicy(Object, frozen=True, gc=False, kw_only=True):
    spec: BackendTLSPolicySpec
