"""The part of a bootstrap by which requests that were counted are sent."""

from __future__ import annotations

from google.protobuf.json_format import ParseDict

import protos.envoy.extensions.matching.common_inputs.stats.v3.stats_pb2
import protos.envoy.extensions.resource_monitors.downstream_connections.v3.downstream_connections_pb2
import protos.envoy.extensions.stat_sinks.open_telemetry.v3.open_telemetry_pb2
import protos.envoy.extensions.upstreams.http.v3.http_protocol_options_pb2  # noqa: F401 - what the Anys hold
from protos.v3 import Bootstrap as Message
from translator.envoy_v3.counting import BOUNDS
from xds.bootstrap import Bootstrap, bootstrap
from xds.security.access import Limits
from xds.traffic.sink import EVERY, POINTS, UNUSED


def test_it_is_part_of_a_bootstrap_by_envoys_own_description() -> None:
    message = ParseDict(bootstrap(Bootstrap(request_metrics=True)), Message())
    assert [one.name for one in message.stats_sinks] == ["envoy.stat_sinks.open_telemetry"]
    [buckets] = message.stats_config.histogram_bucket_settings
    assert tuple(buckets.buckets) == BOUNDS


def test_without_the_wish_a_bootstrap_is_what_it_was() -> None:
    plain, wished = bootstrap(Bootstrap()), bootstrap(Bootstrap(request_metrics=True))
    added = {name for name, value in wished.items() if plain.get(name) != value}
    assert added == {"stats_sinks", "stats_flush_interval", "stats_eviction_interval", "stats_config"}
    assert wished.keys() - plain.keys() == added - {"stats_flush_interval"}


def test_everything_else_that_envoy_counts_stays_there() -> None:
    sink = bootstrap(Bootstrap(request_metrics=True))["stats_sinks"][0]["typed_config"]
    conversions = sink["custom_metric_conversions"]
    assert conversions["on_no_match"]["action"]["typed_config"]["@type"].endswith("SinkConfig.DropAction")
    wanted = [one["predicate"]["single_predicate"]["value_match"]["prefix"] for one in conversions["matcher_list"]["matchers"]]
    assert wanted == ["pointsman.requests.", "pointsman.duration.", "pointsman.forks.cluster.fork/", "pointsman.forks.cluster.beside/"]
    assert sink["report_counters_as_deltas"]
    assert sink["report_histograms_as_deltas"]


def test_intervals_fit_and_no_message_is_larger_than_a_client_may_send() -> None:
    assert UNUSED % EVERY == 0, "Envoy wants one to be a multiple of the other"
    longest = 600  # bytes of a histogram with names as long as they may be, and some
    assert longest * POINTS < Limits().bytes
