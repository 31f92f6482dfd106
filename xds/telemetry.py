"""Every log event and every metric, by name. Nothing else in the process makes one up, so this page is what dashboards read."""

from __future__ import annotations

import logging
import sys
from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import accumulate
from typing import Any, Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from translator.envoy_v3.counting import BOUNDS
from xds.reports.queue import Counts
from xds.sources.interface import Health
from xds.traffic.counts import Traffic


class Log(StrEnum):
    """Log events."""

    STARTED = "server.started"
    SYNCED = "sources.synced"
    CHANGED = "sources.changed"
    FINDING = "sources.finding"
    CLEARED = "sources.finding-cleared"
    EXPIRED = "sources.expired"
    RULE_FAILED = "translation.rule-failed"
    CONNECTED = "proxy.connected"
    DISCONNECTED = "proxy.disconnected"
    NACKED = "proxy.nacked"
    REFUSED = "proxy.refused"
    GATE_EXPIRED = "proxy.gate-expired"
    TURNED_AWAY = "client.turned-away"
    WITHHELD = "proxy.withheld"
    CERTIFICATES = "certificates.taken"
    CERTIFICATES_KEPT = "certificates.kept"
    PLAINTEXT = "server.plain-text"
    BUG = "server.bug"
    STOPPING = "server.stopping"


_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Pushes(Collector):
    """What is sent and ACKed, by type. Counted once or twice a stream for each change, so in plain numbers: a counter of the
    library costs more than all that a stream decides.
    """

    def __init__(self) -> None:
        self.sent, self.bytes = Tally[str](), Tally[str]()
        self._acked: dict[str, list[int]] = {}  # by bucket
        self._seconds: dict[str, float] = {}

    def acked(self, type_url: str, seconds: float) -> None:
        found = self._acked.get(type_url)
        if found is None:
            found = self._acked[type_url] = [0] * (len(_SECONDS) + 1)
            self._seconds[type_url] = 0.0
        found[bisect_left(_SECONDS, seconds)] += 1
        self._seconds[type_url] += seconds

    def collect(self) -> Iterator[Metric]:
        sent = CounterMetricFamily("pointsman_xds_sent", "Responses sent.", labels=["type"])
        size = CounterMetricFamily("pointsman_xds_sent_bytes", "Bytes of responses sent.", labels=["type"])
        acked = HistogramMetricFamily("pointsman_xds_ack_seconds", "From a response to its ACK.", labels=["type"])
        for url, count in self.sent.items():
            sent.add_metric([url], count)
            size.add_metric([url], self.bytes[url])
        limits = [*map(str, map(float, _SECONDS)), "+Inf"]
        for url, counts in self._acked.items():
            acked.add_metric([url], list(zip(limits, accumulate(counts), strict=True)), self._seconds[url])
        yield from (sent, size, acked)


