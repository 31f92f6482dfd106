"""To an API server, by the leader: what sidecars start with, for each Service that has any, and whose certificate the webhook shows.

A Service owns what its sidecars start with: it goes with the Service, and not before, for a Pod that is there cannot be started
again without it. Source: Kubernetes, "Server-Side Apply": of the webhook's configuration, which is installed, one field is ours.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from translator.injection.workload import OWNER, companions, started_with
from xds.planes.identity import Issuer
from xds.reports.problems import Problems
from xds.reports.queue import Name
from xds.reports.rounds import Rounds
from xds.security.credentials import CA, CredentialsError
from xds.sources.kube.transport import APPLY, Caller
from xds.webhook.sidecars import Sidecars
from xds.webhook.start import Started

MANAGER = "pointsman"  # of the fields that we apply
LOOK = 300.0  # seconds after which everything is applied again, and certificates are looked at
LABEL = "pointsman.io/sidecar"  # of what sidecars start with: the Service
CONFIGURATION = "pointsman"  # the MutatingWebhookConfiguration
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
TRUST: Name = ("MutatingWebhookConfiguration", CONFIGURATION)


@dataclass(frozen=True, slots=True)
class Place:
    """`started` is what the sidecars of a Service start with; `folder` holds ca.crt, of the CA that has signed what the webhook shows."""

    started: Started
    folder: Path


class Companions:
    """`leads` says whether we may write."""

    def __init__(
        self, transport: Caller, sidecars: Sidecars, place: Place, issuer: Issuer, leads: Callable[[], bool], clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self.transport, self._sidecars, self._place, self._issuer = transport, sidecars, place, issuer
        self._leads = leads
        self._rounds = Rounds(leads, clock)
        self.queue, self.counts = self._rounds.queue, self._rounds.counts
        self.problems = Problems()  # kind/key → why it is not as it should be

    def touch(self, services: Iterable[str]) -> None:
        self._rounds.put(("Service", one) for one in services)

    async def run(self) -> None:
        """Without end."""
        await self._rounds.run(self._one, self._all)

    async def _all(self) -> float:
        self._rounds.put([TRUST])
        self.touch(self._sidecars.services())
        return LOOK

    async def _one(self, name: Name) -> bool:
        return await self.problems.of("/".join(name), self._trust() if name == TRUST else self._service(name[1]), CredentialsError)

    # What sidecars start with ------------------------------------------------------------------------------------------

    async def _service(self, key: str) -> str:
        """What went wrong, or nothing. A Secret of somebody else is theirs to keep."""
        if self._sidecars.get(key) is None:
            return ""
        namespace, _, name = key.partition("/")
        root = f"/api/v1/namespaces/{namespace}"
        service = await self.transport.call("GET", f"{root}/services/{name}")
        if service.status != 200:
            return "" if service.status == 404 else service.said()
        there = await self.transport.call("GET", f"{root}/secrets/{started_with(key)}")
        if there.status not in (200, 404):
            return f"Secret: {there.said()}"
        held = there.json() if there.status == 200 else {}
        theirs = held and not OWNER.items() <= (held["metadata"].get("labels") or {}).items()
        data = None if theirs else self._issuer.of_sidecars(key, held.get("data"), datetime.now(UTC))
        made = companions(key, self._place.started(key), data)
        uid = service.json()["metadata"]["uid"]
        return "; ".join(filter(None, [await self._put_one(owned(one, name, uid), root) for one in made]))

    async def _put_one(self, made: dict[str, Any], root: str) -> str:
        plural = {"ConfigMap": "configmaps", "Secret": "secrets"}[made["kind"]]
        return await self._apply(f"{root}/{plural}/{made['metadata']['name']}", made)

    async def _apply(self, path: str, made: dict[str, Any]) -> str:
        if not self._leads():
            return "another replica leads by now"
        answer = await self.transport.call("PATCH", path, made, {"fieldManager": MANAGER, "force": "true"}, content=APPLY)
        if answer.status not in (200, 201):
            return f"{made['kind']}: {answer.said()}"
        self.counts.written += 1
        return ""

    # Whose certificate the webhook shows -------------------------------------------------------------------------------

    async def _trust(self) -> str:
        path = f"{CONFIGURATIONS}/{CONFIGURATION}"
        found = await self.transport.call("GET", path)
        if found.status != 200:
            return found.said()
        bundle = b64encode((self._place.folder / CA).read_bytes()).decode()
        hooks = found.json().get("webhooks") or []
        if all(one["clientConfig"].get("caBundle") == bundle for one in hooks):
            return ""
        said = [{"name": one["name"], "clientConfig": {"caBundle": bundle}} for one in hooks]
        head = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": TRUST[0], "metadata": {"name": CONFIGURATION}}
        return await self._apply(path, {**head, "webhooks": said})


def owned(made: dict[str, Any], service: str, uid: str) -> dict[str, Any]:
    """By its Service, and known by it."""
    metadata = made["metadata"]
    owner = {"apiVersion": "v1", "kind": "Service", "name": service, "uid": uid}
    return {**made, "metadata": {**metadata, "labels": {**metadata["labels"], LABEL: service}, "ownerReferences": [owner]}}
