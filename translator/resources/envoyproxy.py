"""EnvoyProxy: how the proxies of a Gateway or of a class are run in a cluster. Our own kind; its CRD is generated from here.

Every field may be left out, which says nothing: the class is asked before the Gateway, and what neither says is ours to choose.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema
from pydantic.dataclasses import dataclass

from translator.resources.backend import rule, written
from translator.resources.meta import Object

_QUANTITY = r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]+)?$"
Quantity = Annotated[
    int | str,
    WithJsonSchema({"description": "An amount as Kubernetes writes it.", "pattern": _QUANTITY, "x-kubernetes-int-or-string": True}),
]
Amounts = dict[str, Quantity]
Names = Annotated[dict[str, str], Field(max_length=32)]
Free = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True})]
COUNT = Field(ge=0, le=1000)
# What the server itself tells Envoy: a second word on it would give a proxy another identity, or none
OURS = (
    "-c",
    "--config-path",
    "--config-yaml",
    "--service-node",
    "--service-cluster",
    "--admin-address-path",
    "--drain-time-s",
    "--base-id",
)
_TAKEN = ", ".join(f"'{one}'" for one in OURS)
_NOT_OURS = f"!has(self.extraArgs) || !self.extraArgs.exists(one, [{_TAKEN}].exists(taken, one == taken || one.startsWith(taken + '=')))"


@dataclass(frozen=True, slots=True, config=written())
class ProxyToleration:
    """A taint that the Pods bear."""

    key: Annotated[str, Field(max_length=317, description="The taint's key; every taint unless given.")] = ""
    operator: Annotated[Literal["Exists", "Equal"], Field(description="Whether the taint's value counts.")] = "Equal"
    value: Annotated[str, Field(max_length=63, description="The taint's value, with operator Equal.")] = ""
    effect: Annotated[
        Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"], Field(description="The taint's effect; every effect unless given.")
    ] = ""
    toleration_seconds: Annotated[int | None, Field(ge=0, description="Of NoExecute: how long; for ever unless given.")] = None


@dataclass(frozen=True, slots=True, config=written())
class ProxySpread:
    """How the Pods are spread over zones or nodes."""

    topology_key: Annotated[str, Field(min_length=1, max_length=317, description="The label of nodes that tells places apart.")]
    max_skew: Annotated[int, Field(ge=1, le=100, description="How many more Pods one place may have than another.")] = 1
    when_unsatisfiable: Annotated[
        Literal["DoNotSchedule", "ScheduleAnyway"], Field(description="What becomes of a Pod that would break it.")
    ] = "ScheduleAnyway"


@dataclass(frozen=True, slots=True, config=written())
class ProxyResources:
    """What a proxy asks for and may use."""

    requests: Annotated[Amounts | None, Field(max_length=8, description="What is kept for it; 100m of cpu, 128Mi of memory.")] = None
    limits: Annotated[Amounts | None, Field(max_length=8, description="What it may not exceed; no limit unless given.")] = None


TOLERATIONS = Field(max_length=32, description="Taints that the Pods bear.")
SPREAD = Field(max_length=8, description="How the Pods are spread; they are told apart by the labels of their data plane.")
AFFINITY = Field(description="Affinity of the Pods, as in a PodSpec.")
SELECTOR = Field(description="Labels that a node must have.")
SECRETS = Field(max_length=8, description="Names of Secrets of the same namespace for the registry of the image.")
PRIORITY = Field(min_length=1, max_length=253, description="Which Pods go first when there is no room.")


@dataclass(frozen=True, slots=True, config=written())
class ProxyPod:
    """What is said of each Pod. Labels by which a data plane is found stay ours."""

    labels: Annotated[Names | None, Field(description="Further labels of the Pods alone.")] = None
    annotations: Annotated[Names | None, Field(description="Further annotations of the Pods alone.")] = None
    node_selector: Annotated[Names | None, SELECTOR] = None
    tolerations: Annotated[tuple[ProxyToleration, ...] | None, TOLERATIONS] = None
    affinity: Annotated[Free | None, AFFINITY] = None
    topology_spread: Annotated[tuple[ProxySpread, ...] | None, SPREAD] = None
    priority_class_name: Annotated[str | None, PRIORITY] = None
    image_pull_secrets: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=253)], ...] | None, SECRETS] = None
    resources: Annotated[ProxyResources | None, Field(description="What Envoy asks for and may use.")] = None


LEAST = rule("!has(self.minReplicas) || self.minReplicas <= self.maxReplicas", "minReplicas may not be more than maxReplicas")


@dataclass(frozen=True, slots=True, config=written(**LEAST))
class ProxyScaling:
    """A HorizontalPodAutoscaler, which then says how many there are."""

    max_replicas: Annotated[int, Field(ge=1, le=1000, description="At most so many proxies.")]
    min_replicas: Annotated[int | None, Field(ge=1, le=1000, description="At least so many; 1 unless given.")] = None
    target_cpu: Annotated[
        int | None, Field(alias="targetCPU", ge=1, le=1000, description="Percent of the requested cpu that is aimed at; 75 unless given.")
    ] = None


ONE = rule("!(has(self.minAvailable) && has(self.maxUnavailable))", "give minAvailable or maxUnavailable, not both")


@dataclass(frozen=True, slots=True, config=written(**ONE))
class ProxyDisruption:
    """A PodDisruptionBudget: what maintenance may take away at once."""

    min_available: Annotated[int | None, COUNT, Field(description="So many proxies always stay.")] = None
    max_unavailable: Annotated[int | None, COUNT, Field(description="So many may be away; 1 unless minAvailable is given.")] = None


SOURCES = Field(max_length=64, description="Networks (CIDR) from which the balancer takes connections; all unless given.")
BALANCER = Field(min_length=1, max_length=253, description="Which implementation makes the balancer.")
POLICY = Field(description="Local keeps the address of clients, and sends only to proxies of the node that was reached.")


@dataclass(frozen=True, slots=True, config=written())
class ProxyService:
    """The way to the proxies."""

    type: Annotated[Literal["LoadBalancer", "NodePort", "ClusterIP"] | None, Field(description="LoadBalancer unless given.")] = None
    annotations: Annotated[Names | None, Field(description="Further annotations of the Service alone.")] = None
    external_traffic_policy: Annotated[Literal["Cluster", "Local"] | None, POLICY] = None
    load_balancer_class: Annotated[str | None, BALANCER] = None
    load_balancer_source_ranges: Annotated[tuple[Annotated[str, Field(max_length=43)], ...] | None, SOURCES] = None


MERGE = Field(description="Of a class: one set of proxies, in the server's own namespace, serves all of its Gateways.")
ADDRESSES = Field(description="With mergeGateways: one Service for all Gateways (Shared, unless given), or one for each.")
WORKLOAD = Field(description="A Deployment unless given. A DaemonSet has a proxy on each node that its Pods fit.")
IMAGE = Field(min_length=1, max_length=500, description="What holds envoy, pointsman and the native module; the server's own unless given.")
LEVEL = Field(description="What Envoy writes to its log; warning unless given.")
THREADS = Field(ge=1, le=1024, description="Threads of Envoy that serve; one for each core of the node unless given.")
ARGS = Field(
    max_length=32, description="Further arguments for Envoy, after ours. Those that say what it is and where its configuration is are ours."
)
Argument = Annotated[str, Field(min_length=1, max_length=500)]


@dataclass(frozen=True, slots=True, config=written(**rule(_NOT_OURS, "extraArgs may not give what the server gives Envoy itself")))
class EnvoyProxySpec:
    """How proxies are run. Named by parametersRef of a GatewayClass, and by spec.infrastructure.parametersRef of a Gateway."""

    merge_gateways: Annotated[bool | None, MERGE] = None
    addresses: Annotated[Literal["Shared", "PerGateway"] | None, ADDRESSES] = None
    workload: Annotated[Literal["Deployment", "DaemonSet"] | None, WORKLOAD] = None
    replicas: Annotated[int | None, COUNT, Field(description="Of a Deployment without autoscaling; the server's own unless given.")] = None
    autoscaling: Annotated[ProxyScaling | None, Field(description="Of a Deployment: a HorizontalPodAutoscaler, in place of replicas.")] = (
        None
    )
    disruption: Annotated[ProxyDisruption | None, Field(description="What maintenance may take away at once.")] = None
    service: Annotated[ProxyService | None, Field(description="The way to the proxies.")] = None
    pod: Annotated[ProxyPod | None, Field(description="What is said of each Pod.")] = None
    image: Annotated[str | None, IMAGE] = None
    log_level: Annotated[Literal["trace", "debug", "info", "warning", "error", "critical", "off"] | None, LEVEL] = None
    concurrency: Annotated[int | None, THREADS] = None
    extra_args: Annotated[tuple[Argument, ...] | None, ARGS] = None


class EnvoyProxy(Object, frozen=True, gc=False, kw_only=True):
    """An EnvoyProxy as the store holds it."""

    spec: EnvoyProxySpec
