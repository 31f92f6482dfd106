"""CustomResourceDefinitions of our own kinds, made from the dataclasses that decode them: one truth. Writes no file.

Pydantic's JSON Schema is not what Kubernetes calls structural: it refers instead of repeating, says null by `anyOf`, gives
titles, and can say things that have no place there. What has no form here raises, so that no CRD is silently wider than
its dataclass. Source: Kubernetes, "Extend the Kubernetes API with CustomResourceDefinitions", structural schemas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from translator.resources.backend import BackendSpec
from translator.resources.envoyproxy import EnvoyProxySpec
from translator.resources.localworkload import LocalWorkloadSpec
from translator.resources.sandbox import RouteGroupSpec, SandboxSpec

GROUP = "pointsman.io"
EXAMPLE = "sandbox.example.com"  # of the project whose kinds our Sandboxes began as
ELSEWHERE = ("Sandbox", "RouteGroup", "LocalWorkload")  # kinds that another group may have
Schema = dict[str, Any]
DROPPED = frozenset({"title", "$defs"})  # of a schema; a property may well be called title
COPIED = frozenset({"type", "description", "default", "enum", "pattern", "format", "required", "minimum", "maximum",
                    "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"})  # fmt: skip


# What a field means wherever it stands, unless its dataclass says more
USUAL = {"name": "The name of the object.", "kind": "The kind of the object.", "namespace": "The namespace of the object."}


class NotStructuralError(Exception):
    """A dataclass asks for what a structural schema cannot say. A bug, found when the CRDs are made."""


@dataclass(frozen=True, slots=True)
class OwnKind:
    """A kind of ours: `columns` are what `kubectl get` prints, a name and a JSON path each. One that is only referred to has no
    status: it is told by the object that refers to it.
    """

    kind: str
    plural: str
    short: str
    description: str
    spec: type
    columns: tuple[tuple[str, str], ...] = ()
    phases: tuple[str, ...] = ()
    reports: bool = True
    said: Mapping[str, Any] = field(default_factory=dict)  # fields of the status beside phase and conditions
    version: str = "v1alpha1"


TEXT: Schema = {"type": "string"}
SERVICES: Schema = {
    "type": "array",
    "maxItems": 64,  # of `translator/sandbox/forks.py` as well
    "description": "What answers for each service: the endpoint, or the baseline while it is Pending.",
    "items": {
        "type": "object",
        "properties": {
            "name": {**TEXT, "description": "The Service."},
            "status": {**TEXT, "description": "Whether the fork answers."},
            "endpoint": {**TEXT, "description": "What answers."},
            "message": {**TEXT, "description": "Why the baseline does."},
        },
        "required": ["name", "status"],
    },
}
LINKS: Schema = {
    "type": "array",
    "maxItems": 64,
    "description": "Endpoints that lead to a Service.",
    "items": {
        "type": "object",
        "properties": {
            "name": {**TEXT, "description": "That of the endpoint."},
            "url": {**TEXT, "description": "Where it is served."},
            "message": {**TEXT, "description": "Why it is not served, or not whole."},
        },
        "required": ["name"],
    },
}
GENERATION: Schema = {"type": "integer", "format": "int64", "description": "Which generation of it this was said of."}
STAMP: Schema = {**TEXT, "format": "date-time"}
CONNECTION: Schema = {
    "type": "object",
    "description": "How it is connected, as the laptop says it.",
    "properties": {
        "tunnelId": {**TEXT, "description": "The name in its certificate."},
        "connectedAt": {**STAMP, "description": "When this connection began."},
        "lastHeartbeat": {**STAMP, "description": "When it was heard last; every 10 s."},
    },
}
OWN_KINDS = (
    OwnKind(
        kind="Backend",
        plural="backends",
        short="pmbe",
        description="Backend is an upstream that is no Service: addresses, names and sockets that routes can refer to.",
        spec=BackendSpec,
        columns=(("Protocol", ".spec.appProtocol"), ("Accepted", '.status.conditions[?(@.type=="Accepted")].status')),
    ),
    OwnKind(
        kind="Sandbox",
        plural="sandboxes",
        short="sb",
        description="Sandbox changes some services of a shared environment for the requests that carry its key.",
        spec=SandboxSpec,
        columns=(("Key", ".status.routingKey"), ("Phase", ".status.phase"), ("Ready", '.status.conditions[?(@.type=="Ready")].status')),
        phases=("Pending", "Running", "Terminating", "Failed"),
        said={"routingKey": {**TEXT, "description": "Its key: its name where it says none."}, "services": SERVICES},
    ),
    OwnKind(
        kind="RouteGroup",
        plural="routegroups",
        short="rg",
        description="RouteGroup says where routing keys are read, and which Sandboxes of its namespace they lead to.",
        spec=RouteGroupSpec,
        said={"observedGeneration": GENERATION, "endpoints": LINKS},
        columns=(("Header", ".spec.routingKeyHeader"), ("Ready", '.status.conditions[?(@.type=="Ready")].status')),
    ),
    OwnKind(
        kind="LocalWorkload",
        plural="localworkloads",
        short="lw",
        description="LocalWorkload is a port of a laptop that answers as a Service in a Sandbox, over a tunnel that the laptop makes.",
        spec=LocalWorkloadSpec,
        columns=(
            ("Sandbox", ".spec.sandboxRef.name"),
            ("Service", ".spec.service.name"),
            ("Key", ".status.routingKey"),
            ("Phase", ".status.phase"),
        ),
        said={"routingKey": {**TEXT, "description": "The key of its Sandbox."}, "connection": CONNECTION},
        phases=("Pending", "Connected", "Disconnected", "Failed"),
    ),
    OwnKind(
        kind="EnvoyProxy",
        plural="envoyproxies",
        short="pmproxy",
        description="EnvoyProxy says how the proxies of a Gateway, or of all Gateways of a GatewayClass, are run in a cluster.",
        spec=EnvoyProxySpec,
        columns=(("Workload", ".spec.workload"), ("Service", ".spec.service.type"), ("Merge", ".spec.mergeGateways")),
        reports=False,
    ),
)


# A time to live as that project has it, a number of seconds, or as we have it. No structural schema can say both.
TTL_ELSEWHERE: Schema = {
    "description": "After which time it is gone by itself: seconds, a duration as 2h, or duration and offsetFrom.",
    "x-kubernetes-preserve-unknown-fields": True,
}


def definitions(group: str = GROUP) -> dict[str, Mapping[str, Any]]:
    """File name → CustomResourceDefinition. In another group there are those of sandboxes alone."""
    kinds = OWN_KINDS if group == GROUP else [own for own in OWN_KINDS if own.kind in ELSEWHERE]
    return {f"{group}_{own.plural}.yaml": _definition(own, group) for own in kinds}


def _definition(own: OwnKind, group: str) -> Schema:
    columns = [{"name": name, "type": "string", "jsonPath": path} for name, path in own.columns]
    age = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
    names = {"kind": own.kind, "listKind": f"{own.kind}List", "plural": own.plural, "singular": own.kind.lower()}
    version = {
        "name": own.version,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [*columns, age],
        "schema": {"openAPIV3Schema": _object(own) if group == GROUP else _of_others(_object(own))},
        **({"subresources": {"status": {}}} if own.reports else {}),
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{own.plural}.{group}"},
        "spec": {
            "group": group,
            "names": {**names, "shortNames": [own.short], "categories": ["pointsman", "gateway-api"]},
            "scope": "Namespaced",
            "versions": [version],
        },
    }


def _of_others(schema: Schema) -> Schema:
    """What is written there without a word of ours is let in (`translator/sandbox/foreign.py`)."""
    spec = schema["properties"]["spec"]
    fields = spec["properties"]
    if "parentRefs" in fields:
        del spec["x-kubernetes-validations"]  # the one of them: they name no Gateway
    if "ttl" in fields:
        fields["ttl"] = TTL_ELSEWHERE
    if "connection" in fields:
        below = fields["connection"]["properties"]
        below["timeout"] = {"x-kubernetes-int-or-string": True, "description": below["timeout"]["description"], "default": "30s"}
    return schema


def _object(own: OwnKind) -> Schema:
    properties = {
        "apiVersion": {"type": "string", "description": "The group and version of the kind."},
        "kind": {"type": "string", "description": f"{own.kind}."},
        "metadata": {"type": "object"},  # an API server describes it itself, and takes no other word of it
    }
    conditions = {
        "type": "array",
        "description": "What is true of it now, each by its type.",
        "maxItems": 8,
        "items": CONDITION,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    }
    phase = {"phase": {"type": "string", "description": "All of it in a word.", "enum": [*own.phases]}} if own.phases else {}
    status = {"type": "object", "description": "What Pointsman says of it.", "properties": {**phase, **own.said, "conditions": conditions}}
    return {
        "type": "object",
        "description": own.description,
        "properties": {
            **properties,
            "spec": structural(TypeAdapter(own.spec).json_schema()),
            **({"status": status} if own.reports else {}),
        },
        "required": ["spec"],
    }


CONDITION: Schema = {
    "type": "object",
    "properties": {
        "lastTransitionTime": {"type": "string", "description": "When its status last changed.", "format": "date-time"},
        "message": {"type": "string", "description": "Why, for people.", "maxLength": 32768},
        "observedGeneration": {
            "type": "integer",
            "description": "Which generation of the object this was said of.",
            "format": "int64",
            "minimum": 0,
        },
        "reason": {
            "type": "string",
            "description": "Why, in a word for programs.",
            "maxLength": 1024,
            "minLength": 1,
            "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
        },
        "status": {"type": "string", "description": "Whether it is true.", "enum": ["True", "False", "Unknown"]},
        "type": {"type": "string", "description": "What may be true or false.", "maxLength": 316},
    },
    "required": ["lastTransitionTime", "message", "reason", "status", "type"],
}


def structural(schema: Mapping[str, Any]) -> Schema:
    """A JSON Schema of pydantic as a structural schema. NotStructuralError for what cannot be said."""
    return _structural(schema, schema.get("$defs", {}))


def _structural(schema: Mapping[str, Any], named: Mapping[str, Any]) -> Schema:
    if "$ref" in schema:
        return _structural({**named[schema["$ref"].rpartition("/")[2]], **{name: schema[name] for name in schema if name != "$ref"}}, named)
    if "anyOf" in schema:
        return _structural(_without_null(schema), named)
    out: Schema = {word: schema[word] for word in ("type", "description") if word in schema}  # what is read first stands first
    for word, value in schema.items():
        if word == "properties":
            out[word] = {name: _described(name, _structural(below, named)) for name, below in value.items()}
        elif word in ("items", "additionalProperties") and isinstance(value, dict):
            out[word] = _structural(value, named)
        elif word == "const":
            out["enum"] = [value]
        elif word in COPIED or word.startswith("x-kubernetes-"):
            out[word] = value
        elif word not in DROPPED and not (word == "additionalProperties" and value is False):  # unknown fields are pruned anyhow
            raise NotStructuralError(f"{word} in {schema}")
    if "type" not in out and not out.get("x-kubernetes-int-or-string"):
        raise NotStructuralError(f"no type in {schema}")
    return {name: value for name, value in out.items() if not (name == "default" and value is None)}


def _described(name: str, schema: Schema) -> Schema:
    if name not in USUAL or "description" in schema:
        return schema
    return {"type": schema["type"], "description": USUAL[name], **schema}


def _without_null(schema: Mapping[str, Any]) -> Schema:
    """`X | None` is a field that may be absent: an API server drops nulls where they are not asked for."""
    forms = [form for form in schema["anyOf"] if form != {"type": "null"}]
    if len(forms) != 1:
        raise NotStructuralError(f"a union in {schema}: give each form a field of its own")
    return {**{name: value for name, value in schema.items() if name != "anyOf"}, **forms[0]}
