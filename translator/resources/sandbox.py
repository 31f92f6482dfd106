"""Sandbox and RouteGroup: changed services inside a shared environment, reached by a key. Our own kinds; CRDs are generated from here."""

from __future__ import annotations

import re
from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from translator.resources.backend import rule, together, written
from translator.resources.fork import NAME, NAMES, ForkContainer, ForkResources, SandboxFork
from translator.resources.meta import Object

_KEY = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
_HEADER = r"^[A-Za-z0-9][-A-Za-z0-9]*$"
KEY = Field(max_length=63, pattern=f"{_KEY}|^$", description="A routing key: a-z, 0-9 and -, at most 63, with neither end a -.")
HEADER = Field(min_length=1, max_length=63, pattern=_HEADER, description="The name of a header, in any case.")


@dataclass(frozen=True, slots=True, config=written())
class SandboxTarget:
    """What answers in the place of the baseline, of the same namespace. A Deployment is that of the baseline: a fork is made of it."""

    name: Annotated[str, NAME]
    kind: Literal["Service", "Backend", "LocalWorkload", "Deployment"] = "Service"
    port: Annotated[int | None, Field(ge=1, le=65535, description="Of a Service; the baseline's own unless given.")] = None


FORKED = (
    rule("size(self.containers) == 0 || self.targetRef.kind == 'Deployment'", "containers are for a targetRef of kind Deployment"),
    rule("self.kind == 'Service' || self.targetRef.kind != 'Deployment'", "a Backend has no Deployment"),
)


@dataclass(frozen=True, slots=True, config=written(**together(*FORKED)))
class SandboxService:
    """One changed service: requests with the key go to the target instead."""

    name: Annotated[str, NAME, Field(description="The Service or Backend of the baseline, in the same namespace.")]
    target_ref: SandboxTarget
    kind: Literal["Service", "Backend"] = "Service"
    containers: Annotated[tuple[ForkContainer, ...], Field(max_length=16, description="Of a Deployment: what its fork has else.")] = ()


DURATION = Field(max_length=16, pattern="^[1-9][0-9]{0,8}[smhdw]?$", description="As 2h or 2d; a number alone is seconds.")


@dataclass(frozen=True, slots=True, config=written())
class TimeToLive:
    """After which time it is gone by itself."""

    duration: Annotated[str, DURATION]
    offset_from: Annotated[Literal["createdAt", "updatedAt"], Field(description="When the time begins.")] = "createdAt"


@dataclass(frozen=True, slots=True, config=written())
class GroupTimeToLive:
    """After which time it is gone by itself."""

    duration: Annotated[str, DURATION]
    offset_from: Annotated[Literal["createdAt", "updatedAt", "noMatchedSandboxes"], Field(description="When the time begins.")] = (
        "noMatchedSandboxes"
    )


SERVICES = Field(max_length=64, description="The services that are changed; all others are the baseline's.")
ONCE = rule(
    "self.services.all(one, self.services.exists_one(other, other.name == one.name && other.kind == one.kind))",
    "each service may be named once",
)
FORKED_ONCE = rule(
    "self.forks.all(one, self.forks.exists_one(other, other.forkOf.name == one.forkOf.name))", "each Deployment may be named once"
)
CHANGED = rule("size(self.services) + size(self.forks) > 0", "services or forks is needed: nothing is changed")


@dataclass(frozen=True, slots=True, config=written(**together(ONCE, FORKED_ONCE, CHANGED)))
class SandboxSpec:
    """What is changed, and by which key it is reached."""

    services: Annotated[tuple[SandboxService, ...], SERVICES] = ()
    forks: Annotated[tuple[SandboxFork, ...], Field(max_length=32, description="Deployments of which forks are made, in a cluster.")] = ()
    routing_key: Annotated[str, KEY] = ""
    labels: Annotated[dict[str, str], Field(max_length=16, description="For RouteGroups that select, beside those of its metadata.")] = (
        field(default_factory=dict)
    )
    resources: ForkResources | None = None
    ttl: TimeToLive | None = None


class Sandbox(Object, frozen=True, gc=False, kw_only=True):
    """A Sandbox as the store holds it."""

    spec: SandboxSpec

    @property
    def routing_key(self) -> str:
        """Its own key: its name unless another is given."""
        return self.spec.routing_key or self.metadata.name

    @property
    def labels(self) -> dict[str, str]:
        """What RouteGroups select by."""
        return {**self.spec.labels, **self.metadata.labels}


@dataclass(frozen=True, slots=True, config=written())
class GatewayRef:
    """A Gateway or ListenerSet whose listeners read keys, or those of its listeners that are named."""

    name: Annotated[str, NAME]
    kind: Literal["Gateway", "ListenerSet"] = "Gateway"
    namespace: Annotated[str, Field(max_length=63, description="That of the RouteGroup unless given.")] = ""
    section_name: Annotated[str, Field(max_length=253, description="One listener; all of them unless given.")] = ""
    port: Annotated[int | None, Field(ge=1, le=65535, description="The listeners of one port.")] = None


