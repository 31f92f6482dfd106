"""Objects written as YAML, decoded without the door: for tests of what comes behind it."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec
import yaml

from translator.door.kinds import OWN
from translator.inputs import OBJECTS
from translator.resources.backendtlspolicy import BackendTLSPolicy
from translator.resources.backendtrafficpolicy import XBackendTrafficPolicy
from translator.resources.core import ConfigMap, EndpointSlice, Namespace, Secret, Service
from translator.resources.gateway import Gateway, GatewayClass, ReferenceGrant
from translator.resources.grpcroute import GRPCRoute
from translator.resources.httproute import HTTPRoute
from translator.resources.listenerset import ListenerSet
from translator.resources.meta import Object
from translator.resources.streamroute import TCPRoute, TLSRoute, UDPRoute

KINDS: dict[str, type[Object]] = {
    kind.__name__: kind
    for kind in (
        BackendTLSPolicy,
        XBackendTrafficPolicy,
        ConfigMap,
        EndpointSlice,
        Gateway,
        GatewayClass,
        GRPCRoute,
        HTTPRoute,
        ListenerSet,
        Namespace,
        ReferenceGrant,
        Secret,
        Service,
        TCPRoute,
        TLSRoute,
        UDPRoute,
    )
}
METADATA = ("name", "namespace", "creationTimestamp", "generation", "labels", "annotations")
CLUSTER_SCOPED = ("GatewayClass", "Namespace")


def decoded(document: dict[str, Any]) -> Object:
    kind = document["kind"]
    if kind not in CLUSTER_SCOPED:
        document["metadata"].setdefault("namespace", "default")
    if kind in OWN:
        metadata = {name: value for name, value in document["metadata"].items() if name in METADATA}
        return OWN[kind]()(metadata, document)
    return msgspec.convert(document, KINDS[kind])


def objects(text: str) -> list[Object]:
    return [decoded(document) for document in yaml.safe_load_all(text) if document]


def changes(found: list[Object]) -> list[tuple[Any, str, Object]]:
    return [(OBJECTS[type(one).__name__], one.key, one) for one in found]


def secret_data(**values: bytes) -> dict[str, str]:
    return {name.replace("_", "."): b64encode(value).decode() for name, value in values.items()}
