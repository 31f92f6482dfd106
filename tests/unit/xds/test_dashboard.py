"""Every question of the dashboard is about a metric that there is, by labels that it has."""

from __future__ import annotations

import json
import re

import pytest
from prometheus_client.core import Metric

from xds import dashboard
from xds.telemetry import Metrics

FUNCTIONS = {"by", "histogram_quantile", "increase", "le", "max", "or", "rate", "sum", "vector"}
OF_SCRAPES = {"pod", "namespace"}  # labels that Prometheus adds
OF_ENVOY = {  # Envoy 1.40, "HTTP connection manager" and "Server": statistics, and the tags that they are cut into
    "envoy_http_downstream_rq_total": set[str](),
    "envoy_http_downstream_rq_xx": {"envoy_response_code_class"},
    "envoy_server_memory_allocated": set[str](),
}


def ours() -> dict[str, set[str]]:
    """Series → labels."""
    metrics = Metrics()
    found: dict[str, set[str]] = {}
    pushes = {"pointsman_xds_sent": "_total", "pointsman_xds_sent_bytes": "_total", "pointsman_xds_ack_seconds": "_bucket"}
    found |= {f"{name}{suffix}": {"type"} for name, suffix in pushes.items()}
    for collector in metrics.registry._collector_to_names:
        labels = set(getattr(collector, "_labelnames", ()))
        for one in collector.collect():
            assert isinstance(one, Metric)
            suffix = {"counter": "_total", "histogram": "_bucket"}.get(one.type, "")
            found.setdefault(f"{one.name}{suffix}" if not one.name.endswith(suffix or "!") else one.name, labels)
    return found


OF_REQUESTS = {  # those of `telemetry.Requests`
    "proxy_requests_total": {"path", "status_code"},
    "proxy_request_duration_seconds_bucket": {"path"},
    "proxy_routing_errors_total": {"error_type"},
}
KNOWN = {**ours(), **OF_ENVOY, **OF_REQUESTS}


def test_file_is_fresh() -> None:
    assert dashboard.PLACE.read_text() == dashboard.text(), "run `make dashboard`"


@pytest.mark.parametrize("panel", dashboard.PANELS, ids=lambda panel: panel.title)
def test_panel_asks_for_what_there_is(panel: dashboard.Panel) -> None:
    words = re.sub(r'"[^"]*"|\[[^]]*\]', "", panel.ask)
    names = set(re.findall(r"[a-z_][a-z_0-9]{2,}", words)) - FUNCTIONS
    metrics = names & KNOWN.keys()
    assert len(metrics) == 1, f"{names} has no metric, or several"
    labels = KNOWN[metrics.pop()] | OF_SCRAPES | {dashboard.GATEWAY}
    assert names - KNOWN.keys() <= labels
    assert set(re.findall(r"{{(\w+)}}", panel.legend)) <= labels


def test_panels_lie_side_by_side_and_do_not_overlap() -> None:
    places = [tuple(one["gridPos"].values()) for one in dashboard.dashboard()["panels"]]
    assert len(set(places)) == len(places)
    assert all(x + width <= 24 for x, _, width, _ in places)


def test_what_is_imported_is_json_with_a_choice_of_prometheus() -> None:
    found = json.loads(dashboard.text())
    assert [one["type"] for one in found["templating"]["list"]] == ["datasource"]
    assert all(one["datasource"]["uid"] == "${source}" for one in found["panels"])
