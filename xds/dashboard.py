"""The Grafana dashboard: which panels it has, and what each asks Prometheus. `make dashboard` writes it to deploy/grafana.

Pure. Its questions are about metrics that `telemetry.py` names, or that Envoy has; a test holds it to both.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]
PLACE = Path(__file__).parent.parent / "deploy" / "grafana" / "pointsman.json"
WIDTH, HEIGHT, COLUMNS = 8, 7, 3  # of a panel, in units of Grafana, which has 24 in a row
SOURCE = {"type": "prometheus", "uid": "${source}"}


@dataclass(frozen=True)
class Panel:
    """A question, its unit, and what each line is called."""

    title: str
    ask: str
    legend: str = "__auto"
    unit: str = "short"
    kind: str = "timeseries"


GATEWAY = "gateway_networking_k8s_io_gateway_name"  # as Prometheus has the label


def _p99(metric: str, *by: str) -> str:
    return f"histogram_quantile(0.99, sum by ({', '.join(('le', *by))}) (rate({metric}_bucket[5m])))"


def _rate(metric: str, *by: str) -> str:
    return f"sum by ({', '.join(by)}) (rate({metric}[5m]))"


def _more(metric: str, *by: str) -> str:
    return f"sum by ({', '.join(by)}) (increase({metric}[5m]))"


PANELS = (
    Panel("Proxies", "sum(pointsman_proxies)", "connected", kind="stat"),
    Panel("Findings", "sum(max by (code) (pointsman_findings)) or vector(0)", "wrong now", kind="stat"),
    Panel("Replicas that write", "sum(pointsman_leader)", "leaders", kind="stat"),
    Panel("From a change to the last ACK, p99", _p99("pointsman_change_ack_seconds", "kind"), "{{kind}}", "s"),
    Panel("From a response to its ACK, p99", _p99("pointsman_xds_ack_seconds", "type"), "{{type}}", "s"),
    Panel("Translation of a batch, p99", _p99("pointsman_translation_seconds"), "p99", "s"),
    Panel("Changes of objects", _rate("pointsman_changes_total", "kind"), "{{kind}}", "ops"),
    Panel("Resources changed", _rate("pointsman_resources_changed_total", "pod"), "{{pod}}", "ops"),
    Panel("Bytes sent to proxies", _rate("pointsman_xds_sent_bytes_total", "type"), "{{type}}", "Bps"),
    Panel("Refused by proxies", _more("pointsman_xds_nacked_total", "type"), "{{type}}"),
    Panel("Not let in", _more("pointsman_xds_turned_away_total", "reason"), "{{reason}}"),
    Panel("Findings by code", "max by (code) (pointsman_findings)", "{{code}}"),
    Panel("Silence of the API server", "max by (kind) (pointsman_source_age_seconds)", "{{kind}}", "s"),
    Panel("Statuses looked at", "sum by (result) (pointsman_status_writes)", "{{result}}"),
    Panel("Data planes that are not as they should be", "max(pointsman_data_planes_wrong)", "wrong"),
    Panel("Objects", "max by (kind) (pointsman_objects)", "{{kind}}"),
    Panel("Memory of the server", 'process_resident_memory_bytes{namespace="pointsman-system"}', "{{pod}}", "bytes"),
    Panel("CPU of the server", 'rate(process_cpu_seconds_total{namespace="pointsman-system"}[5m])', "{{pod}}"),
    Panel("Requests at Gateways", _rate("envoy_http_downstream_rq_total", GATEWAY), f"{{{{{GATEWAY}}}}}", "reqps"),
    Panel("Answers", _rate("envoy_http_downstream_rq_xx", "envoy_response_code_class"), "{{envoy_response_code_class}}xx", "reqps"),
    Panel("Requests by rule", _rate("proxy_requests_total", "path"), "{{path}}", "reqps"),
    Panel("From a request to the end of its answer, p99", _p99("proxy_request_duration_seconds", "path"), "{{path}}", "s"),
    Panel("Requests that no backend was found for", _rate("proxy_routing_errors_total", "error_type"), "{{error_type}}", "reqps"),
    Panel("Memory of proxies", "sum by (pod) (envoy_server_memory_allocated)", "{{pod}}", "bytes"),
)


def dashboard() -> Json:
    """As Grafana imports it; which Prometheus is asked is for the page to choose."""
    source = {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    return {
        "uid": "pointsman",
        "title": "Pointsman",
        "tags": ["pointsman", "envoy"],
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [source]},
        "panels": [_panel(number, one) for number, one in enumerate(PANELS)],
    }


def _panel(number: int, one: Panel) -> Json:
    row, column = divmod(number, COLUMNS)
    return {
        "id": number + 1,
        "type": one.kind,
        "title": one.title,
        "datasource": SOURCE,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": one.unit, "min": 0}, "overrides": []},
        "targets": [{"refId": "A", "datasource": SOURCE, "expr": one.ask, "legendFormat": one.legend}],
    }


def text() -> str:
    """The file, whole."""
    return json.dumps(dashboard(), indent=1) + "\n"


def write(to: Path = PLACE) -> None:
    """What `make dashboard` does."""
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(text())
