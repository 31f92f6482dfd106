"""The certificate of a client: what it says, until when, and whether it may still be believed. No I/O, no clock, no gRPC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    ExtensionNotFound,
    SubjectAlternativeName,
    UniformResourceIdentifier,
    load_pem_x509_certificates,
)
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError
from msgspec import Struct

# Whether a certificate is made as it should be is settled in the handshake, by the TLS library. What is asked again later is
# only whether it still leads to a CA that is trusted, so nothing is demanded here that the handshake does not.
_ANY_LEAF = ExtensionPolicy.permit_all()
_ANY_CA = ExtensionPolicy.permit_all().require_present(BasicConstraints, Criticality.AGNOSTIC, None)


Revoked = frozenset[tuple[bytes, int]]  # who signed a certificate, and its serial number: that is its name (RFC 5280, 5.3)


class Peer(Struct, frozen=True, eq=False):
    leaf: Certificate
    chain: tuple[Certificate, ...]
    uris: tuple[str, ...]
    since: datetime
    until: datetime

    def out_of_time(self, now: datetime) -> str:
        if now < self.since:
            return "not-yet-valid"
        return "expired" if now > self.until else ""

    def problem(self, roots: Sequence[Certificate], now: datetime, revoked: Revoked = frozenset()) -> str:
        """Why it is not to be believed now: `not-yet-valid`, `expired`, `revoked`, `untrusted`; or nothing."""
        if early_or_late := self.out_of_time(now):
            return early_or_late
        if revoked and any((one.issuer.public_bytes(), one.serial_number) in revoked for one in (self.leaf, *self.chain)):
            return "revoked"
        builder = PolicyBuilder().store(Store(list(roots))).time(now).extension_policies(ca_policy=_ANY_CA, ee_policy=_ANY_LEAF)
        try:
            builder.build_client_verifier().verify(self.leaf, list(self.chain))
        except VerificationError:
            return "untrusted"
        return ""


def peer(leaf: bytes, chain: bytes) -> Peer | None:
    """From PEM, as a handshake gave it: intermediate certificates apart from the leaf. None for what cannot be read."""
    try:
        found = load_pem_x509_certificates(leaf)[0]
        more = tuple(load_pem_x509_certificates(chain)) if chain else ()
        return Peer(found, more, uris(found), found.not_valid_before_utc, found.not_valid_after_utc)
    except ValueError:
        return None


def uris(certificate: Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    except ExtensionNotFound:
        return ()
    return tuple(names.get_values_for_type(UniformResourceIdentifier))
