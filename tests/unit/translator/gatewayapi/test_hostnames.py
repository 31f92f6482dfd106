"""Claims about hostnames: what listeners and routes share, and who owns a host."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translator.gatewayapi.hostnames import covers, intersect, narrower, shared


@pytest.mark.parametrize(
    ("listener", "route", "expected"),
    [
        pytest.param("", "", "", id="any-and-any"),
        pytest.param("", "a.com", "a.com", id="any-takes-exact"),
        pytest.param("a.com", "", "a.com", id="route-without-hostname-takes-the-listeners"),
        pytest.param("a.com", "b.com", None, id="different-exact"),
        pytest.param("*.a.com", "x.a.com", "x.a.com", id="wildcard-covers-one-label"),
        pytest.param("*.a.com", "y.x.a.com", "y.x.a.com", id="wildcard-covers-many-labels"),
        pytest.param("*.a.com", "a.com", None, id="wildcard-does-not-cover-its-own-suffix"),
        pytest.param("*.a.com", "*.a.com", "*.a.com", id="same-wildcard"),
        pytest.param("*.a.com", "*.x.a.com", "*.x.a.com", id="narrower-wildcard-of-the-route"),
        pytest.param("*.x.a.com", "*.a.com", "*.x.a.com", id="narrower-wildcard-of-the-listener"),
        pytest.param("x.a.com", "*.a.com", "x.a.com", id="wildcard-of-the-route-covers-exact-listener"),
        pytest.param("*.a.com", "*.b.com", None, id="different-wildcards"),
        pytest.param("*.com", "xcom", None, id="suffix-is-cut-at-a-dot"),
    ],
)
def test_what_a_listener_and_a_route_share(listener: str, route: str, expected: str | None) -> None:
    assert intersect(listener, route) == expected


def test_route_hostnames_are_compared_in_lower_case_and_once() -> None:
    assert shared("*.a.com", ["X.A.com", "x.a.com", "b.com"]) == ["x.a.com"]


def test_a_route_without_hostnames_takes_all_the_listener_has() -> None:
    assert shared("*.a.com", []) == ["*.a.com"]


def test_owners_are_asked_from_the_most_specific_to_the_least() -> None:
    assert list(narrower("a.b.com", "")) == ["a.b.com", "*.b.com", "*.com"]
    assert list(narrower("a.b.com", "*.com")) == ["a.b.com", "*.b.com"]
    assert list(narrower("*.b.com", "*.com")) == ["*.b.com"]
    assert list(narrower("a.b.com", "a.b.com")) == []
    assert list(narrower("", "")) == []


labels = st.sampled_from(["a", "b", "com"])
exact = st.lists(labels, min_size=1, max_size=4).map(".".join)
hostnames = st.one_of(st.just(""), exact, exact.map("*.{}".format))


@given(hostnames, hostnames)
def test_intersection_does_not_depend_on_who_asks(one: str, other: str) -> None:
    assert intersect(one, other) == intersect(other, one)


@given(hostnames, hostnames)
def test_all_hostnames_passed_on_the_way_up_cover_the_host(host: str, than: str) -> None:
    if covers(than, host):
        passed = list(narrower(host, than))
        assert all(covers(each, host) for each in passed)
        assert than not in passed
