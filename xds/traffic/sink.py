"""How an Envoy is told to send what it counted of requests: the part of its bootstrap, as plain values.

What changed since the last time is sent, by OTLP: of ten thousand rules those that had requests. Everything else that Envoy counts
stays there. Source: Envoy 1.40 docs, "Open Telemetry Stats Sink", and `stats_eviction_interval` of the bootstrap.
"""

from __future__ import annotations

from typing import Any

from translator.envoy_v3.counting import BOUNDS, CLUSTER, DURATION, FORKS, PREFIX, REQUESTS
from translator.ir import names

EVERY, UNUSED = 10, 600  # seconds between two reports, and after which Envoy gives up a statistic that nobody used
POINTS = 5_000  # of one message: below what a client may send at once
_SINK = "type.googleapis.com/envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig"
_NAME = "type.googleapis.com/envoy.extensions.matching.common_inputs.stats.v3.StatFullNameMatchInput"
Json = dict[str, Any]
SENT = (  # what is sent, under which name, and how the names of the statistics begin
    (REQUESTS, f"{PREFIX}.{REQUESTS}."),
    (DURATION, f"{PREFIX}.{DURATION}."),
    *((FORKS, f"{PREFIX}.{FORKS}.{CLUSTER}.{kind}/") for kind in (names.FORK, names.BESIDE)),
)


def reporting(cluster: str) -> Json:
    """Fields of a bootstrap; `cluster` is that of the server."""
    sink = {
        "@type": _SINK,
        "grpc_service": {"envoy_grpc": {"cluster_name": cluster}, "timeout": "5s"},
        "report_counters_as_deltas": True,
        "report_histograms_as_deltas": True,
        "max_data_points_per_request": POINTS,
        "custom_metric_conversions": {
            "matcher_list": {"matchers": [_sent(name, start) for name, start in SENT]},
            "on_no_match": _does("drop", {"@type": f"{_SINK}.DropAction"}),
        },
    }
    buckets = {"match": {"prefix": f"{PREFIX}.{DURATION}."}, "buckets": list(BOUNDS)}
    return {
        "stats_sinks": [{"name": "envoy.stat_sinks.open_telemetry", "typed_config": sink}],
        "stats_flush_interval": f"{EVERY}s",
        "stats_eviction_interval": f"{UNUSED}s",
        "stats_config": {"histogram_bucket_settings": [buckets]},
    }


def _sent(name: str, start: str) -> Json:
    """Statistics whose names begin so, all as one metric."""
    named = {"input": {"name": "name", "typed_config": {"@type": _NAME}}, "value_match": {"prefix": start}}
    return {
        "predicate": {"single_predicate": named},
        "on_match": _does("send", {"@type": f"{_SINK}.ConversionAction", "metric_name": name}),
    }


def _does(name: str, action: Json) -> Json:
    return {"action": {"name": name, "typed_config": action}}
