"""Everything that a diagnosis looks at, asked for once. What may not be looked at is noted, and the rest is looked at all the same."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509

from translator.planes.manifests import CLASS_LABEL
from xds import roles
from xds.installation.api import Api, RefusedError
from xds.installation.installing import PODS, SLICES
from xds.installation.manifests import NAME, NAMESPACE, Json, definitions, kinds, place
from xds.installation.removing import HOOKS, OF_PLANES
from xds.sources.kube.rights import Right

AT_ONCE = 16  # questions about rights
GATEWAY_API = "gateway.networking.k8s.io/v1"
T = TypeVar("T")


@dataclass
class Seen:
    """What there is. None, or nothing, where it is not there; `hidden` is what could not be looked at, and why."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))  # by the clock of the API server
    here: datetime = field(default_factory=lambda: datetime.now(UTC))  # by ours, at that moment
    version: Json = field(default_factory=dict)
    definitions: dict[str, Json | None] = field(default_factory=dict)
    deployment: Json | None = None
    pods: list[Json] = field(default_factory=list)
    slices: list[Json] = field(default_factory=list)
    lease: Json | None = None
    classes: list[Json] = field(default_factory=list)
    gateways: list[Json] = field(default_factory=list)
    services: list[Json] = field(default_factory=list)  # of proxies
    proxies: list[Json] = field(default_factory=list)  # Pods
    certificates: dict[str, x509.Certificate] = field(default_factory=dict)  # by what they are of
    webhook: Json | None = None  # its configuration
    lacking: list[Right] = field(default_factory=list)  # what the server may not do, and must
    hidden: list[str] = field(default_factory=list)


async def examine(api: Api, version: Json, now: datetime | None, here: datetime) -> Seen:
    """`version` and `now` are what the API server said of itself. Raises one of Broken where it is away."""
    seen = Seen(now=now or here, here=here, version=version)

    async def looked(question: Awaitable[T], otherwise: T) -> T:
        try:
            return await question
        except RefusedError as error:
            seen.hidden.append(str(error))
            return otherwise

    for one in definitions():
        seen.definitions[one.name] = await looked(api.get(one.path), one.document)
    seen.deployment = await looked(api.get(place("apps/v1", "deployments", NAMESPACE, NAME)), None)
    seen.pods = await looked(api.items(place("v1", "pods", NAMESPACE), **PODS), [])
    seen.slices = await looked(api.items(place("discovery.k8s.io/v1", "endpointslices", NAMESPACE), **SLICES), [])
    seen.lease = await looked(api.get(place("coordination.k8s.io/v1", "leases", NAMESPACE, NAME)), None)
    seen.classes = await looked(api.items(place(GATEWAY_API, "gatewayclasses")), [])
    seen.gateways = await looked(api.items(place(GATEWAY_API, "gateways")), [])
    seen.services = await looked(api.items(place("v1", "services"), **OF_PLANES), [])
    seen.proxies = await looked(api.items(place("v1", "pods"), labelSelector=CLASS_LABEL), [])
    seen.certificates = await looked(_certificates(api), {})
    seen.webhook = await looked(api.get(HOOKS), None)
    if seen.deployment:
        seen.lacking = await looked(_lacking(api, {*arguments(seen.deployment)}), [])
    return seen


async def _certificates(api: Api) -> dict[str, x509.Certificate]:
    """Of our CA, and of proxies: those that can be read at all."""
    found = await api.items(place("v1", "secrets"), **OF_PLANES)
    if own := await api.get(place("v1", "secrets", NAMESPACE, "pointsman-ca")):
        found.append(own)
    read = {}
    for one in found:
        try:
            text = b64decode((one.get("data") or {})["tls.crt"])
            read[f"{one['metadata']['namespace']}/{one['metadata']['name']}"] = x509.load_pem_x509_certificate(text)
        except (KeyError, ValueError):
            continue
    return read


def arguments(deployment: Json) -> Iterator[str]:
    """What the server is told."""
    for one in deployment["spec"]["template"]["spec"]["containers"]:
        yield from one.get("args") or []


def _needed(told: set[str]) -> Iterator[tuple[Right, str]]:
    """In which namespace, or in all."""
    found = [*roles.everywhere(kinds())]
    for option, rights in (("--mesh", roles.in_meshes), ("--forks", roles.of_forks), ("--signadot", roles.of_signadot)):
        found += rights() if option in told else ()
    for one in told:
        if one.startswith("--sandbox-group="):
            found += roles.of_group(one.partition("=")[2])
    yield from ((one, "") for one in sorted(set(found)))
    yield from ((one, NAMESPACE) for one in roles.at_home())


async def _lacking(api: Api, told: set[str]) -> list[Right]:
    """The server's account is asked for, not ours."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def allowed(right: Right, namespace: str) -> bool:
        async with limit:
            return await api.may(review(right, namespace))

    wanted = [*_needed(told)]
    answers = await asyncio.gather(*(allowed(*one) for one in wanted))
    return [right for (right, _), yes in zip(wanted, answers, strict=True) if not yes]


def review(right: Right, namespace: str) -> Json:
    """Whether the server's account has it: in one namespace, or in all."""
    group, resource, verb = right
    plural, _, subresource = resource.partition("/")
    attributes = {"group": group, "resource": plural, "subresource": subresource, "verb": verb, "namespace": namespace}
    who = {
        "user": f"system:serviceaccount:{NAMESPACE}:{NAME}",
        "groups": ["system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}", "system:authenticated"],
    }
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {**who, "resourceAttributes": {name: value for name, value in attributes.items() if value}},
    }
