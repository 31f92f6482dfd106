"""The objects of one data plane, as they are to be applied: accounts, proxies, the way to them, and how they start.

What may not stand here: what proxies serve (that comes over ADS) and what is secret. Names are those of GEP-1762. Pods fit the
restricted Pod Security Standard; proxies listen on the ports of their Gateway, for which a Pod may be told that low ports
need no privilege (`net.ipv4.ip_unprivileged_port_start`, a safe sysctl).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from translator.ir.plane import Plane, PlanePort

Json = dict[str, Any]
LABEL = "gateway.networking.k8s.io/gateway-name"
CLASS_LABEL = "gateway.networking.k8s.io/gateway-class-name"
OWNER = {"app.kubernetes.io/managed-by": "pointsman"}  # what we may remove
KINDS = {  # kind → API, plural
    "ServiceAccount": ("v1", "serviceaccounts"),
    "ConfigMap": ("v1", "configmaps"),
    "Secret": ("v1", "secrets"),
    "Service": ("v1", "services"),
    "Deployment": ("apps/v1", "deployments"),
    "PodDisruptionBudget": ("policy/v1", "poddisruptionbudgets"),
}
HOME = "/etc/pointsman"  # what a proxy is told, and who it is
TMP = "/tmp"  # noqa: S108 - in a container, and nobody else's
USER = 65532
READY_PORT = 19003
GRACE = 60  # seconds from the request to end to the end
DRAIN = (5, 45)  # seconds that a proxy goes on at least, so that everybody hears of it; and at most, while requests are open
READY: Json = {"httpGet": {"path": "/ready", "port": READY_PORT}, "periodSeconds": 1, "failureThreshold": 2}


@dataclass(frozen=True)
class Terms:
    """What all data planes have alike."""

    image: str
    replicas: int = 1


@dataclass(frozen=True)
class Made:
    """An object, and what it is known by."""

    kind: str
    document: Json

    @property
    def path(self) -> str:
        """Of the object at an API server."""
        metadata = self.document["metadata"]
        return f"{collection(self.kind, metadata['namespace'])}/{metadata['name']}"


def collection(kind: str, namespace: str) -> str:
    version, plural = KINDS[kind]
    return f"/{'apis' if '/' in version else 'api'}/{version}/namespaces/{namespace}/{plural}"


def objects(plane: Plane, uid: str, files: Mapping[str, str], terms: Terms) -> tuple[Made, ...]:
    """All but the Secret. `uid` is that of the Gateway, which owns them; `files` are what its proxies read when they start."""
    documents = (
        _made(plane, uid, "ServiceAccount", {"automountServiceAccountToken": False}),
        _made(plane, uid, "ConfigMap", {"data": dict(files)}),
        _made(plane, uid, "Service", {"spec": _service(plane)}),
        _made(plane, uid, "PodDisruptionBudget", {"spec": {"maxUnavailable": 1, "selector": {"matchLabels": selector(plane)}}}),
        _made(plane, uid, "Deployment", {"spec": _deployment(plane, files, terms)}),
    )
    return tuple(Made(one["kind"], one) for one in documents)


def secret(plane: Plane, uid: str, data: Mapping[str, str]) -> Made:
    """Who its proxies are: `data` as an API server wants it, in base 64."""
    return Made("Secret", _made(plane, uid, "Secret", {"type": "kubernetes.io/tls", "data": dict(data)}))


def selector(plane: Plane) -> dict[str, str]:
    return {LABEL: plane.gateway.partition("/")[2], CLASS_LABEL: plane.gateway_class}


def _made(plane: Plane, uid: str, kind: str, rest: Json) -> Json:
    metadata: Json = {"name": plane.name, "namespace": plane.namespace, "labels": _labels(plane)}
    if plane.annotations:
        metadata["annotations"] = dict(plane.annotations)
    metadata["ownerReferences"] = [
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "name": plane.gateway.partition("/")[2],
            "uid": uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
    return {"apiVersion": KINDS[kind][0], "kind": kind, "metadata": metadata, **rest}


def _labels(plane: Plane) -> dict[str, str]:
    """What the Gateway says first: what things are found by is ours."""
    return {**dict(plane.labels), **OWNER, **selector(plane)}


# The way in ------------------------------------------------------------------------------------------------------------


def _service(plane: Plane) -> Json:
    spec: Json = {"type": "LoadBalancer", "selector": selector(plane), "ports": [_port(one) for one in plane.ports]}
    if plane.addresses:
        spec |= {"loadBalancerIP": plane.addresses[0], "externalIPs": list(plane.addresses)}
    return spec


def _port(port: PlanePort) -> Json:
    name, protocol = f"{port.transport}-{port.number}", port.transport.upper()
    return {"name": name, "port": port.number, "protocol": protocol, "targetPort": port.number}


# The proxies -----------------------------------------------------------------------------------------------------------


def _deployment(plane: Plane, files: Mapping[str, str], terms: Terms) -> Json:
    told = blake2b("\0".join(f"{name}\0{text}" for name, text in sorted(files.items())).encode(), digest_size=8).hexdigest()
    annotations = {**dict(plane.annotations), "pointsman.io/started-with": told}  # others start with others
    return {
        "replicas": terms.replicas,
        "selector": {"matchLabels": selector(plane)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {"metadata": {"labels": _labels(plane), "annotations": annotations}, "spec": _pod(plane, terms)},
    }


def _pod(plane: Plane, terms: Terms) -> Json:
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
        "containers": [_container(plane, terms)],
        "volumes": [
            {"name": "home", "projected": {"sources": [{"configMap": {"name": plane.name}}, {"secret": {"name": plane.name}}]}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }


def _container(plane: Plane, terms: Terms) -> Json:
    node = ["--service-node", f"{plane.gateway}/$(POD_NAME)", "--service-cluster", plane.gateway]
    quiet = ["--log-level", "warning", "--disable-hot-restart", "--drain-time-s", str(DRAIN[1])]
    least, most = map(str, DRAIN)
    return {
        "name": "envoy",
        "image": terms.image,
        "command": ["envoy"],
        "args": ["--config-path", f"{HOME}/bootstrap.json", *node, *quiet],
        "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "ports": [
            *(
                {"name": f"{one.transport}-{one.number}", "containerPort": one.number, "protocol": one.transport.upper()}
                for one in plane.ports
            ),
            {"name": "ready", "containerPort": READY_PORT, "protocol": "TCP"},
        ],
        "readinessProbe": READY,
        "lifecycle": {"preStop": {"exec": {"command": ["pointsman", "drain", "--least", least, "--most", most]}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
        "volumeMounts": [{"name": "home", "mountPath": HOME, "readOnly": True}, {"name": "tmp", "mountPath": TMP}],
    }