@dataclass(frozen=True, slots=True, config=written())
class SandboxSelector:
    """Which Sandboxes of the namespace are meant: those that have all of these labels."""

    match_labels: Annotated[dict[str, str], Field(max_length=16, description="Labels and their values.")] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, config=written(**rule("self.format == 'Plain' || self.member != ''", "a list needs a member")))
class KeyHeader:
    """One spelling of the key."""

    name: Annotated[str, HEADER]
    format: Annotated[Literal["Plain", "Baggage", "TraceState"], Field(description="Whether the value is the key, or a list.")] = "Plain"
    member: Annotated[str, Field(max_length=63, pattern="^[a-z0-9][-_.a-z0-9]*$|^$", description="Of a list: whose value is the key.")] = ""


PATH = Field(max_length=1024, pattern="^(/[!-~]*)?$")


@dataclass(
    frozen=True, slots=True, config=written(**rule("(self.prefix != '') != (self.exact != '')", "one of prefix and exact, and not both"))
)
class GroupPath:
    """Paths that fit: all below a prefix, in whole segments, or one."""

    prefix: Annotated[str, PATH, Field(description="This path, and all below it.")] = ""
    exact: Annotated[str, PATH, Field(description="This path alone.")] = ""


BY_NAME = rule("(self.type == 'SourceIP') == (self.name == '')", "a name is for a header or a cookie, and these need one")


@dataclass(frozen=True, slots=True, config=written(**BY_NAME))
class GroupSticky:
    """By what a share is decided: requests with the same value go to the same side."""

    type: Annotated[Literal["Header", "Cookie", "SourceIP"], Field(description="Requests without the value are drawn anew.")]
    name: Annotated[str, Field(max_length=63, pattern=r"^[-!#$%&'*+.^_|~0-9A-Za-z]*$", description="Of the header or cookie.")] = ""


NAMED = Field(max_length=16, description="Names of headers, in any case, and a value each.")
Values = dict[str, Annotated[str, Field(max_length=1024, pattern="^[!-~]([ -~]*[!-~])?$")]]


@dataclass(frozen=True, slots=True, config=written())
class GroupRoute:
    """A rule of a key: which requests that carry it go to the Sandbox. Of several for one key and Service the first that fits decides."""

    target_sandbox: Annotated[str, NAME, Field(description="The Sandbox that answers, of the same namespace.")]
    routing_key: Annotated[str, KEY] = ""
    paths: Annotated[tuple[GroupPath, ...], Field(max_length=16, description="One of them fits; all paths unless given.")] = ()
    headers: Annotated[Values, NAMED] = field(default_factory=dict)
    weight: Annotated[int, Field(ge=0, le=100, description="Of 100 requests that fit, how many; the others go to the baseline.")] = 100
    sticky: GroupSticky | None = None
    additional_headers: Annotated[Values, NAMED] = field(default_factory=dict)


HOST = Field(
    max_length=253,
    pattern=rf"{NAMES}|^$",
    description="Requests to this host have the key, whoever sends them; NAME--GROUP below a wildcard unless given.",
)
TARGET = Field(
    max_length=512,
    pattern="^((https?|grpc)://[^/ ]+/?)?$",
    description="The Service that the host leads to, as http://SERVICE.NAMESPACE.svc:PORT; without it a route must serve the host.",
)


@dataclass(frozen=True, slots=True, config=written())
class GroupEndpoint:
    """A host whose requests have a key: a link is enough to see a preview."""

    name: Annotated[str, NAME, Field(description="What it is called in messages.")]
    hostname: Annotated[str, HOST] = ""
    target: Annotated[str, TARGET] = ""
    routing_key: Annotated[str, KEY, Field(description="defaultRoutingKey unless given.")] = ""


@dataclass(frozen=True, slots=True, config=written())
class LabelGlob:
    """A label of a Sandbox: * in the value stands for any characters."""

    key: Annotated[str, Field(min_length=1, max_length=316, description="The label.")]
    value: Annotated[str, Field(max_length=63, description="What it must be; * stands for any characters.")]


@dataclass(frozen=True, slots=True, config=written())
class MatchTerm:
    """One condition."""

    label: LabelGlob


TERMS = Field(max_length=16, description="Conditions: of any one must hold, of all every one.")


@dataclass(
    frozen=True,
    slots=True,
    config=written(
        **rule("(has(self.label) ? 1 : 0) + (size(self.any) > 0 ? 1 : 0) + (size(self.all) > 0 ? 1 : 0) == 1", "one of label, any and all")
    ),
)
class GroupMatch:
    """Which Sandboxes are meant, by their labels."""

    label: LabelGlob | None = None
    any: Annotated[tuple[MatchTerm, ...], TERMS] = ()
    all: Annotated[tuple[MatchTerm, ...], TERMS] = ()


SIGNED = rule("(self.mode == 'Signed') == (size(self.secrets) > 0)", "secrets are for mode Signed, which needs one")
MEANT = rule("self.mode == 'Signed' || self.audience == ''", "audience is for mode Signed")
AUDIENCE = Field(max_length=253, pattern="^[!-~]*$", description="What keys must be signed for, so that those of other listeners are none.")


