"""A Rollout of Argo, read as the Deployment of which a fork is made. Knows no strategy: a fork is one Pod, and nothing is rolled out.

Source: Argo Rollouts, "Specification" and "Migrating"; Services that it leads from one ReplicaSet to the next ask for a hash as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from translator.workloads.patch import UnfitError

Json = dict[str, Any]
HASH = "rollouts-pod-template-hash"  # label: of one ReplicaSet, put into selectors of Services


def as_deployment(rollout: Json, deployments: Iterable[Json]) -> Json:
    """With the template of its own, or that of the Deployment that it names. UnfitError where there is neither."""
    spec, name = rollout["spec"], rollout["metadata"]["name"]
    if ref := spec.get("workloadRef"):
        if ref.get("kind") != "Deployment":
            raise UnfitError(f"workloadRef of Rollout {name} names a {ref.get('kind')}, and forks are made of Deployments")
        found = next((one for one in deployments if one["metadata"]["name"] == ref.get("name")), None)
        if found is None:
            raise UnfitError(f"Deployment {ref.get('name')}, which Rollout {name} names, does not exist")
        spec = {**found["spec"], **{field: value for field, value in spec.items() if field == "selector"}}
    if not (spec.get("template") or {}).get("spec", {}).get("containers"):
        raise UnfitError(f"Rollout {name} has no template")
    return {"metadata": rollout["metadata"], "spec": {"template": spec["template"], "selector": spec.get("selector") or {}}}


def unpinned(services: Iterable[Json]) -> list[Json]:
    """As they were before they were led to one ReplicaSet."""
    return [_without_hash(one) if HASH in (one["spec"].get("selector") or {}) else one for one in services]


def _without_hash(one: Json) -> Json:
    return {**one, "spec": {**one["spec"], "selector": {name: value for name, value in one["spec"]["selector"].items() if name != HASH}}}