class Requests(Collector):
    """What proxies answered, by rule (P12 of the sandbox proxy that these names are of). `path` is the rule: no path, and no key."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    def collect(self) -> Iterator[Metric]:
        total = CounterMetricFamily("proxy_requests", "Requests answered by proxies.", labels=["path", "status_code"])
        took = HistogramMetricFamily("proxy_request_duration_seconds", "From a request to the end of its answer.", labels=["path"])
        errors = CounterMetricFamily("proxy_routing_errors", "Requests that no backend was found for.", labels=["error_type"])
        limits = [*(str(bound / 1000) for bound in BOUNDS), "+Inf"]
        for one in self._traffic.sums():
            for status, count in one.statuses.items():
                total.add_metric([one.label, status], count)
            took.add_metric([one.label], list(zip(limits, accumulate(one.buckets), strict=True)), one.seconds)
        for error, count in self._traffic.errors.items():
            errors.add_metric([error], count)
        passed = CounterMetricFamily("pointsman_request_counts_passed_over", "What proxies told of no rule that they serve.")
        passed.add_metric([], self._traffic.passed_over)
        yield from (total, took, errors, passed)


class Metrics:
    """One registry of its own, so that two servers in one process do not add up."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.changes = Counter("pointsman_changes", "Changes of objects that sources told.", ["kind"], registry=self.registry)
        self.objects = Gauge("pointsman_objects", "Objects in force.", ["kind"], registry=self.registry)
        self.findings = Gauge("pointsman_findings", "What is wrong now, by code.", ["code"], registry=self.registry)
        self.batches = Counter("pointsman_translation_batches", "Batches of changes translated.", registry=self.registry)
        self.seconds = Histogram(
            "pointsman_translation_seconds", "From taking in a batch to its outputs.", buckets=_SECONDS, registry=self.registry
        )
        self.failures = Gauge("pointsman_translation_failures", "Rules that raised and have not recovered.", registry=self.registry)
        self.resources = Counter("pointsman_resources_changed", "Resources made, changed or removed.", registry=self.registry)
        self.proxies = Gauge("pointsman_proxies", "Connected proxies.", ["group"], registry=self.registry)
        self.pushes = Pushes()
        self.registry.register(self.pushes)
        self.nacked = Counter("pointsman_xds_nacked", "Responses that a proxy refused.", ["type"], registry=self.registry)
        self.refused = Counter("pointsman_xds_refused", "Resources that were the reason.", ["type"], registry=self.registry)
        self.quarantined = Gauge("pointsman_quarantined", "Refused states that are remembered.", registry=self.registry)
        self.turned_away = Counter(
            "pointsman_xds_turned_away", "Calls that were not let in, or ended, by reason.", ["reason"], registry=self.registry
        )
        self.withheld = Counter("pointsman_xds_withheld", "Names asked for by who may not see them.", ["type"], registry=self.registry)
        self.expired = Counter("pointsman_xds_gate_expired", "Pushes that went on without an ACK.", ["type"], registry=self.registry)
        self.changed = Histogram(
            "pointsman_change_ack_seconds", "From reading an object to the last proxy's ACK.", ["kind"], buckets=_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.unacked = Gauge("pointsman_changes_unacked", "Changes that some connected proxy has not ACKed.", registry=self.registry)
        self.load_reports = Counter("pointsman_load_reports", "Load reports of proxies (LRS).", registry=self.registry)
        self.load = Counter("pointsman_load_requests", "Requests that proxies reported (LRS).", ["result"], registry=self.registry)
        self.source_age = Gauge("pointsman_source_age_seconds", "Since the source was last heard of.", ["kind"], registry=self.registry)
        self.source_parked = Gauge("pointsman_source_parked", "1: not served, or forbidden.", ["kind", "reason"], registry=self.registry)
        self.source_held = Gauge("pointsman_source_held", "Objects in force though they are gone.", ["kind"], registry=self.registry)
        self.status_writes = Gauge(
            "pointsman_status_writes", "Statuses looked at since the start, by what came of it.", ["result"], registry=self.registry
        )
        self.plane_writes = Gauge("pointsman_data_plane_writes", "Objects of data planes applied.", ["result"], registry=self.registry)
        self.planes_wrong = Gauge("pointsman_data_planes_wrong", "Data planes that could not be applied.", registry=self.registry)
        self.leads = Gauge("pointsman_leader", "1 where this replica writes statuses.", registry=self.registry)
        self.synced = Gauge("pointsman_synced", "1 when the first full sync is done.", registry=self.registry)

    def reports(self, counts: Counts, *, leads: bool) -> None:
        """What the writer of statuses has done, now."""
        self.leads.set(leads)
        for result in ("written", "unchanged", "conflicts", "failed"):
            self.status_writes.labels(result).set(getattr(counts, result))

    def planes(self, counts: Counts, wrong: int) -> None:
        """What the writer of data planes has done, and how many of them are not as they should be."""
        self.plane_writes.labels("written").set(counts.written)
        self.plane_writes.labels("failed").set(counts.failed)
        self.planes_wrong.set(wrong)

    def source(self, health: Iterable[Health]) -> None:
        """How the kinds fare at their source, now."""
        self.source_parked.clear()
        for one in health:
            self.source_age.labels(one.kind).set(float("nan") if one.age is None else one.age)
            self.source_held.labels(one.kind).set(one.held)
            if one.parked:
                self.source_parked.labels(one.kind, one.parked).set(1)

    def text(self) -> bytes:
        """What Prometheus scrapes."""
        return generate_latest(self.registry)


Form = Literal["json", "console", "none"]
Logger = Any  # structlog's wrappers have no type of their own


def logger(form: Form) -> Logger:
    """JSON lines for machines, key=value for people; on stderr, because stdout is for what a command was asked."""
    if form == "none":
        return structlog.wrap_logger(structlog.ReturnLogger(), processors=[_drop])
    last = structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True), last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


def _drop(*_: object) -> dict[str, object]:
    raise structlog.DropEvent
