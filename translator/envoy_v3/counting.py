"""Requests counted where they are answered: statistics of Envoy by route, status and what went wrong, made by an access logger.

Names and tags are agreed with whoever reads them (`xds/traffic/`). A tag holds the name of a route and never anything a client
said, so there are as many statistics as routes, and what is answered by them. Where keys are read, requests are counted by cluster
too, for the forks among these: a report of load (LRS) would leave out the first requests of each. Envoy keeps at most COUNTERS and
HISTOGRAMS of a process, and gives up those that nobody used of late.

Source: Envoy 1.40, "Stats logger". Its `stats_scope` is not in the published API yet, hence the numbers.
"""

from __future__ import annotations

from protos.v3 import AccessLog, Any, StatsLog, data, framed, type_url

PREFIX = "pointsman"  # of the statistics: `pointsman.requests.route.…`
REQUESTS, DURATION, FORKS = "requests", "duration", "forks"
ROUTE, STATUS, FLAGS, CLUSTER = "route", "status", "flags", "cluster"  # tags
COUNTERS, HISTOGRAMS = 100_000, 20_000
BOUNDS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)  # milliseconds: what clients of Prometheus use unless told otherwise

_STATS_SCOPE = 6  # of StatsLog
_MAX_COUNTERS, _MAX_HISTOGRAMS, _ENABLE_EVICTION, _PREFIX, _SHARING_NAME = 1, 3, 4, 5, 6  # of Scope


def _tags(**formats: str) -> list[dict[str, str]]:
    return [{"name": name, "value_format": value} for name, value in formats.items()]


def _limit(field: int, most: int) -> bytes:
    return framed(field, data(StatsLog.Counter(value_fixed={"value": most}).value_fixed))


def _scope() -> bytes:
    """One for all listeners of a process, so that they share its limits."""
    limits = _limit(_MAX_COUNTERS, COUNTERS) + _limit(_MAX_HISTOGRAMS, HISTOGRAMS)
    named = framed(_PREFIX, PREFIX.encode()) + framed(_SHARING_NAME, PREFIX.encode())
    return framed(_STATS_SCOPE, limits + bytes((_ENABLE_EVICTION << 3, 1)) + named)


def access_log(*, forks: bool) -> AccessLog:
    """DURATION is whole milliseconds, from the first byte of a request to the last of its answer; it is known of every request."""
    answered = {"name": REQUESTS, "tags": _tags(route="%ROUTE_NAME%", status="%RESPONSE_CODE%", flags="%RESPONSE_FLAGS%")}
    took = {"name": DURATION, "tags": _tags(route="%ROUTE_NAME%")}
    by = {"name": FORKS, "tags": _tags(cluster="%UPSTREAM_CLUSTER_RAW%")}
    config = StatsLog(
        counters=[{"stat": one, "value_fixed": {"value": 1}} for one in (answered, *((by,) if forks else ()))],
        histograms=[{"stat": took, "unit": StatsLog.Histogram.Milliseconds, "value_format": "%DURATION%"}],
    )
    return AccessLog(name="count", typed_config=Any(type_url=type_url(StatsLog), value=data(config) + _scope()))