@dataclass(frozen=True, slots=True, config=written(**together(SIGNED, MEANT)))
class KeyAdmission:
    """Whose keys are believed. Preview hosts always are: put authentication in front of them."""

    mode: Annotated[
        Literal["None", "All", "Signed"], Field(description="None takes keys away from all requests; Signed wants key.expiry.HMAC-SHA256.")
    ] = "None"
    secrets: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=63, pattern="^[a-z0-9][-a-z0-9]*$")], ...],
        Field(max_length=4, description="Names of files of the proxy, in the folder that its variable POINTSMAN_KEYS names."),
    ] = ()
    audience: Annotated[str, AUDIENCE] = ""
    sources: Annotated[
        tuple[Annotated[str, Field(max_length=43, json_schema_extra=rule("isCIDR(self)", "must be a range such as 10.0.0.0/8"))], ...],
        Field(max_length=32, description="Ranges of addresses: clients whose connection comes from there are believed."),
    ] = ()
    certificates: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=253, pattern="^[!-~]+$")], ...],
        Field(max_length=32, description="Clients are believed whose verified certificate has one of these as its first DNS name or URI."),
    ] = ()
    wrong: Annotated[
        Literal["Reject", "Strip"],
        Field(description="What becomes of a request whose key is not valid, or is spelled in two ways: 400, or no key."),
    ] = "Reject"


HEADERS = Field(max_length=14, description="Spellings beside X-Route-Key and routingKeyHeader; those in common use unless given.")
HOSTS = Field(max_length=8, description="The label that stands for * is the key of every request to such a host.")
PREVIEW = r"^\*(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$"
USUAL = (
    KeyHeader(name="x-routing-key"),
    KeyHeader(name="ot-baggage-sd-routing-key"),
    KeyHeader(name="uberctx-sd-routing-key"),
    KeyHeader(name="baggage", format="Baggage", member="sd-routing-key"),
    KeyHeader(name="tracestate", format="TraceState", member="sd-routing-key"),
)


MESH = Field(
    description="Who leads keys between services: Istio, a mesh that reads the Gateway API (GAMMA) as Linkerd does, or sidecars of ours."
)
SOMEWHERE = rule("size(self.parentRefs) > 0 || self.meshOutput != 'None'", "parentRefs or meshOutput is needed: keys are read nowhere")


@dataclass(frozen=True, slots=True, config=written(**SOMEWHERE))
class RouteGroupSpec:
    """Where keys are read, and which Sandboxes they lead to."""

    parent_refs: Annotated[tuple[GatewayRef, ...], Field(max_length=16, description="Gateways where keys are read.")] = ()
    selector: Annotated[SandboxSelector | None, Field(description="All Sandboxes of the namespace unless given.")] = None
    match: Annotated[GroupMatch | None, Field(description="The same by patterns; where both are given, both must hold.")] = None
    default_routing_key: Annotated[str, KEY, Field(description="A key that leads to all these Sandboxes at once.")] = ""
    routing_key_header: Annotated[str, HEADER] = "x-route-key"
    headers: Annotated[tuple[KeyHeader, ...] | None, HEADERS] = None
    routes: Annotated[tuple[GroupRoute, ...], Field(max_length=256, description="Further keys.")] = ()
    preview_hosts: Annotated[tuple[Annotated[str, Field(max_length=253, pattern=PREVIEW)], ...], HOSTS] = ()
    endpoints: Annotated[tuple[GroupEndpoint, ...], Field(max_length=64, description="Hosts that have a key.")] = ()
    admission: KeyAdmission = field(default_factory=KeyAdmission)
    ttl: GroupTimeToLive | None = None
    mesh_output: Annotated[Literal["None", "Istio", "GatewayAPI", "Sidecar"], MESH] = "None"


LABEL = 63  # characters of a label of a host (RFC 1035, 2.3.4)
HOP = frozenset({"host", "connection", "content-length", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"})


def settable(name: str) -> bool:
    """Whether a route may ask for a header, or set it: one of the application, and not what carries the request itself."""
    lower = name.lower()
    return re.fullmatch(_HEADER, name) is not None and lower not in HOP and not lower.startswith("x-envoy-")


class RouteGroup(Object, frozen=True, gc=False, kw_only=True):
    """A RouteGroup as the store holds it."""

    spec: RouteGroupSpec

    def key_of(self, endpoint: GroupEndpoint) -> str:
        """The key of its requests; empty where nobody gives it one."""
        return endpoint.routing_key or self.spec.default_routing_key

    def host_of(self, endpoint: GroupEndpoint, *wildcards: str) -> str:
        """Its hostname; else the name that Signadot would give it, below the first preview host or the first of these wildcards.
        Empty where there is none, or where it would be no label.
        """
        wild = next((host for host in (*self.spec.preview_hosts, *wildcards) if host.startswith("*.")), "")
        label = f"{endpoint.name}--{self.metadata.name}"
        fits = wild and "." not in label and len(label) <= LABEL
        return endpoint.hostname or (wild.replace("*", label, 1) if fits else "")
