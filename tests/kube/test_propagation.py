"""A route, and a Sandbox, on a real API server and a real Envoy: no wrong answer, and no word of it before it is served. Benches do the
same with thousands (B7, posted).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.bench import posted
from tests.bench.propagation import SORTS, measure
from tests.bench.stand import HOME, Stand, upon
from tests.kube.cluster.cluster import Cluster


@asynccontextmanager
async def standing(cluster: Cluster, folder: Path) -> AsyncIterator[Stand]:
    """Nothing is left of it afterwards, for the next has the same names."""
    try:
        async with upon(cluster, folder) as at:
            yield at
    finally:
        cluster.kubectl("delete", "gatewayclass", "bench", "--ignore-not-found")
        cluster.kubectl("delete", "namespace", HOME)


async def test_route_is_said_to_be_programmed_when_it_is_served_and_never_answers_otherwise(cluster: Cluster, tmp_path: Path) -> None:
    async with standing(cluster, tmp_path) as at:
        found, lies = await measure(at, [20, 60], 10)
    assert lies == []
    assert [one["wrong"] for sort in SORTS for one in found[sort]] == [0] * 4


async def test_key_of_a_created_sandbox_is_answered_by_the_baseline_and_then_by_the_fork_alone(cluster: Cluster, tmp_path: Path) -> None:
    async with standing(cluster, tmp_path) as at:
        found = await posted.measure(at, [3, 10], 5)
    assert [one["wrong"] for one in found] == [0, 0]
