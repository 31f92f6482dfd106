"""A route on a real API server and a real Envoy, with a backend of its own or one that others use: no wrong answer, and no word of it
before it is served. The bench does the same with thousands (B7).
"""

from __future__ import annotations

from pathlib import Path

from tests.bench.propagation import SORTS, measure
from tests.bench.stand import HOME, upon
from tests.kube.cluster.cluster import Cluster


async def test_route_is_said_to_be_programmed_when_it_is_served_and_never_answers_otherwise(cluster: Cluster, tmp_path: Path) -> None:
    try:
        async with upon(cluster, tmp_path) as at:
            found, lies = await measure(at, [20, 60], 10)
    finally:
        cluster.kubectl("delete", "gatewayclass", "bench", "--ignore-not-found")
        cluster.kubectl("delete", "namespace", HOME, "--wait=false")
    assert lies == []
    assert [one["wrong"] for sort in SORTS for one in found[sort]] == [0] * 4
