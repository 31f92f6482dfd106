"""Load reports add up by cluster, go with their client where they are a state, and never fill the memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.v3 import ClusterStats, LoadStatsResponse
from xds import loads
from xds.loads import Loads


def stats(name: str, *localities: tuple[int, int, int], dropped: int = 0) -> ClusterStats:
    """Each locality: succeeded, failed, in progress."""
    found = ClusterStats(cluster_name=name, total_dropped_requests=dropped)
    for succeeded, failed, now in localities:
        found.upstream_locality_stats.add(
            total_successful_requests=succeeded,
            total_error_requests=failed,
            total_requests_in_progress=now,
            total_issued_requests=succeeded + failed,
        )
    return found


def test_localities_clients_and_reports_add_up() -> None:
    all_loads = Loads()
    one, two = all_loads.reporter(), all_loads.reporter()
    assert one.take([stats("a", (5, 1, 2), (3, 0, 1), dropped=4)]) == (8, 1, 4)
    assert two.take([stats("a", (1, 1, 1)), stats("b", (7, 0, 0))]) == (8, 1, 0)
    a, b = all_loads.clusters["a"], all_loads.clusters["b"]
    assert (a.succeeded, a.failed, a.dropped, a.issued, a.in_progress, a.reports) == (9, 2, 4, 11, 4, 2)
    assert (b.succeeded, b.reports) == (7, 1)


def test_requests_in_progress_are_those_last_told() -> None:
    all_loads = Loads()
    one = all_loads.reporter()
    one.take([stats("a", (0, 0, 9))])
    one.take([stats("a", (9, 0, 2))])
    assert all_loads.clusters["a"].in_progress == 2
    one.ended()
    assert all_loads.clusters["a"].in_progress == 0


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("ab"), st.integers(0, 9)), max_size=20))
def test_nothing_is_in_progress_when_all_have_gone(reports: list[tuple[int, str, int]]) -> None:
    all_loads = Loads()
    clients = [all_loads.reporter() for _ in range(3)]
    for client, name, now in reports:
        clients[client].take([stats(name, (1, 0, now))])
    for client in clients:
        client.ended()
    assert all(load.in_progress == 0 for load in all_loads.clusters.values())
    assert sum(load.succeeded for load in all_loads.clusters.values()) == len(reports)


def test_names_are_kept_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loads, "CLUSTERS", 2)
    all_loads = Loads()
    client = all_loads.reporter()
    client.take([stats(name, (1, 0, 1)) for name in "abcd"])
    assert (set(all_loads.clusters), all_loads.passed_over) == ({"a", "b"}, 2)
    client.ended()


@pytest.mark.parametrize(("seconds", "told"), [(10.0, (10, 0)), (0.25, (0, 250_000_000))])
def test_client_is_told_to_report_every_cluster_in_this_interval(seconds: float, told: tuple[int, int]) -> None:
    answer = LoadStatsResponse.FromString(Loads(seconds).answer())
    assert answer.send_all_clusters
    assert (answer.load_reporting_interval.seconds, answer.load_reporting_interval.nanos) == told
