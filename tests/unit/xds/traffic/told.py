"""What Envoy sends of requests, as a message."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.json_format import ParseDict

from protos.v3 import ExportMetricsServiceRequest
from translator.envoy_v3.counting import BOUNDS, DURATION, FORKS, REQUESTS

SHOP = "httproute/shop/cart/0/0"


def attributes(**tags: str) -> list[dict[str, object]]:
    return [{"key": name, "value": {"stringValue": value}} for name, value in tags.items()]


def answered(
    route: str = SHOP, status: str = "200", flags: str = "-", count: int = 1, *, name: str = REQUESTS, temporality: int = 1
) -> dict[str, object]:
    point = {"attributes": attributes(route=route, status=status, flags=flags), "asInt": count}
    return {"name": name, "sum": {"dataPoints": [point], "aggregationTemporality": temporality}}


def forked(cluster: str, count: int = 1) -> dict[str, object]:
    point = {"attributes": attributes(cluster=cluster), "asInt": count}
    return {"name": FORKS, "sum": {"dataPoints": [point], "aggregationTemporality": 1}}


def took(
    route: str = SHOP,
    *,
    below: Sequence[int] = (1,),
    milliseconds: float | str = 3.0,
    bounds: Sequence[float] = BOUNDS,
    temporality: int = 1,
    count: int | None = None,
) -> dict[str, object]:
    """`below` are the buckets from the first on; the others are empty."""
    buckets = [*below, *[0] * (len(bounds) + 1 - len(below))]
    point = {
        "attributes": attributes(route=route),
        "count": sum(buckets) if count is None else count,
        "sum": milliseconds,
        "bucketCounts": buckets,
        "explicitBounds": list(bounds),
    }
    return {"name": DURATION, "histogram": {"dataPoints": [point], "aggregationTemporality": temporality}}


def export(*metrics: dict[str, object]) -> ExportMetricsServiceRequest:
    return ParseDict({"resourceMetrics": [{"scopeMetrics": [{"metrics": list(metrics)}]}]}, ExportMetricsServiceRequest())
