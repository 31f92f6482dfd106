"""A sidecar in the Pods of one workload: its manifest with the containers in it that intercept and carry.

The sidecar is an init container that goes on (KEP-753): it is there before the workload and ends after it. Both containers of ours run
as root with one capability, NET_ADMIN: the first tells the kernel, the second binds a transparent socket.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from translator.ir import inbound

Json = dict[str, Any]
HOME = "/etc/pointsman"  # what a sidecar is told, and who it is
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod")
INTERCEPT, SIDECAR = "pointsman-intercept", "pointsman-sidecar"
VOLUMES = ("pointsman-home", "pointsman-tmp")
ANNOTATION = "pointsman.io/sidecar"  # the Service that a Pod has a sidecar for; and as a label, by its name
SPARED = "pointsman.io/inject"  # "false": leave it alone
OWNER = {"app.kubernetes.io/managed-by": "pointsman"}
_RIGHTS: Json = {
    "runAsUser": 0,
    "runAsNonRoot": False,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]},
}


@dataclass(frozen=True, slots=True)
class Beside:
    """A sidecar. `ports` are numbers that the workload listens on, `told` is different where it is to start with something else."""

    service: str  # key
    image: str
    ports: tuple[int, ...]
    told: str = ""

    @property
    def name(self) -> str:
        return started_with(self.service)


def started_with(service: str) -> str:
    """The name of the ConfigMap and the Secret that the sidecars of a Service start with."""
    return f"pointsman-sidecar-{service.partition('/')[2]}"


def pod_of(document: Mapping[str, Any]) -> tuple[Json, Json] | None:
    """Metadata and spec of the Pods of a manifest, in place; None where it has none."""
    found: Any = document
    path = {"Pod": (), "CronJob": ("spec", "jobTemplate", "spec", "template")}.get(document.get("kind", ""), ("spec", "template"))
    if document.get("kind") not in WORKLOADS:
        return None
    for name in path:
        found = found.get(name)
        if not isinstance(found, dict):
            return None
    if not isinstance(found.get("spec"), dict):
        return None
    return found.setdefault("metadata", {}), found["spec"]


def spared(metadata: Mapping[str, Any]) -> bool:
    return (metadata.get("annotations") or {}).get(SPARED) == "false"


def on_node(spec: Mapping[str, Any]) -> bool:
    """Whether its network is that of its node: what its kernel is told would hold for all of it."""
    return bool(spec.get("hostNetwork"))


def injected(document: Mapping[str, Any], beside: Beside) -> Json:
    """The manifest with the sidecar in it, in the place of one that was there. What has no Pods is given back as it is."""
    made = deepcopy(dict(document))
    if found := pod_of(made):
        metadata, spec = found
        metadata["annotations"] = {**(metadata.get("annotations") or {}), ANNOTATION: beside.service}
        metadata["labels"] = {**(metadata.get("labels") or {}), ANNOTATION: beside.service.partition("/")[2]}
        if beside.told:
            metadata["annotations"]["pointsman.io/started-with"] = beside.told
        others = [one for one in spec.get("initContainers") or [] if one["name"] not in (INTERCEPT, SIDECAR)]
        spec["initContainers"] = [_intercept(beside), _sidecar(beside), *others]
        spec["volumes"] = [*(one for one in spec.get("volumes") or [] if one["name"] not in VOLUMES), *_volumes(beside)]
    return made


def _intercept(beside: Beside) -> Json:
    return {
        "name": INTERCEPT,
        "image": beside.image,
        "command": ["pointsman", "intercept", "--apply", *map(str, beside.ports)],
        "securityContext": deepcopy(_RIGHTS),
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
    }


def _sidecar(beside: Beside) -> Json:
    group = inbound.group(beside.service)
    return {
        "name": SIDECAR,
        "image": beside.image,
        "restartPolicy": "Always",
        "command": ["envoy"],
        "args": [
            "--config-path", f"{HOME}/bootstrap.json", "--service-node", f"{group}/$(POD_NAME)", "--service-cluster", group,
            "--log-level", "warning", "--disable-hot-restart", "--concurrency", "1",
        ],
        "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "securityContext": deepcopy(_RIGHTS),
        "resources": {"requests": {"cpu": "50m", "memory": "96Mi"}},
        "volumeMounts": [
            {"name": VOLUMES[0], "mountPath": HOME, "readOnly": True},
            {"name": VOLUMES[1], "mountPath": "/tmp"},  # noqa: S108 - in a container, and nobody else's
        ],
    }  # fmt: skip


def _volumes(beside: Beside) -> Sequence[Json]:
    sources = [{"configMap": {"name": beside.name}}, {"secret": {"name": beside.name}}]
    return [{"name": VOLUMES[0], "projected": {"sources": sources}}, {"name": VOLUMES[1], "emptyDir": {}}]


def companions(service: str, files: Mapping[str, str], secret: Mapping[str, str] | None) -> list[Json]:
    """What it starts with: a ConfigMap, and a Secret with who it is where that is given, in base 64."""
    namespace = service.partition("/")[0]
    metadata = {"name": started_with(service), "namespace": namespace, "labels": dict(OWNER)}
    made: list[Json] = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(files)}]
    if secret is not None:
        made.append(
            {"apiVersion": "v1", "kind": "Secret", "metadata": deepcopy(metadata), "type": "kubernetes.io/tls", "data": dict(secret)}
        )
    return made


def digest(files: Mapping[str, str]) -> str:
    """Of what it starts with: Pods that start with something else are others."""
    return blake2b("\0".join(f"{name}\0{text}" for name, text in sorted(files.items())).encode(), digest_size=8).hexdigest()


# Whose sidecar -----------------------------------------------------------------------------------------------------------


def services(document: Mapping[str, Any], found: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The Services that select the Pods of a manifest, of its own namespace."""
    pod = pod_of(document)
    labels = ((pod[0].get("labels") or {}) if pod else {}).items()
    return [
        one
        for one in found
        if (selector := (one.get("spec") or {}).get("selector"))
        and selector.items() <= labels
        and one["metadata"].get("namespace", "default") == document["metadata"].get("namespace", "default")
    ]


def ports(document: Mapping[str, Any], service: Mapping[str, Any]) -> tuple[int, ...]:
    """The numbers that the workload listens on behind a Service: names are those of its containers' ports."""
    found = service["spec"].get("ports") or []
    return numbers(document, [port.get("targetPort", port["port"]) for port in found if port.get("protocol", "TCP") == "TCP"])


def numbers(document: Mapping[str, Any], wanted: Iterable[int | str]) -> tuple[int, ...]:
    """Of ports by number or by name. What no container has by that name is left out."""
    pod = pod_of(document)
    containers = pod[1].get("containers") or [] if pod else []
    named = {port["name"]: port["containerPort"] for one in containers for port in one.get("ports") or [] if "name" in port}
    found = [named.get(one) if isinstance(one, str) else one for one in wanted]
    return tuple(sorted({one for one in found if one}))
