"""A CA of our own in a Secret of our namespace, so that all replicas sign and trust alike, and the server's certificate from it.

For those who bring no certificates. Files are written as `pointsman certs` writes them: FOLDER/ca.crt, ca.key, server/.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from xds.reports.writer import Caller
from xds.security.credentials import CA, CERTIFICATE, KEY, CredentialsError
from xds.security.issuing import Pair, authority, load, server
from xds.sources.kube.transport import Answer

CA_DAYS, SERVER_DAYS = 3650, 365
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
    member = folder / "server"
    member.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = server(signer, own.hosts, now, SERVER_DAYS)
    for path, content in (
        (folder / CA, signer.pem), (folder / "ca.key", signer.key),
        (member / CA, signer.pem), (member / KEY, made.key), (member / CERTIFICATE, made.pem),
    ):  # fmt: skip
        path.touch(mode=0o600)
        path.write_bytes(content)


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
