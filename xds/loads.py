"""What clients report of the load on clusters (LRS), added up. In memory only, bounded, and forgotten with the process.

Envoy reports what happened since its last report, so counts add up; requests in progress are a state, told anew each time.
Knows the messages of `envoy.service.load_stats.v3`; knows no gRPC.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from protos.v3 import ClusterStats, Duration, LoadStatsResponse

CLUSTERS = 10_000  # names that are kept; reports of more are counted as `passed_over`
INTERVAL = 10.0  # seconds between two reports of one client


class Load(Struct):
    """Of one cluster, over all clients since the first report: requests that ended well, badly (5xx, and what Envoy counts
    like them), that were dropped before they were sent; and how many are under way now.
    """

    succeeded: int = 0
    failed: int = 0
    dropped: int = 0
    issued: int = 0
    in_progress: int = 0
    reports: int = 0


class Loads:
    def __init__(self, interval: float = INTERVAL) -> None:
        self.clusters: dict[str, Load] = {}
        self.passed_over = 0
        self._interval = interval

    def answer(self) -> bytes:
        """What a client is told when it comes: report every cluster, this often, by locality and not by endpoint."""
        interval = Duration(seconds=int(self._interval), nanos=int(self._interval % 1 * 1e9))
        return LoadStatsResponse(send_all_clusters=True, load_reporting_interval=interval).SerializeToString()

    def reporter(self) -> Reporter:
        return Reporter(self)

    def of(self, name: str) -> Load | None:
        """Where the load of a cluster is added up; None where there are too many already."""
        found = self.clusters.get(name)
        if found is None and len(self.clusters) < CLUSTERS:
            found = self.clusters[name] = Load()
        return found


class Reporter:
    """One client: what it last said is under way, which goes with it."""

    def __init__(self, loads: Loads) -> None:
        self._loads = loads
        self._in_progress: dict[str, int] = {}

    def take(self, reported: Iterable[ClusterStats]) -> tuple[int, int, int]:
        """Add a report; gives what it says in all: succeeded, failed, dropped."""
        sums = (0, 0, 0)
        for stats in reported:
            load = self._loads.of(stats.cluster_name)
            if load is None:
                self._loads.passed_over += 1
                continue
            added = self._add(load, stats)
            sums = (sums[0] + added[0], sums[1] + added[1], sums[2] + added[2])
        return sums

    def _add(self, load: Load, stats: ClusterStats) -> tuple[int, int, int]:
        localities = stats.upstream_locality_stats
        succeeded, failed = sum(one.total_successful_requests for one in localities), sum(one.total_error_requests for one in localities)
        load.succeeded += succeeded
        load.failed += failed
        load.dropped += stats.total_dropped_requests
        load.issued += sum(one.total_issued_requests for one in localities)
        load.reports += 1
        now = sum(one.total_requests_in_progress for one in localities)
        load.in_progress += now - self._in_progress.get(stats.cluster_name, 0)
        self._in_progress[stats.cluster_name] = now
        return succeeded, failed, stats.total_dropped_requests

    def ended(self) -> None:
        for name, count in self._in_progress.items():
            self._loads.clusters[name].in_progress -= count
        self._in_progress.clear()
