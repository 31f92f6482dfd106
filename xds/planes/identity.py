"""The certificates of data planes: signed by a CA whose key we have, and made anew in time. The time is an argument."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidSignature

from translator.ir.plane import Plane
from xds.security.access import Identity
from xds.security.credentials import CA, CERTIFICATE, KEY, CredentialsError
from xds.security.issuing import Pair, client, load
from xds.security.peer import uris

DAYS = 30
RENEW = timedelta(days=10)  # before the end
SIDECAR = "sidecar"  # the account of sidecars, whose Pods run by any


class Issuer:
    """`folder` holds ca.crt and ca.key, as `pointsman certs` writes them; read again at each look, for they may be replaced."""

    def __init__(self, folder: Path, trust: str) -> None:
        self._folder, self._trust = folder, trust

    def data(self, plane: Plane, held: Mapping[str, str] | None, now: datetime) -> dict[str, str] | None:
        """What the Secret of a data plane must hold, or None where what it holds will do. CredentialsError where nobody can sign."""
        return self._data(Identity(self._trust, plane.namespace, plane.name, plane.gateway or plane.gateway_class, plane.shared), held, now)

    def of_sidecars(self, service: str, held: Mapping[str, str] | None, now: datetime) -> dict[str, str] | None:
        """The same for the sidecars of a Service."""
        namespace, _, name = service.partition("/")
        return self._data(Identity(self._trust, namespace, SIDECAR, name, of_service=True), held, now)

    def _data(self, identity: Identity, held: Mapping[str, str] | None, now: datetime) -> dict[str, str] | None:
        signer, bundle = self._signer()
        if held and _good(held, identity, signer, bundle, now):
            return None
        made = client(signer, identity, now, DAYS)
        return {name: b64encode(body).decode() for name, body in ((CERTIFICATE, made.pem), (KEY, made.key), (CA, bundle))}

    def _signer(self) -> tuple[Pair, bytes]:
        try:
            bundle, key = (self._folder / CA).read_bytes(), (self._folder / "ca.key").read_bytes()
            return load(bundle, key), bundle
        except (OSError, ValueError) as error:
            raise CredentialsError(f"{self._folder}: no CA that can sign: {error}") from None


def _good(held: Mapping[str, str], identity: Identity, signer: Pair, bundle: bytes, now: datetime) -> bool:
    try:
        leaf = load(b64decode(held[CERTIFICATE]), b64decode(held[KEY])).certificate
        leaf.verify_directly_issued_by(signer.certificate)
        trusted = b64decode(held[CA])
    except (KeyError, ValueError, NotBase64, TypeError, InvalidSignature):
        return False
    return trusted == bundle and uris(leaf) == (str(identity),) and leaf.not_valid_after_utc > now + RENEW
