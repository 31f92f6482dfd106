"""A CA of our own in a Secret of our namespace, so that all replicas sign and trust alike, and the server's certificate from it.

For those who bring no certificates. Files are written as `pointsman certs` writes them: FOLDER/ca.crt, ca.key, server/.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificate

from xds.security.credentials import CA, CERTIFICATE, KEY, CredentialsError
from xds.security.issuing import Pair, authority, load, server
from xds.sources.kube.transport import Answer, Caller

CA_DAYS, SERVER_DAYS = 3650, 365
RENEW = timedelta(days=30)  # before the end
LOOK = 3600.0  # seconds between looks at it
SECRETS = "/api/v1/namespaces/{}/secrets"


@dataclass(frozen=True, slots=True)
class Own:
    """Which Secret, and for whom the CA signs: the names of the server, and a trust domain."""

    namespace: str
    hosts: Sequence[str]
    trust: str
    name: str = "pointsman-ca"


async def prepare(calls: Caller, own: Own, folder: Path, now: datetime) -> None:
    """Everything in its files. CredentialsError where the Secret cannot be had, or holds no CA; one of Broken where nobody answers."""
    signer = await _signer(calls, own, now)
    (folder / "server").mkdir(mode=0o700, parents=True, exist_ok=True)
    _put({folder / CA: signer.pem, folder / "ca.key": signer.key, folder / "server" / CA: signer.pem})
    _sign(signer, own, folder / "server", now)


def _sign(signer: Pair, own: Own, member: Path, now: datetime) -> None:
    """For whoever reads them in between: a key and a certificate that do not belong together are not taken (`Credentials.look`)."""
    made = server(signer, own.hosts, now, SERVER_DAYS)
    _put({member / KEY: made.key, member / CERTIFICATE: made.pem})


def _put(files: Mapping[Path, bytes]) -> None:
    for path, content in files.items():
        path.touch(mode=0o600)
        path.write_bytes(content)


def renew(own: Own, folder: Path, now: datetime) -> bool:
    """The server's certificate is made anew in good time before its end, or that of its CA; whether it was. Asks nobody."""
    leaf = load_pem_x509_certificate((folder / "server" / CERTIFICATE).read_bytes())
    if leaf.not_valid_after_utc > now + RENEW:
        return False
    _sign(load((folder / CA).read_bytes(), (folder / "ca.key").read_bytes()), own, folder / "server", now)
    return True


async def keep(own: Own, folder: Path, wall: Callable[[], datetime], pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Without end. Proxies trust the CA, so they notice nothing of it."""
    while True:
        await pause(LOOK)
        renew(own, folder, wall())


async def _signer(calls: Caller, own: Own, now: datetime) -> Pair:
    """The one that is there. Of replicas that start at once the first makes it, and the others take that."""
    path = SECRETS.format(own.namespace)
    answer = await calls.call("GET", f"{path}/{own.name}")
    if answer.status == 404:
        answer = await calls.call("POST", path, _secret(own, authority("Pointsman CA", own.trust, now, CA_DAYS)))
    if answer.status == 409:
        answer = await calls.call("GET", f"{path}/{own.name}")
    return _held(answer, own)


def _secret(own: Own, made: Pair) -> dict[str, object]:
    data = {CERTIFICATE: b64encode(made.pem).decode(), KEY: b64encode(made.key).decode()}
    metadata = {"name": own.name, "namespace": own.namespace, "labels": {"app.kubernetes.io/managed-by": "pointsman"}}
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": data}


def _held(answer: Answer, own: Own) -> Pair:
    if answer.status not in (200, 201):
        raise CredentialsError(f"Secret {own.namespace}/{own.name} cannot be had: {answer.said()}")
    try:
        data = answer.json()["data"]
        return load(b64decode(data[CERTIFICATE]), b64decode(data[KEY]))
    except (ValueError, LookupError, TypeError):
        raise CredentialsError(f"Secret {own.namespace}/{own.name} holds no CA: tls.crt and tls.key of an EC key are needed") from None
