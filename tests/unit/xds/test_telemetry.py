"""What Prometheus is told of pushes, counted in plain numbers."""

from __future__ import annotations

from xds.telemetry import Metrics


def lines(metrics: Metrics, name: str) -> list[str]:
    return [line for line in metrics.text().decode().splitlines() if line.startswith(name)]


def test_pushes_are_counted_by_type() -> None:
    metrics = Metrics()
    for size in (10, 20):
        metrics.pushes.sent["a"] += 1
        metrics.pushes.bytes["a"] += size
    assert lines(metrics, "pointsman_xds_sent") == [
        'pointsman_xds_sent_total{type="a"} 2.0',
        'pointsman_xds_sent_bytes_total{type="a"} 30.0',
    ]


def test_buckets_of_acks_add_up() -> None:
    metrics = Metrics()
    for seconds in (0.001, 0.002, 0.3, 100.0):
        metrics.pushes.acked("a", seconds)
    found = dict(line.split(" ") for line in lines(metrics, "pointsman_xds_ack_seconds"))
    name = "pointsman_xds_ack_seconds"
    limits = ("0.001", "0.0025", "0.25", "0.5", "30.0", "+Inf")
    assert [found[f'{name}_bucket{{le="{limit}",type="a"}}'] for limit in limits] == ["1.0", "2.0", "2.0", "3.0", "3.0", "4.0"]
    assert (found[f'{name}_count{{type="a"}}'], found[f'{name}_sum{{type="a"}}']) == ("4.0", "100.303")


def test_nothing_pushed_is_no_sample() -> None:
    assert lines(Metrics(), "pointsman_xds_sent") == []
