"""A message of OTLP gives what happened since the last one, and nothing that is odd."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.v3 import ExportMetricsServiceRequest
from tests.unit.xds.traffic.told import SHOP, answered, export, forked, took
from translator.envoy_v3.counting import BOUNDS
from xds.traffic.reports import Answered, Forked, Took, points


def test_counts_and_times_come_as_they_are_told() -> None:
    found = [*points(export(answered(count=7, flags="UF,URX"), took(below=(0, 2, 1), milliseconds=40), forked("fork/x", 5)))]
    assert found == [Answered(SHOP, "200", "UF,URX", 7), Took(SHOP, (0, 2, 1, *[0] * (len(BOUNDS) - 2)), 0.04), Forked("fork/x", 5)]


def test_tags_that_are_not_there_are_empty() -> None:
    request = export(answered())
    del request.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points[0].attributes[:]
    assert [*points(request)] == [Answered("", "", "", 1)]


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(answered(name="envoy.cluster.upstream_rq"), id="another-metric"),
        pytest.param(answered(temporality=2), id="a-total"),
        pytest.param(answered(count=0), id="nothing"),
        pytest.param(answered(count=-1), id="less-than-nothing"),
        pytest.param(answered(count=1 << 60), id="more-than-can-be"),
        pytest.param(took(temporality=2), id="a-total-of-times"),
        pytest.param(took(bounds=(1, 2, 3)), id="other-buckets"),
        pytest.param(took(count=2), id="buckets-that-do-not-add-up"),
        pytest.param(took(milliseconds=-1), id="negative-times"),
        pytest.param(took(milliseconds="Infinity"), id="endless-times"),
        pytest.param(took(milliseconds="NaN"), id="no-number"),
        pytest.param(took(below=()), id="no-request"),
    ],
)
def test_what_is_odd_is_left_out(odd: dict[str, object]) -> None:
    assert [*points(export(odd, answered()))] == [Answered(SHOP, "200", "-", 1)]


@given(st.binary(max_size=200))
def test_no_message_is_a_crash(body: bytes) -> None:
    request = ExportMetricsServiceRequest()
    try:
        request.ParseFromString(body)
    except Exception:  # noqa: BLE001 - what is no message is for who reads bytes
        return
    assert all(type(one) in (Answered, Took, Forked) for one in points(request))
