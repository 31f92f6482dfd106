"""The status of a Pod, as a kubelet writes it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.kube.cluster.node.api import Json

if TYPE_CHECKING:
    from tests.kube.cluster.node.container import Container
    from tests.kube.cluster.node.pod import Pod


def status(pod: Pod, phase: str, message: str) -> Json:
    ready = bool(pod.containers) and all(one.ready for one in pod.containers)
    finished = phase in ("Succeeded", "Failed")
    facts = {"PodScheduled": True, "Initialized": True, "ContainersReady": ready and not finished, "Ready": ready and not finished}
    return {
        "phase": phase,
        "message": message or None,
        "conditions": [_condition(pod, name, holds=holds) for name, holds in facts.items()],
        "containerStatuses": [_container(one) for one in pod.containers],
        "hostIP": pod.node.address,
        "hostIPs": [{"ip": pod.node.address}],
        "podIP": pod.address,
        "podIPs": [{"ip": pod.address}],
        "startTime": pod.document["metadata"]["creationTimestamp"],
    }


def _condition(pod: Pod, name: str, *, holds: bool) -> Json:
    was, since = pod.since.get(name, (not holds, ""))
    if was != holds:
        since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        pod.since[name] = (holds, since)
    return {"type": name, "status": "True" if holds else "False", "lastTransitionTime": since}


def _container(one: Container) -> Json:
    if one.process is None:
        state: Json = {"waiting": {"reason": "ContainerCreating"}}
    elif one.running:
        state = {"running": {"startedAt": one.started}}
    else:
        state = {"terminated": {"exitCode": one.exit, "reason": "Error" if one.exit else "Completed", "startedAt": one.started}}
    return {
        "name": one.name,
        "image": one.spec["image"],
        "imageID": one.spec["image"],
        "ready": one.ready,
        "started": one.running,
        "restartCount": one.restarts,
        "state": state,
    }
