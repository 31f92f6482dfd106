"""Sums by rule: what adds up, whose word counts, and that no proxy makes a label."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from tests.unit.xds.traffic.told import SHOP
from translator.envoy_v3.counting import BOUNDS
from xds.telemetry import Requests
from xds.traffic import counts
from xds.traffic.counts import ERRORS, OTHER, UNMATCHED, Traffic
from xds.traffic.reports import Answered, Forked, Took
from xds.traffic.rules import Rule, Rules

PEAR = "httproute/shop/pear/0/0"


class Known(Rules):
    """Rules without an engine: those that are there, by their label, and the group that serves all of them."""

    def __init__(self, *labels: tuple[Rule, str]) -> None:
        self.labels, self.group, self.answers = dict(labels), "infra/edge", ""
        self.clusters = {"fork/a", "fork/b"}

    def label(self, rule: Rule) -> str:
        return self.labels.get(rule, "")

    def served(self, rule: Rule, group: str) -> bool:
        return rule in self.labels and group in ("", self.group)

    def has_fork(self, cluster: str, group: str) -> bool:
        return cluster in self.clusters and group in ("", self.group)

    def lacks_backend(self, rule: Rule, status: str) -> bool:
        return rule in self.labels and status == self.answers


CART: Rule = ("httproute", "shop/cart", 0)
LABEL = "HTTPRoute/shop/cart/rule/0"


@pytest.fixture
def known() -> Known:
    return Known((CART, LABEL))


@pytest.fixture
def traffic(known: Known) -> Traffic:
    return Traffic(known)


def scraped(traffic: Traffic) -> list[str]:
    registry = CollectorRegistry()
    registry.register(Requests(traffic))
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def test_matches_of_a_rule_and_proxies_add_up(traffic: Traffic) -> None:
    for route, status, count in ((SHOP, "200", 3), ("httproute/shop/cart/0/1", "200", 4), (SHOP, "503", 1)):
        traffic.take(Answered(route, status, "-", count), "infra/edge")
    traffic.take(Answered(SHOP, "200", "-", 1), "")
    assert dict(traffic.there()[0].statuses) == {"200": 8, "503": 1}


def test_times_are_a_histogram_in_seconds(traffic: Traffic) -> None:
    for _ in range(2):
        traffic.take(Took(SHOP, (1, 2, *[0] * (len(BOUNDS) - 2), 4), 1.5))
    lines = [line for line in scraped(traffic) if line.startswith("proxy_request_duration_seconds")]
    assert lines[0] == f'proxy_request_duration_seconds_bucket{{le="0.005",path="{LABEL}"}} 2.0'
    assert lines[1] == f'proxy_request_duration_seconds_bucket{{le="0.01",path="{LABEL}"}} 6.0'
    assert lines[-3:] == [
        f'proxy_request_duration_seconds_bucket{{le="+Inf",path="{LABEL}"}} 14.0',
        f'proxy_request_duration_seconds_count{{path="{LABEL}"}} 14.0',
        f'proxy_request_duration_seconds_sum{{path="{LABEL}"}} 3.0',
    ]


@pytest.mark.parametrize(
    ("route", "status", "flags", "error"),
    [
        ("", "404", "NR", "no_route"),
        ("route-key-error", "400", "-", "invalid_key"),
        ("misdirected", "421", "-", "misdirected"),
        (SHOP, "500", "NC", "no_cluster"),
        (SHOP, "503", "UH", "no_healthy_upstream"),
        (SHOP, "503", "UF,URX", "connect_failure"),
        (SHOP, "500", "-", "no_backend"),
    ],
)
def test_errors_of_routing_are_told_by_their_kind(traffic: Traffic, known: Known, route: str, status: str, flags: str, error: str) -> None:
    known.answers = "500"
    traffic.take(Answered(route, status, flags, 2))
    assert traffic.errors == dict.fromkeys(ERRORS, 0) | {error: 2}
    assert f'proxy_routing_errors_total{{error_type="{error}"}} 2.0' in scraped(traffic)


@pytest.mark.parametrize(("status", "flags"), [("200", "-"), ("503", "-"), ("504", "UT"), ("0", "DC"), ("503", "UC")])
def test_what_a_backend_did_is_no_error_of_routing(traffic: Traffic, status: str, flags: str) -> None:
    traffic.take(Answered(SHOP, status, flags, 1))
    assert not any(traffic.errors.values())
    assert dict(traffic.there()[0].statuses) == {status: 1}


def test_requests_that_no_rule_took_are_counted_together(traffic: Traffic) -> None:
    for route in ("", "-", "route-key-error", "misdirected"):
        traffic.take(Answered(route, "404", "-", 1))
    assert f'proxy_requests_total{{path="{UNMATCHED}",status_code="404"}} 4.0' in scraped(traffic)


@pytest.mark.parametrize(
    ("route", "group"),
    [
        (PEAR, ""),
        ("httproute/shop/cart/1/0", ""),
        (SHOP, "infra/other"),
        ("canary", ""),
        ("httproute/shop/cart/0", ""),
        ("httproute/shop/cart/\u0660/0", ""),
        (f"httproute/shop/cart/{'9' * 5000}/0", ""),
        ("httproute/shop/cart/0/0\n", ""),
    ],
)
def test_what_is_said_of_no_rule_of_the_proxy_is_passed_over(traffic: Traffic, route: str, group: str) -> None:
    traffic.take(Answered(route, "200", "NR", 1), group)
    traffic.take(Took(route, (1, *[0] * len(BOUNDS)), 1.0), group)
    assert (traffic.there(), traffic.passed_over, any(traffic.errors.values())) == ([], 2, False)
    assert "pointsman_request_counts_passed_over_total 2.0" in scraped(traffic)


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=5), st.text(max_size=9)), max_size=30))
def test_no_proxy_makes_a_label(said: list[tuple[str, str, str]]) -> None:
    traffic = Traffic(Known((CART, LABEL)))
    for route, status, flags in said:
        for one in (route, SHOP, f"httproute/{route}/{route}/0/0"):
            traffic.take(Answered(one, status, flags, 1))
    assert {one.label for one in traffic.there()} <= {LABEL, UNMATCHED}
    assert {status for one in traffic.there() for status in one.statuses} <= {OTHER, "0", *map(str, range(100, 600))}


def test_rule_that_has_gone_takes_its_series_with_it(traffic: Traffic, known: Known) -> None:
    traffic.take(Answered(SHOP, "200", "-", 5))
    traffic.take(Answered("", "404", "NR", 1))
    known.labels.clear()
    assert [one.label for one in traffic.there()] == [UNMATCHED]
    known.labels[CART] = LABEL
    assert not any(LABEL in line for line in scraped(traffic)), "it begins anew"


def test_rule_that_is_called_otherwise_is_another(traffic: Traffic, known: Known) -> None:
    traffic.take(Answered(SHOP, "200", "-", 5))
    known.labels[CART] = "HTTPRoute/shop/cart/checkout"
    assert traffic.there() == []


def test_requests_of_forks_add_up_over_proxies_and_are_in_no_metric(traffic: Traffic, known: Known) -> None:
    for group, cluster in (("", "fork/a"), ("infra/edge", "fork/a"), ("", "fork/b"), ("infra/other", "fork/a"), ("", "service/a")):
        traffic.take(Forked(cluster, 2), group)
    assert (traffic.forks(), traffic.passed_over) == ({"fork/a": 4, "fork/b": 2}, 2)
    assert "fork/" not in "".join(scraped(traffic))
    known.clusters.remove("fork/a")
    assert traffic.forks() == {"fork/b": 2}


def test_what_comes_and_goes_fills_no_memory_though_nobody_looks(traffic: Traffic, known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "LOOK_AT", 10)
    for number in range(10_000):
        known.clusters = {f"fork/{number}"}
        traffic.take(Forked(f"fork/{number}", 1))
        assert len(traffic._forks) <= 1010
