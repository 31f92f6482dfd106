"""Parameters of data planes: what a class says, what a Gateway says over it, and what is wrong with either. Knows no view.

Source: GEP-1867 ("Per-Gateway Infrastructure") and the API text of `GatewayInfrastructure.parametersRef`: the class gives
defaults that a Gateway may override; how the two are merged is for the implementation to say. Here each field that the Gateway's
parameters give takes the place of the class's, field by field, also inside of `pod`, `service` and the like; lists and maps are
taken as a whole.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from translator.gatewayapi.references import OWN_GROUP
from translator.ir.plane import Pairs, PodTerms, Run, Scaling, Way
from translator.resources.envoyproxy import Amounts, EnvoyProxySpec, ProxyPod, ProxyService
from translator.resources.meta import LocalReference

KIND = "EnvoyProxy"
CPU = 75  # percent
T = TypeVar("T")


def unknown(ref: LocalReference) -> str:
    """Why a reference is none to parameters that are read here, or nothing."""
    if (ref.group, ref.kind) == (OWN_GROUP, KIND):
        return ""
    return f"parametersRef names a {ref.kind}, which is no kind of parameters here"


def over(lower: T, upper: T) -> T:
    """What both say, the upper before the lower; None is what says nothing."""
    if upper is None or lower is None:
        return lower if upper is None else upper
    if not is_dataclass(upper) or isinstance(upper, type) or not is_dataclass(lower):
        return upper
    said = {one.name: over(getattr(lower, one.name), getattr(upper, one.name)) for one in fields(upper)}
    return replace(upper, **said)


def merged(of_class: EnvoyProxySpec, of_gateway: EnvoyProxySpec) -> EnvoyProxySpec:
    """A budget has one form: where the Gateway gives one, it is the Gateway's own."""
    both = over(of_class, of_gateway)
    return replace(both, disruption=of_gateway.disruption) if of_gateway.disruption else both


def contradiction(spec: EnvoyProxySpec) -> str:
    """What cannot be had, though each part of it can. Of one object its CRD has seen to it; of two that are merged nobody has."""
    scaling = spec.autoscaling
    if scaling and (scaling.min_replicas or 1) > scaling.max_replicas:
        return f"autoscaling.minReplicas {scaling.min_replicas} is more than maxReplicas {scaling.max_replicas}"
    return ""


def run(spec: EnvoyProxySpec) -> Run:
    """How the proxies are run, with what is ours to choose."""
    budget = spec.disruption
    return Run(
        daemons=spec.workload == "DaemonSet",
        replicas=spec.replicas,
        scaling=_scaling(spec),
        min_available=budget.min_available if budget else None,
        max_unavailable=budget.max_unavailable if budget else None,
        way=_way(spec.service or ProxyService()),
        pod=_pod(spec.pod or ProxyPod()),
        image=spec.image or "",
        log_level=spec.log_level or "warning",
        concurrency=spec.concurrency,
        extra_args=spec.extra_args or (),
    )


def _scaling(spec: EnvoyProxySpec) -> Scaling | None:
    scaling = spec.autoscaling
    if scaling is None or spec.workload == "DaemonSet":
        return None
    return Scaling(scaling.min_replicas or 1, scaling.max_replicas, scaling.target_cpu or CPU)


def _way(service: ProxyService) -> Way:
    return Way(
        type=service.type or "LoadBalancer",
        annotations=_pairs(service.annotations),
        traffic_policy=service.external_traffic_policy or "",
        balancer_class=service.load_balancer_class or "",
        sources=service.load_balancer_source_ranges or (),
    )


def _pod(pod: ProxyPod) -> PodTerms:
    told: dict[str, Any] = {
        "labels": _pairs(pod.labels),
        "annotations": _pairs(pod.annotations),
        "node_selector": _pairs(pod.node_selector),
        "tolerations": tuple(map(_plain, pod.tolerations or ())),
        "affinity": pod.affinity,
        "spread": tuple(map(_plain, pod.topology_spread or ())),
        "priority_class": pod.priority_class_name,
        "pull_secrets": pod.image_pull_secrets,
        "requests": _amounts(pod.resources.requests if pod.resources else None),
        "limits": _amounts(pod.resources.limits if pod.resources else None),
    }
    return PodTerms(**{name: value for name, value in told.items() if value is not None})


def _plain(one: Any) -> dict[str, Any]:
    """As a PodSpec has it: what is not said is left out."""
    words = {"".join(part.title() if place else part for place, part in enumerate(each.name.split("_"))): each.name for each in fields(one)}
    return {word: value for word, name in words.items() if (value := getattr(one, name)) not in (None, "")}


def _amounts(found: Amounts | None) -> tuple[tuple[str, int | str], ...] | None:
    return None if found is None else tuple(sorted(found.items()))


def _pairs(found: dict[str, str] | None) -> Pairs:
    return tuple(sorted((found or {}).items()))
