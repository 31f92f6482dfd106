"""The kinds of Kubernetes itself, described as a CRD would: it has none for them. Only what we read is judged.

Source: Kubernetes API v1 and discovery.k8s.io/v1. One departure, on purpose: an API server refuses loopback and link-local
addresses in an EndpointSlice; from files they are welcome, as the backends of a laptop are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

ANY: Schema = {"x-kubernetes-preserve-unknown-fields": True}
TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "integer"}
TEXTS: Schema = {"type": "array", "items": TEXT}
PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}
PORT_NAME: Schema = {"type": "string", "maxLength": 63, "pattern": "^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$"}
PROTOCOL: Schema = {"type": "string", "enum": ["TCP", "UDP", "SCTP"], "default": "TCP"}


def _object(*required: str, **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


def _list(items: Schema, *keys: str, **more: Any) -> Schema:
    told = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)} if keys else {}
    return {"type": "array", "items": items, **told, **more}


def _rule(rule: str, message: str) -> dict[str, str]:
    return {"rule": rule, "message": message}


SERVICE_PORT = _object(
    "port",
    name=PORT_NAME,
    port=PORT,
    protocol=PROTOCOL,
    appProtocol=TEXT,
    nodePort=NUMBER,
    targetPort={"x-kubernetes-int-or-string": True},
)
SERVICE_SPEC: Schema = {
    **_object(
        type={"type": "string", "enum": ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"], "default": "ClusterIP"},
        ports=_list(SERVICE_PORT, "port", "protocol"),
        clusterIP=TEXT,
        externalName={"type": "string", "maxLength": 253},
        **dict.fromkeys(("clusterIPs", "externalIPs", "ipFamilies", "loadBalancerSourceRanges"), TEXTS),
        **dict.fromkeys(("externalTrafficPolicy", "internalTrafficPolicy", "ipFamilyPolicy", "loadBalancerClass", "loadBalancerIP"), TEXT),
        **dict.fromkeys(("sessionAffinity", "trafficDistribution"), TEXT),
        **dict.fromkeys(("allocateLoadBalancerNodePorts", "publishNotReadyAddresses"), FLAG),
        healthCheckNodePort=NUMBER,
        selector={"type": "object", "additionalProperties": TEXT},
        sessionAffinityConfig=ANY,
    ),
    "x-kubernetes-validations": [
        _rule(
            "self.type != 'ExternalName' || (has(self.externalName) && self.externalName != '')", "externalName is required by this type"
        ),
        _rule(
            "self.type == 'ExternalName' || (has(self.clusterIP) && self.clusterIP == 'None') || (has(self.ports) && size(self.ports) > 0)",
            "ports are required",
        ),
        _rule(
            "!has(self.ports) || size(self.ports) < 2 || "
            "self.ports.all(p, has(p.name) && p.name != '' && self.ports.exists_one(q, has(q.name) && q.name == p.name))",
            "where there are several ports, each has a name of its own",
        ),
    ],
}
ENDPOINT = _object(
    "addresses",
    addresses=_list(TEXT, minItems=1, maxItems=100),
    conditions=_object(ready=FLAG, serving=FLAG, terminating=FLAG),
    deprecatedTopology=ANY,
    hints=ANY,
    hostname=TEXT,
    nodeName=TEXT,
    targetRef=ANY,
    zone=TEXT,
)
SLICE: Schema = {
    **_object(
        "addressType",
        addressType={"type": "string", "enum": ["IPv4", "IPv6", "FQDN"]},
        endpoints=_list(ENDPOINT, maxItems=1000),
        ports=_list(_object(name={**PORT_NAME, "default": ""}, port=PORT, protocol=PROTOCOL, appProtocol=TEXT), maxItems=100),
    ),
    "x-kubernetes-validations": [
        _rule(
            "self.addressType == 'FQDN' || !has(self.endpoints) || "
            "self.endpoints.all(e, e.addresses.all(a, isIP(a) && a.contains(':') == (self.addressType == 'IPv6')))",
            "addresses must be IP addresses of the family that addressType names",
        )
    ],
}
CONFIG_MAP = _object(
    data={"type": "object", "additionalProperties": TEXT},
    binaryData={"type": "object", "additionalProperties": TEXT},
    immutable=FLAG,
)
SECRET = _object(
    data={"type": "object", "additionalProperties": TEXT},
    stringData={"type": "object", "additionalProperties": TEXT},
    type={"type": "string", "default": "Opaque"},
    immutable=FLAG,
)


def _kind(kind: str, schema: Schema, *, group: str = "", scope: str = "Namespaced") -> Schema:
    return {
        "spec": {
            "group": group,
            "names": {"kind": kind},
            "scope": scope,
            "versions": [{"name": "v1", "served": True, "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}}}],
        }
    }


DEFINITIONS: tuple[Schema, ...] = (
    _kind("Namespace", _object(spec=ANY), scope="Cluster"),
    _kind("Service", _object(spec=SERVICE_SPEC)),
    _kind("ConfigMap", CONFIG_MAP),
    _kind("EndpointSlice", SLICE, group="discovery.k8s.io"),
    _kind("Secret", SECRET),
)
SHORT_NAMES = frozenset({"Namespace", "Service"})  # named by a DNS label
SECRETS = frozenset({"Secret"})

# Known, and of no concern here: they pass without a word.
UNREAD = frozenset(
    """
    APIService ClusterRole ClusterRoleBinding ControllerRevision CronJob CustomResourceDefinition DaemonSet Deployment
    Endpoints Event HorizontalPodAutoscaler Ingress IngressClass Job Kustomization Lease LimitRange MutatingWebhookConfiguration
    NetworkPolicy Node PersistentVolume PersistentVolumeClaim Pod PodDisruptionBudget PodTemplate PriorityClass ReplicaSet
    ReplicationController ResourceQuota Role RoleBinding ServiceAccount ServiceMonitor StatefulSet StorageClass
    ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration VirtualService VolumeAttachment
    """.split()
)
OF_CLUSTERS = "signadot.com"  # a group whose objects mean something beside those of their cluster alone
UNSERVED = frozenset(
    """
    XBackend XListenerSet XMesh
    """.split()
)
