"""What a proxy sent of its requests, as plain values. Knows the messages of OTLP; what is none of this is left out.

Only what happened since the last message counts: totals would count twice when a proxy comes back, or goes to another server.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from protos.v3 import AggregationTemporality, ExportMetricsServiceRequest, HistogramDataPoint, Metric
from translator.envoy_v3.counting import BOUNDS, CLUSTER, DURATION, FLAGS, FORKS, REQUESTS, ROUTE, STATUS

DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
MOST = 1 << 53  # more than this has happened to nobody since the last report


class Answered(Struct, frozen=True):
    """So many requests of a route had this status and these response flags (Envoy's, with commas between)."""

    route: str
    status: str
    flags: str
    count: int


class Took(Struct, frozen=True):
    """How long requests of a route took: how many fell below each of BOUNDS and not below the one before, and the sum in seconds."""

    route: str
    buckets: tuple[int, ...]
    seconds: float


class Forked(Struct, frozen=True):
    """So many requests were answered by this cluster, which is a fork."""

    cluster: str
    count: int


Point = Answered | Took | Forked


def points(request: ExportMetricsServiceRequest) -> Iterator[Point]:
    for of_resource in request.resource_metrics:
        for of_scope in of_resource.scope_metrics:
            for metric in of_scope.metrics:
                yield from _of(metric)


def _of(metric: Metric) -> Iterator[Point]:
    if metric.name in (REQUESTS, FORKS) and metric.sum.aggregation_temporality == DELTA:
        for one in metric.sum.data_points:
            if 0 < one.as_int < MOST:
                yield _counted(metric.name, _tags(one.attributes), one.as_int)
    elif metric.name == DURATION and metric.histogram.aggregation_temporality == DELTA:
        for took in metric.histogram.data_points:
            if _is_whole(took):
                yield Took(_tags(took.attributes).get(ROUTE, ""), tuple(took.bucket_counts), took.sum / 1000)


def _counted(name: str, tags: dict[str, str], count: int) -> Point:
    if name == FORKS:
        return Forked(tags.get(CLUSTER, ""), count)
    return Answered(tags.get(ROUTE, ""), tags.get(STATUS, ""), tags.get(FLAGS, ""), count)


def _is_whole(took: HistogramDataPoint) -> bool:
    """In the buckets that the bootstrap asks for, and no more in them than it says."""
    if tuple(took.explicit_bounds) != BOUNDS or len(took.bucket_counts) != len(BOUNDS) + 1:
        return False
    return 0 < took.count < MOST and sum(took.bucket_counts) == took.count and 0 <= took.sum < MOST


def _tags(attributes: Iterable[Any]) -> dict[str, str]:
    return {one.key: one.value.string_value for one in attributes}
