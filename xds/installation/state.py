"""What objects of a cluster say of themselves: conditions, Pods that do not run, Deployments that are not there yet. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from translator.gatewayapi.conditions import CONTROLLER
from xds.installation.manifests import Json

BUNDLE = "gateway.networking.k8s.io/bundle-version"


def name_of(one: Mapping[str, Any]) -> str:
    """`namespace/name`."""
    metadata = one["metadata"]
    return "/".join(filter(None, (metadata.get("namespace", ""), metadata["name"])))


def condition(of: Json | None, kind: str) -> Json:
    """A condition of an object, as far as it speaks of its newest generation; else an empty one."""
    found: list[Json] = ((of or {}).get("status") or {}).get("conditions") or []
    said = next((one for one in found if one["type"] == kind), {})
    generation = (of or {}).get("metadata", {}).get("generation", 0)
    return said if said.get("observedGeneration", generation) >= generation else {}


def holds(of: Json | None, kind: str) -> bool:
    return bool(condition(of, kind).get("status") == "True")


def ours(gateway_class: Json) -> bool:
    return bool(gateway_class["spec"]["controllerName"] == CONTROLLER)


def unavailable(deployment: Json) -> str:
    """Why it is not as it was declared, or nothing."""
    wanted, status = deployment["spec"].get("replicas", 1), deployment.get("status") or {}
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
        return "the Deployment has not been looked at yet"
    ready = min(status.get("updatedReplicas", 0), status.get("availableReplicas", 0))
    return "" if ready >= wanted else f"{ready} of {wanted} Pods are ready"


def trouble(pod: Json) -> str:
    """Why a Pod is not ready, as precisely as it is told; nothing where it is."""
    status: Json = pod.get("status") or {}
    if holds(pod, "Ready"):
        return ""
    for one in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        state: Json = one.get("state") or {}
        if waiting := state.get("waiting"):
            last = (one.get("lastState") or {}).get("terminated")
            return _joined(waiting.get("reason", "Waiting"), waiting.get("message") or (_ended(last) if last else ""))
        if state.get("terminated"):
            return _ended(state["terminated"])
    for kind in ("PodScheduled", "ContainersReady", "Ready"):
        said = next((one for one in status.get("conditions") or [] if one["type"] == kind and one["status"] != "True"), None)
        if said and said.get("message"):
            return _joined(said.get("reason", ""), said["message"])
    return str(status.get("phase", "Unknown"))


def _ended(terminated: Json) -> str:
    return _joined(f"ended with {terminated.get('exitCode', '?')}", terminated.get("message") or terminated.get("reason") or "")


def _joined(reason: str, message: str) -> str:
    return ": ".join(filter(None, (reason, " ".join(message.split())[-300:])))


def endpoints(slices: Iterable[Json]) -> int:
    """How many are ready."""
    return sum(1 for one in slices for each in one.get("endpoints") or [] if (each.get("conditions") or {}).get("ready", True))


def bundle(definition: Mapping[str, Any]) -> str:
    """The version of the Gateway API that it belongs to, or nothing."""
    return str((definition["metadata"].get("annotations") or {}).get(BUNDLE, ""))


def version_of(text: str) -> tuple[int, ...]:
    """`v1.6.1` as numbers; a release candidate comes before its release."""
    found = re.match(r"v?(\d+)\.(\d+)\.?(\d*)(-?)", text)
    return (*(int(part or 0) for part in found.groups()[:3]), 0 if found[4] else 1) if found else ()


def is_newer(there: Mapping[str, Any], shipped: Mapping[str, Any]) -> bool:
    """Whether a definition in the cluster is of a newer Gateway API than ours: then it is not ours to replace."""
    return bool(bundle(there)) and version_of(bundle(there)) > version_of(bundle(shipped))
