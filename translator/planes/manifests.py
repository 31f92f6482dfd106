"""The objects of one data plane, as they are to be applied: accounts, proxies, the way to them, and how many there are.

What may not stand here: what proxies serve (that comes over ADS), what is secret, and the Pod itself (`pods.py`). Names are those
of GEP-1762; a data plane that all Gateways of a class share is called `CLASS-shared`, and owned by the class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from translator.ir.plane import CLASS, WAYS, Pairs, Plane, PlanePort
from translator.planes.pods import READY_PORT, pod

Json = dict[str, Any]
LABEL = "gateway.networking.k8s.io/gateway-name"
CLASS_LABEL = "gateway.networking.k8s.io/gateway-class-name"
NAMESPACE_LABEL = "pointsman.io/gateway-namespace"  # of the Service of a Gateway that shares its proxies, which stands beside these
SHARED_LABEL = "pointsman.io/shared"  # of what serves all Gateways of a class, so that it is told apart from what serves one
OWNER = {"app.kubernetes.io/managed-by": "pointsman"}  # what we may remove
KINDS = {  # kind → API, plural
    "ServiceAccount": ("v1", "serviceaccounts"),
    "ConfigMap": ("v1", "configmaps"),
    "Secret": ("v1", "secrets"),
    "Service": ("v1", "services"),
    "Deployment": ("apps/v1", "deployments"),
    "DaemonSet": ("apps/v1", "daemonsets"),
    "PodDisruptionBudget": ("policy/v1", "poddisruptionbudgets"),
    "HorizontalPodAutoscaler": ("autoscaling/v2", "horizontalpodautoscalers"),
}
SOMETIMES = ("Deployment", "DaemonSet", "HorizontalPodAutoscaler")  # what a data plane has or has not


@dataclass(frozen=True)
class Terms:
    """What all data planes have alike, where nothing else is said of one."""

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
    """All but the Secret. `uid` is that of the owner; `files` are what its proxies read when they start. A Gateway that shares its
    proxies has a Service, and nothing else of its own.
    """
    if plane.via:
        return (Made("Service", _made(plane, uid, "Service", {"spec": _service(plane)}, plane.run.way.annotations)),)
    documents = [
        _made(plane, uid, "ServiceAccount", {"automountServiceAccountToken": False}),
        _made(plane, uid, "ConfigMap", {"data": dict(files)}),
        _made(plane, uid, "Service", {"spec": INSIDE | {"selector": selector(plane)}})
        if plane.ways
        else _made(plane, uid, "Service", {"spec": _service(plane)}, plane.run.way.annotations),
        _made(plane, uid, "PodDisruptionBudget", {"spec": _budget(plane)}),
        _made(plane, uid, workload(plane), {"spec": _proxies(plane, files, terms)}),
    ]
    if plane.run.scaling and not plane.run.daemons:
        documents.append(_made(plane, uid, "HorizontalPodAutoscaler", {"spec": _scaling(plane)}))
    return tuple(Made(one["kind"], one) for one in documents)


def secret(plane: Plane, uid: str, data: Mapping[str, str]) -> Made:
    """Who its proxies are: `data` as an API server wants it, in base 64."""
    return Made("Secret", _made(plane, uid, "Secret", {"type": "kubernetes.io/tls", "data": dict(data)}))


def selector(plane: Plane) -> dict[str, str]:
    """By what the Pods of this plane are found, and no others."""
    return _selector("" if plane.via else plane.gateway, plane.gateway_class)


def _selector(gateway: str, gateway_class: str) -> dict[str, str]:
    return {LABEL: gateway, CLASS_LABEL: gateway_class} if gateway else {SHARED_LABEL: "true", CLASS_LABEL: gateway_class}


def leftovers(group: str, home: str) -> list[tuple[str, dict[str, str]]]:
    """Where the objects of a group may be that declares nothing any more, and by which labels they are found."""
    if group.startswith(CLASS):
        return [(home, {**OWNER, **_selector("", group.removeprefix(CLASS))})]
    namespace, _, gateway = group.partition("/")
    return [(namespace, {**OWNER, LABEL: gateway}), (home, {**OWNER, LABEL: gateway, NAMESPACE_LABEL: namespace})]


def group_of(namespace: str, labels: Mapping[str, str]) -> str:
    """The group that an object of ours serves, by its labels; nothing where it is none of a data plane."""
    if labels.get("app.kubernetes.io/managed-by") != "pointsman":
        return ""
    if labels.get(SHARED_LABEL) == "true":
        return f"{CLASS}{labels.get(CLASS_LABEL, '')}"
    return f"{labels.get(NAMESPACE_LABEL, namespace)}/{labels[LABEL]}" if LABEL in labels else ""


def owner(plane: Plane) -> tuple[str, str]:
    """Kind and name."""
    return ("GatewayClass", plane.gateway_class) if plane.shared or plane.via else ("Gateway", plane.gateway)


def _made(plane: Plane, uid: str, kind: str, rest: Json, annotations: Pairs = ()) -> Json:
    metadata: Json = {"name": plane.name, "namespace": plane.namespace, "labels": _labels(plane)}
    if said := {**dict(plane.annotations), **dict(annotations)}:
        metadata["annotations"] = said
    of, name = owner(plane)
    metadata["ownerReferences"] = [
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": of,
            "name": name,
            "uid": uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
    return {"apiVersion": KINDS[kind][0], "kind": kind, "metadata": metadata, **rest}


def _labels(plane: Plane, more: Pairs = ()) -> dict[str, str]:
    """What the Gateway says first: what things are found by is ours."""
    ours = {LABEL: plane.gateway, CLASS_LABEL: plane.gateway_class, NAMESPACE_LABEL: plane.group.partition("/")[0]}
    found_by = ours if plane.via else {**selector(plane), **({WAYS: "true"} if plane.ways else {})}
    return {**dict(plane.labels), **dict(more), **OWNER, **found_by}


INSIDE: Json = {  # of shared proxies whose Gateways have Services of their own: says that it is so, and where their statistics are
    "type": "ClusterIP",
    "ports": [{"name": "ready", "port": READY_PORT, "protocol": "TCP", "targetPort": READY_PORT}],
}


# The way in ------------------------------------------------------------------------------------------------------------


def _service(plane: Plane) -> Json:
    """An address is asked of the load balancer. Where there is none, nodes take what comes for it; that they would is no sign that
    anything comes, so with a load balancer they do not.
    """
    way = plane.run.way
    said: Json = {
        "externalTrafficPolicy": way.traffic_policy if way.type != "ClusterIP" else "",
        "loadBalancerClass": way.balancer_class if way.type == "LoadBalancer" else "",
        "loadBalancerSourceRanges": list(way.sources) if way.type == "LoadBalancer" else [],
        "loadBalancerIP": plane.addresses[0] if plane.addresses and way.type == "LoadBalancer" else "",
        "externalIPs": list(plane.addresses) if way.type != "LoadBalancer" else [],
    }
    spec = {"type": way.type, "selector": selector(plane), "ports": [_port(one) for one in plane.ports]}
    return spec | {name: value for name, value in said.items() if value}


def _port(port: PlanePort) -> Json:
    name, protocol = f"{port.transport}-{port.number}", port.transport.upper()
    return {"name": name, "port": port.number, "protocol": protocol, "targetPort": port.bound or port.number}


# The proxies -----------------------------------------------------------------------------------------------------------


def workload(plane: Plane) -> str:
    return "DaemonSet" if plane.run.daemons else "Deployment"


def _proxies(plane: Plane, files: Mapping[str, str], terms: Terms) -> Json:
    """A new proxy is there before an old one goes. With an autoscaler the count is not ours to say."""
    told = blake2b("\0".join(f"{name}\0{text}" for name, text in sorted(files.items())).encode(), digest_size=8).hexdigest()
    own = plane.run.pod
    annotations = {**dict(plane.annotations), **dict(own.annotations), "pointsman.io/started-with": told}  # others start with others
    found_by = selector(plane)
    template = {
        "metadata": {"labels": _labels(plane, own.labels), "annotations": annotations},
        "spec": pod(plane, terms.image, found_by),
    }
    update = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    if plane.run.daemons:
        return {"selector": {"matchLabels": found_by}, "updateStrategy": update, "template": template}
    replicas = terms.replicas if plane.run.replicas is None else plane.run.replicas
    counted = {} if plane.run.scaling else {"replicas": replicas}
    return {**counted, "selector": {"matchLabels": found_by}, "strategy": update, "template": template}


def _budget(plane: Plane) -> Json:
    run = plane.run
    if run.min_available is not None:
        return {"minAvailable": run.min_available, "selector": {"matchLabels": selector(plane)}}
    away = 1 if run.max_unavailable is None else run.max_unavailable
    return {"maxUnavailable": away, "selector": {"matchLabels": selector(plane)}}


def _scaling(plane: Plane) -> Json:
    scaling = plane.run.scaling
    assert scaling  # noqa: S101 - who asks for it has looked
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": scaling.cpu}}
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": plane.name},
        "minReplicas": scaling.least,
        "maxReplicas": scaling.most,
        "metrics": [{"type": "Resource", "resource": cpu}],
    }
