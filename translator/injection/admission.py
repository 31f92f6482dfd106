"""What an API server is answered that asks about a Pod before it is made: the sidecar that is put into it, or nothing.

Pure. A Pod is never refused: whatever is wrong with it, or with what is known here, it is made as it was asked for.
Source: Kubernetes, "Dynamic Admission Control"; API admission.k8s.io/v1.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import Struct, ValidationError, convert

from translator.injection.workload import SIDECAR, Beside, Json, injected, numbers, on_node, spared
from translator.ir.inbound import Pods

VERSION = "admission.k8s.io/v1"
CHOSEN = "pointsman.io/service"  # annotation of a Pod that several Services select: whose keys count
LONGEST = 256  # characters of a warning: longer ones are cut


class _Port(Struct, rename="camel"):
    container_port: int
    name: str = ""


class _Container(Struct):
    name: str
    ports: list[_Port] | None = None


class _Named(Struct):
    name: str


class _Metadata(Struct, frozen=True):
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class _Spec(Struct, rename="camel"):
    containers: list[_Container]
    init_containers: list[_Container] | None = None
    volumes: list[_Named] | None = None
    host_network: bool | None = None


class _Pod(Struct):
    """As much of a Pod as is read here, in its form."""

    spec: _Spec
    metadata: _Metadata = _Metadata()


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. `pod` is as it would be made, with its namespace in it."""

    uid: str
    pod: Json
    namespace: str


def asked(review: object) -> Asked | None:
    """None where it is about something else than a new Pod. ValueError, in words, where it is no question at all."""
    request = review.get("request") if isinstance(review, dict) and review.get("apiVersion") == VERSION else None
    if not isinstance(request, dict) or not isinstance(request.get("uid"), str) or not request["uid"]:
        raise ValueError(f"an AdmissionReview of {VERSION} with a request and its uid is needed")
    kind = request.get("kind")
    if not isinstance(kind, dict) or (kind.get("group"), kind.get("kind"), request.get("operation")) != ("", "Pod", "CREATE"):
        return None
    pod: Json = request.get("object") or {}
    namespace = request.get("namespace")
    if not isinstance(namespace, str) or not namespace:
        raise ValueError("a Pod is in a namespace, and the request names none")
    try:
        convert(pod, _Pod)
    except ValidationError as error:
        raise ValueError(f"the request is about a Pod, and holds none: {error}") from None
    return Asked(request["uid"], {**pod, "kind": "Pod", "metadata": {**pod.get("metadata", {}), "namespace": namespace}}, namespace)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Beside which Service's workload the Pod is, or nothing; a warning for whoever makes it, or nothing. `late`: it may be that the
    Service is only not known yet.
    """

    service: str = ""
    ports: tuple[int, ...] = ()
    warning: str = ""
    late: bool = False


def verdict(pod: Json, services: Mapping[str, Pods]) -> Verdict:
    """`services` are those of its namespace that have sidecars, by key."""
    metadata, spec = pod["metadata"], pod["spec"]
    if spared(metadata) or on_node(spec) or any(one.get("name") == SIDECAR for one in spec.get("initContainers") or []):
        return Verdict()
    labels = (metadata.get("labels") or {}).items()
    found = {key: one for key, one in sorted(services.items()) if dict(one.selector).items() <= labels}
    wanted = (metadata.get("annotations") or {}).get(CHOSEN, "")
    chosen = [key for key in found if wanted in ("", key.partition("/")[2])]
    if not chosen:
        return Verdict(late=True, warning=f"no sidecar: no Service {wanted} that has sidecars selects this Pod" if wanted else "")
    names = ", ".join(key.partition("/")[2] for key in chosen)
    if len(chosen) > 1:
        return Verdict(warning=f"no sidecar: Services {names} select this Pod; name the one whose keys count by the annotation {CHOSEN}")
    behind = numbers(pod, found[chosen[0]].ports)
    if not behind:
        return Verdict(warning=f"no sidecar: no container has a port by a name that Service {names} sends to")
    return Verdict(chosen[0], behind)


def answer(uid: str, patch: list[Json] | None = None, warning: str = "") -> Json:
    """Always yes."""
    response: Json = {"uid": uid, "allowed": True}
    if patch:
        response |= {"patchType": "JSONPatch", "patch": b64encode(json.dumps(patch).encode()).decode()}
    if warning:
        response["warnings"] = [f"pointsman: {warning}"[:LONGEST]]
    return {"apiVersion": VERSION, "kind": "AdmissionReview", "response": response}


def patch(pod: Json, beside: Beside) -> list[Json]:
    """What makes of the Pod that was asked for one with a sidecar. A member that is there is replaced (RFC 6902, 4.1)."""
    made = injected(pod, beside)
    return [
        *({"op": "add", "path": f"/metadata/{name}", "value": made["metadata"][name]} for name in ("annotations", "labels")),
        {"op": "add", "path": "/spec/initContainers", "value": made["spec"]["initContainers"]},
        {"op": "add", "path": "/spec/volumes", "value": made["spec"]["volumes"]},
    ]
