"""The Pod of a data plane: Envoy as it is started and ended, and what it may do and use.

Pods fit the restricted Pod Security Standard; proxies listen on the ports of their Gateway, for which a Pod may be told that low
ports need no privilege (`net.ipv4.ip_unprivileged_port_start`, a safe sysctl). What else is said of Pods comes from the plane.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translator.ir.plane import Plane

Json = dict[str, Any]
HOME = "/etc/pointsman"  # what a proxy is told, and who it is
TMP = "/tmp"  # noqa: S108 - in a container, and nobody else's
USER = 65532
READY_PORT = 19003
GRACE = 60  # seconds from the request to end to the end
DRAIN = (5, 45)  # seconds that a proxy goes on at least, so that everybody hears of it; and at most, while requests are open
READY: Json = {"httpGet": {"path": "/ready", "port": READY_PORT}, "periodSeconds": 1, "failureThreshold": 2}


def pod(plane: Plane, image: str, found_by: Mapping[str, str]) -> Json:
    """A PodSpec. `image` is for planes that name none; `found_by` are the labels of the Pods of this plane alone."""
    return {
        "serviceAccountName": plane.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
            "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
        },
        **_placed(plane, found_by),
        "containers": [_container(plane, image)],
        "volumes": [
            {"name": "home", "projected": {"sources": [{"configMap": {"name": plane.name}}, {"secret": {"name": plane.name}}]}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }


def _placed(plane: Plane, found_by: Mapping[str, str]) -> Json:
    """Where it may run, and before whom."""
    terms = plane.run.pod
    said: Json = {
        "nodeSelector": dict(terms.node_selector),
        "tolerations": list(terms.tolerations),
        "affinity": terms.affinity,
        "topologySpreadConstraints": [{**one, "labelSelector": {"matchLabels": dict(found_by)}} for one in terms.spread],
        "priorityClassName": terms.priority_class,
        "imagePullSecrets": [{"name": one} for one in terms.pull_secrets],
    }
    return {name: value for name, value in said.items() if value}


def _arguments(plane: Plane) -> list[str]:
    run = plane.run
    node = ["--service-node", f"{plane.group}/$(POD_NAME)", "--service-cluster", plane.group]
    quiet = ["--log-level", run.log_level, "--disable-hot-restart", "--drain-time-s", str(DRAIN[1])]
    threads = ["--concurrency", str(run.concurrency)] if run.concurrency else []
    return ["--config-path", f"{HOME}/bootstrap.json", *node, *quiet, *threads, *run.extra_args]


def _container(plane: Plane, image: str) -> Json:
    least, most = map(str, DRAIN)
    terms = plane.run.pod
    return {
        "name": "envoy",
        "image": plane.run.image or image,
        "command": ["envoy"],
        "args": _arguments(plane),
        "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "ports": [{"name": "ready", "containerPort": READY_PORT, "protocol": "TCP"}],  # those of listeners come and go without it
        "readinessProbe": READY,
        "lifecycle": {"preStop": {"exec": {"command": ["pointsman", "drain", "--least", least, "--most", most]}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {"requests": dict(terms.requests), **({"limits": dict(terms.limits)} if terms.limits else {})},
        "volumeMounts": [{"name": "home", "mountPath": HOME, "readOnly": True}, {"name": "tmp", "mountPath": TMP}],
    }
