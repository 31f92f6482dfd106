"""What a running installation says: statuses from the API server, and what its servers tell on their own loopback."""

from __future__ import annotations

import json
from typing import Any

from translator.gatewayapi.conditions import CONTROLLER
from xds.cli.cluster import Cluster, on_cluster
from xds.cli.nouns import Wanted
from xds.cli.output import Exit
from xds.installation.api import Api
from xds.installation.installing import PODS
from xds.installation.manifests import ADMIN_PORT, NAMESPACE, Json, kinds, place
from xds.installation.state import trouble
from xds.reports.merge import ENTRIES
from xds.sources.kube.forward import page
from xds.sources.kube.kinds import Watched
from xds.sources.kube.transport import Transport


def objects(cluster: Cluster, which: Wanted) -> list[Json]:
    """As they stand in the cluster, with what we say of them and nobody else. Only what is wanted is asked for."""

    async def ask(transport: Transport) -> list[Json]:
        api = Api(transport)
        return [_shown(kind, one) for kind in kinds() if _reported(kind, which) for one in await _listed(api, kind, which.namespace)]

    found = on_cluster(cluster, ask)
    return sorted(found, key=lambda one: (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]))


def _reported(kind: Watched, which: Wanted) -> bool:
    return kind.reports and which.kind in ("", kind.name) and (kind.namespaced or not which.namespace)


async def _listed(api: Api, kind: Watched, namespace: str) -> list[Json]:
    """In the first version that the cluster serves."""
    for version in kind.versions:
        if found := await api.items(kind.path(version, f"{namespace}/" if namespace else "")):
            return found
    return []


def _shown(kind: Watched, one: Json) -> Json:
    metadata = {name: value for name, value in one["metadata"].items() if name != "managedFields"}
    shown = {"apiVersion": f"{kind.group}/{kind.versions[0]}", "kind": kind.name, **one, "metadata": metadata}
    if "status" in one:
        shown["status"] = _ours(one["status"])
    return shown


def _ours(status: Json) -> Json:
    return {
        name: [one for one in value if one.get("controllerName") == CONTROLLER] if name in ENTRIES else value
        for name, value in status.items()
    }  # fmt: skip


def pages(cluster: Cluster, path: str) -> list[Any]:
    """What each server answers that runs. Exit code 3 where none does."""

    async def ask(transport: Transport) -> list[Any]:
        pods = await Api(transport).items(place("v1", "pods", NAMESPACE), **PODS)
        ready = [one["metadata"]["name"] for one in pods if not trouble(one)]
        if not ready:
            raise Exit(3, f"no server runs in the namespace {NAMESPACE}. pointsman doctor says why; pointsman install installs one")
        return [json.loads(await page(transport, NAMESPACE, name, ADMIN_PORT, path)) for name in ready]

    return on_cluster(cluster, ask)


def added(pages: list[Json]) -> Json:
    """The loads of several servers as one."""
    clusters: dict[str, dict[str, int]] = {}
    for one in pages:
        for name, load in one["clusters"].items():
            sums = clusters.setdefault(name, dict.fromkeys(load, 0))
            for column, value in load.items():
                sums[column] += value
    found = {"clusters": clusters, "passed_over": sum(one["passed_over"] for one in pages)}
    return {**found, "counted": any(one.get("counted") for one in pages), "forks": _forks(pages)}


def _forks(pages: list[Json]) -> Json:
    """A server of an older version tells of none."""
    forks: Json = {}
    for name, told in (item for one in pages for item in one.get("forks", {}).items()):
        before = forks.get(name, {"requests": 0})
        forks[name] = {"sandbox": told["sandbox"], "requests": before["requests"] + told["requests"]}
    return forks
