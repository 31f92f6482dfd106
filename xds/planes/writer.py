"""Data planes to an API server: what each of them is declared to be is applied, again and again; what none is declared is removed.

What others change is told by `standing.py`; applying what is there already changes nothing, so everything is applied again
now and then as well. Only the leader writes; who leads is for `xds/reports/` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from translator.ir.plane import Plane
from translator.planes.manifests import KINDS, OWNER, SOMETIMES, Made, Terms, collection, leftovers, objects, owner, secret
from xds.planes.identity import Issuer
from xds.planes.standing import Stand
from xds.planes.start import files
from xds.reports.problems import Problems
from xds.reports.queue import Name
from xds.reports.rounds import Rounds
from xds.security.credentials import CredentialsError
from xds.sources.kube.transport import APPLY, Caller

API = "/apis/gateway.networking.k8s.io/v1"
MANAGER = "pointsman"  # of the fields that we apply
LOOK = 300.0  # seconds after which everything is applied again, and certificates are looked at
NOT_HERE = (403, 404)  # a kind that may not be read here is none that we made


@dataclass(frozen=True, slots=True)
class Place:
    """`xds` is where proxies find the server, `server` what its certificate says, `home` the namespace of what a class shares."""

    xds: str
    server: str
    terms: Terms
    home: str = "default"
    counted: bool = False


class Planes:
    """`plane` gives what is declared of a group of proxies, or None where it is no data plane any more."""

    def __init__(
        self, transport: Caller, plane: Callable[[str], Plane | None], place: Place, issuer: Issuer,
        leads: Callable[[], bool], clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self.transport, self._plane, self._place, self._issuer = transport, plane, place, issuer
        self._leads = leads
        self._rounds = Rounds(leads, clock)
        self.queue, self.counts = self._rounds.queue, self._rounds.counts
        self.problems = Problems()  # group → why its data plane is not as it should be
        self.stand: Stand | None = None

    def touch(self, groups: Iterable[str]) -> None:
        self._rounds.put(("Plane", one) for one in groups)

    async def run(self, everything: Callable[[], Iterable[str]]) -> None:
        """Without end."""

        async def all_of_them() -> float:
            self.touch(everything())
            return LOOK

        await self._rounds.run(self._one, all_of_them)

    # One data plane ----------------------------------------------------------------------------------------------------

    async def _one(self, name: Name) -> bool:
        plane = self._plane(name[1])
        return await self.problems.of(name[1], self._apply(plane) if plane else self._remove(name[1]), CredentialsError)

    async def _apply(self, plane: Plane) -> str:
        """What went wrong, or nothing. Of one that is kept as it is, nothing but the certificate is looked at."""
        kind, name = owner(plane)
        place = f"namespaces/{plane.namespace}/gateways" if kind == "Gateway" else "gatewayclasses"
        found = await self.transport.call("GET", f"{API}/{place}/{name}")
        if found.status == 404:
            return ""
        if found.status != 200:
            return found.said()
        uid = found.json()["metadata"]["uid"]
        problems = [] if plane.via else [await self._secret(plane, uid)]
        if not plane.kept:
            made = objects(plane, uid, files(plane, self._place.xds, self._place.server, counted=self._place.counted), self._place.terms)
            problems.append(await self._hand_over(plane))
            problems += [await self._put_one(one) for one in made]
            absent = () if plane.via else set(SOMETIMES) - {one.kind for one in made}
            problems += [await self._drop(kind, plane) for kind in sorted(absent)]
            problems += [await self._delete(_path(kind, key)) for kind, key in self._strays(plane)]
        return "; ".join(filter(None, problems))

    def _strays(self, plane: Plane) -> list[tuple[str, str]]:
        """What it has under another name, as one whose Gateway has another class now."""
        return self.stand.strays(plane.group, plane.key) if self.stand else []

    async def _hand_over(self, plane: Plane) -> str:
        """Where an autoscaler takes over, the count stays what it is: one that nobody applies any more would be 1 until it acts.

        Source: Kubernetes, "Server-Side Apply", transferring ownership.
        """
        path = f"{collection('Deployment', plane.namespace)}/{plane.name}"
        if not plane.run.scaling or plane.run.daemons or plane.via or not self._leads():
            return ""
        found = await self.transport.call("GET", path)
        if found.status != 200 or _counted_by(found.json()) != {MANAGER}:
            return "" if found.status in (200, *NOT_HERE) else found.said()
        document = found.json()
        count = {"spec": {"replicas": document["spec"]["replicas"]}, "metadata": {"name": plane.name, "namespace": plane.namespace}}
        body = {"apiVersion": KINDS["Deployment"][0], "kind": "Deployment", **count}
        query = {"fieldManager": f"{MANAGER}-scaling", "force": "true"}
        answer = await self.transport.call("PATCH", path, body, query, content=APPLY)
        return "" if answer.status == 200 else answer.said()

    async def _drop(self, kind: str, plane: Plane) -> str:
        """What a data plane had before it was declared otherwise: only what is ours, for another may have that name."""
        path = f"{collection(kind, plane.namespace)}/{plane.name}"
        found = await self.transport.call("GET", path)
        if found.status != 200:
            return "" if found.status in NOT_HERE else found.said()
        if not OWNER.items() <= found.json()["metadata"].get("labels", {}).items():
            return ""
        return await self._delete(path)

    async def _delete(self, path: str) -> str:
        if not self._leads():
            return "another replica leads by now"
        gone = await self.transport.call("DELETE", path)
        return "" if gone.status in (200, 202, 404) else gone.said()

    async def _secret(self, plane: Plane, uid: str) -> str:
        answer = await self.transport.call("GET", f"{collection('Secret', plane.namespace)}/{plane.name}")
        if answer.status not in (200, 404):
            return answer.said()
        if plane.kept and answer.status == 404:
            return ""
        held = answer.json().get("data") if answer.status == 200 else None
        data = self._issuer.data(plane, held, datetime.now(UTC))
        return await self._put_one(secret(plane, uid, data)) if data else ""

    async def _put_one(self, made: Made) -> str:
        if not self._leads():
            return "another replica leads by now"
        query = {"fieldManager": MANAGER, "force": "true"}
        answer = await self.transport.call("PATCH", made.path, made.document, query, content=APPLY)
        if answer.status not in (200, 201):
            return f"{made.kind}: {answer.said()}"
        if self.stand:
            self.stand.applied(made, answer.body)
        self.counts.written += 1
        return ""

    async def _remove(self, key: str) -> str:
        """All that we made for this group. Where its owner is gone itself, the garbage collector comes first or second."""
        each = [await self._remove_found(namespace, labels) for namespace, labels in leftovers(key, self._place.home)]
        return "; ".join(filter(None, each))

    async def _remove_found(self, namespace: str, labels: Mapping[str, str]) -> str:
        selector = ",".join(f"{label}={value}" for label, value in labels.items())
        problems = []
        for kind in KINDS:
            answer = await self.transport.call("GET", collection(kind, namespace), None, {"labelSelector": selector})
            if answer.status != 200:
                problems.append("" if answer.status in NOT_HERE else answer.said())
                continue
            names = [quote(one["metadata"]["name"]) for one in answer.json()["items"]]
            problems += [await self._delete(f"{collection(kind, namespace)}/{name}") for name in names]
        return "; ".join(filter(None, problems))


def _path(kind: str, key: str) -> str:
    namespace, _, name = key.partition("/")
    return f"{collection(kind, namespace)}/{quote(name)}"


def _counted_by(deployment: dict[str, Any]) -> set[str]:
    """Who says how many Pods it has."""
    each = deployment["metadata"].get("managedFields", ())
    return {one.get("manager", "") for one in each if "f:replicas" in one.get("fieldsV1", {}).get("f:spec", {})}
