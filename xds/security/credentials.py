"""The server's own certificate, key and CAs: read from a folder, checked, and read again when they change. Knows gRPC's
credentials and the disk; decides nothing about clients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import grpc
from cryptography.x509 import Certificate, CertificateRevocationList, load_pem_x509_certificates, load_pem_x509_crl

from translator.gatewayapi.certificates import bytes_problem
from xds.security.peer import Revoked

CERTIFICATE, KEY, CA = "tls.crt", "tls.key", "ca.crt"  # as cert-manager and kubernetes.io/tls have them
REVOKED = "ca.crl"  # need not be there: what the CAs have taken back, a list of each
_END = b"-----END X509 CRL-----"
LIMIT = 1024 * 1024  # bytes of each file


class CredentialsError(Exception):
    """The files cannot be used; the text says which and why, and holds nothing of what they hold."""


@dataclass(frozen=True)
class Material:
    """What was read and found good."""

    certificate: bytes
    key: bytes = field(repr=False)
    ca: bytes
    roots: tuple[Certificate, ...]
    revoked: Revoked
    not_after: datetime

    def configuration(self) -> Any:
        return grpc.ssl_server_certificate_configuration([(self.key, self.certificate)], self.ca)


def read(folder: Path, now: datetime) -> Material:
    """Raises CredentialsError where a file is missing, is not PEM, has ended, or does not belong to the others."""
    certificate, key, ca = (_content(folder / name) for name in (CERTIFICATE, KEY, CA))
    if problem := bytes_problem(certificate, key):
        raise CredentialsError(f"{folder}: {problem}")
    leaf = load_pem_x509_certificates(certificate)[0]
    if leaf.not_valid_after_utc < now:
        raise CredentialsError(f"{folder / CERTIFICATE}: has ended at {leaf.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}")
    try:
        roots = tuple(load_pem_x509_certificates(ca))
    except ValueError:
        raise CredentialsError(f"{folder / CA}: is not a list of PEM certificates") from None
    return Material(certificate, key, ca, roots, _revoked(folder / REVOKED, roots), leaf.not_valid_after_utc)


def _revoked(path: Path, roots: Sequence[Certificate]) -> Revoked:
    found: set[tuple[bytes, int]] = set()
    for one in revocations(path):
        if not any(one.issuer == root.subject and _is_of(one, root) for root in roots):
            raise CredentialsError(f"{path}: holds a list that no CA of {CA} has signed")
        found |= {(one.issuer.public_bytes(), each.serial_number) for each in one}
    return frozenset(found)


def revocations(path: Path) -> list[CertificateRevocationList]:
    """The lists in a file, none where there is no file. CredentialsError where they cannot be read."""
    if not path.exists():
        return []
    try:
        return [load_pem_x509_crl(text + _END) for text in _content(path).split(_END) if text.strip()]
    except ValueError:
        raise CredentialsError(f"{path}: is not a list of PEM revocation lists") from None


def _is_of(one: CertificateRevocationList, root: Certificate) -> bool:
    try:
        return one.is_signature_valid(root.public_key())  # type: ignore[arg-type]
    except TypeError:  # a key that signs no lists
        return False


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LIMIT + 1)
    except OSError as error:
        raise CredentialsError(f"{path}: {error.strerror}") from None
    if not content or len(content) > LIMIT:
        raise CredentialsError(f"{path}: is empty" if not content else f"{path}: is larger than 1 MiB")
    return content


class Credentials:
    """Kept as they were last good. Two CAs in one file are both accepted, so that one can follow the other."""

    def __init__(self, folder: Path, wall: Callable[[], datetime], told: Callable[[str], None] = lambda _: None) -> None:
        """`told` is called when others are in force (with nothing), and when those on disk are not taken (with the reason).
        Raises CredentialsError.
        """
        self.folder, self.wall, self._told = folder, wall, told
        self._seen = self._state()
        self.material = read(folder, wall())
        self._given: Material | None = None
        self._problem = ""  # of what is there now and was not taken

    def look(self) -> None:
        """Take what is there now if it is good. If not, it is looked at again: half of a pair may not be written yet."""
        state = self._state()
        if state == self._seen:
            return
        try:
            new = self._read()
        except CredentialsError as error:
            if str(error) != self._problem:
                self._told(str(error))
            self._problem = str(error)
            return
        self._seen, self._problem, self.material = state, "", new
        self._told("")

    def _read(self) -> Material:
        """What was revoked is not forgiven because a file is gone."""
        if self.material.revoked and not (self.folder / REVOKED).exists():
            raise CredentialsError(f"{self.folder / REVOKED}: No such file or directory")
        return read(self.folder, self.wall())

    def _state(self) -> tuple[tuple[int, int, int], ...]:
        """Of each file: inode, size, time. Taken before the files are read, so that a change in between is seen next time."""
        found = []
        for name in (CERTIFICATE, KEY, CA, REVOKED):
            try:
                stat = (self.folder / name).stat()
            except OSError:
                found.append((0, 0, 0))
            else:
                found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
        return tuple(found)

    def for_server(self) -> Any:
        """The way in. gRPC asks at each handshake, on a thread of its own, whether there are others by now."""
        self._given = self.material
        return grpc.dynamic_ssl_server_credentials(self._given.configuration(), self._newer, require_client_authentication=True)

    def _newer(self) -> Any:
        material = self.material
        if material is self._given:
            return None
        self._given = material
        return material.configuration()
