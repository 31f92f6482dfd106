"""Three controllers write to the same routes at once, through a real API server, and nobody's entry is damaged (R16)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.kube.cluster.cluster import Cluster
from tests.unit.xds.sources.kube.lines import KINDS
from tests.waiting import wait_until
from xds.reports.queue import Name
from xds.reports.writer import Terms, Writer
from xds.sources.kube.access import loader
from xds.sources.kube.transport import Transport

ROUTES, ROUNDS = 20, 17  # times three controllers: 1,020 writes
SOON = 120.0


def status(controller: str, turn: int) -> dict[str, Any]:
    condition = {
        "type": "Accepted", "status": "True", "reason": "Accepted", "message": f"turn {turn}", "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    return {"parents": [{"parentRef": {"name": "edge"}, "controllerName": controller, "conditions": [condition]}]}


def route(name: str, namespace: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": metadata, "spec": {}}


async def test_three_controllers_damage_nothing_of_each_other(cluster: Cluster, namespace: str) -> None:
    made = [
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": f"r{number}", "namespace": namespace},
            "spec": {},
        }
        for number in range(ROUTES)
    ]
    everything = {"apiVersion": "v1", "kind": "List", "items": made}
    await asyncio.to_thread(cluster.kubectl, "apply", "-f", "-", text=json.dumps(everything))
    names: list[Name] = [("HTTPRoute", f"{namespace}/r{number}") for number in range(ROUTES)]
    turns = {f"example.com/c{number}": 0 for number in range(3)}
    writers = {controller: _writer(cluster, namespace, controller, turns) for controller in turns}
    running = [asyncio.create_task(one.run(list)) for one in writers.values()]
    try:
        await wait_until(lambda: all(one.leads() for one in writers.values()), SOON)
        for turn in range(1, ROUNDS + 1):
            for controller, one in writers.items():
                turns[controller] = turn
                one.touch(names)
            wanted = turn * ROUTES
            await wait_until(lambda wanted=wanted: all(one.counts.written == wanted for one in writers.values()), SOON)
            await _nothing_is_damaged(cluster, namespace, turn)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    assert all(one.counts.failed == 0 for one in writers.values())


def _writer(cluster: Cluster, namespace: str, controller: str, turns: dict[str, int]) -> Writer:
    terms = Terms(controller, "one", namespace, lease=controller.rpartition("/")[2])
    return Writer(
        Transport(loader(str(cluster.kubeconfig), None)), KINDS.values(), lambda *_: status(controller, turns[controller]), terms,
        asyncio.get_running_loop().time,
    )  # fmt: skip


async def _nothing_is_damaged(cluster: Cluster, namespace: str, turn: int) -> None:
    found = json.loads((await asyncio.to_thread(cluster.kubectl, "-n", namespace, "get", "httproutes", "-o", "json")).stdout)["items"]
    assert len(found) == ROUTES
    for one in found:
        said = {parent["controllerName"]: parent["conditions"][0]["message"] for parent in one["status"]["parents"]}
        assert said == {f"example.com/c{number}": f"turn {turn}" for number in range(3)}
