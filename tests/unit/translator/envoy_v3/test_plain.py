"""What is written without a message is what the message would have been, and nothing of it breaks a rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.v3 import Cluster as EnvoyCluster
from protos.v3 import RouteMatch, data
from tests.unit.translator.envoy_v3.world import entry
from translator.envoy_v3.checks import endpoint_faults, entry_findings
from translator.envoy_v3.cluster import assignment, cluster
from translator.envoy_v3.plain import plain_action, plain_assignment, plain_match
from translator.envoy_v3.route import route_match, shared_rest
from translator.envoy_v3.validation import violations
from translator.ir.cluster import Cluster, Endpoint, Protocol, Use
from translator.ir.route import Answer, Forward, Match, PathMatch, Share, TextMatch

paths = st.builds(
    PathMatch,
    st.sampled_from(["exact", "prefix", "regex"]),
    st.sampled_from(["", "/", "//", "/a", "/a/", "/a//", "a", "/a?b", "/#", "/a/b", "/?", "/ä"]) | st.text("/a?#", max_size=6),
)
texts = st.builds(TextMatch, st.sampled_from(["exact", "exact", "regex"]), st.text("x-:A ä\n", max_size=4), st.text("v\té", max_size=200))
matches = st.builds(
    Match,
    path=paths,
    method=st.sampled_from(["", "GET"]),
    headers=st.lists(texts, max_size=2).map(tuple),
    query=st.lists(texts, max_size=1).map(tuple),
)


@given(matches)
def test_a_plain_match_is_the_bytes_of_its_message_and_breaks_no_rule(wanted: Match) -> None:
    one = entry(match=wanted)
    body = plain_match(wanted)
    if body is not None:
        assert [*entry_findings(one)] == []
        assert body == data(route_match(wanted))
        assert violations(RouteMatch.FromString(body)) == ()


def test_paths_prefixes_methods_and_exact_headers_are_plain() -> None:
    header = (TextMatch("exact", "x-canary", "1"),)
    assert all(
        plain_match(Match(path=PathMatch(kind, path), method=method, headers=headers)) is not None
        for kind, path in (("exact", "/"), ("exact", "/a"), ("prefix", "/"), ("prefix", "/a/b/"))
        for method in ("", "GET")
        for headers in ((), header)
    )


def test_what_envoy_may_refuse_is_not_plain() -> None:
    regex, query = (TextMatch("regex", "x", "a"),), (TextMatch("exact", "q", "1"),)
    assert plain_match(Match(path=PathMatch("regex", "/a"))) is None
    assert plain_match(Match(path=PathMatch("prefix", "/a?b"))) is None
    assert plain_match(Match(path=PathMatch("prefix", "/a"), headers=regex)) is None
    assert plain_match(Match(path=PathMatch("exact", "/a"), query=query)) is None


shares = st.builds(Share, cluster=st.sampled_from(["", "service/a/b/80", "é" * 90]), weight=st.integers(0, 2))
actions = st.builds(
    Forward,
    shares=st.lists(shares, max_size=2).map(tuple),
    timeout=st.sampled_from([None, 0, 1500]),
    backend_timeout=st.sampled_from([None, 0, 700]),
    missing=st.sampled_from([500, 503]),
)


@given(actions)
def test_a_plain_action_is_the_bytes_of_its_message_and_breaks_no_rule(wanted: Forward) -> None:
    body = plain_action(wanted)
    if body is not None:
        message = shared_rest(entry(action=wanted))
        assert body == data(message)
        message.match.prefix = "/"
        assert violations(message) == ()


def test_all_to_one_cluster_is_plain_and_all_else_is_not() -> None:
    one = Share(cluster="service/a/b/80")
    assert plain_action(Forward(shares=(one,))) is not None
    assert plain_action(Forward(shares=(one, one))) is None
    assert plain_action(Forward(shares=(one,), timeout=1000)) is None
    assert plain_action(Forward(shares=(Share(cluster="x", weight=0),))) is None
    assert plain_action(Forward(shares=(Share(cluster=""),))) is None
    assert plain_action(Answer(500)) is None


@pytest.mark.parametrize("protocol", ["http1", "h2c"])
@given(name=st.text(min_size=1, max_size=300))
def test_a_cluster_cut_where_its_name_stands_is_the_message_to_the_byte(protocol: Protocol, name: str) -> None:
    whole = EnvoyCluster.FromString(cluster(Cluster(name="x", protocol=protocol)))
    whole.name = whole.eds_cluster_config.service_name = name
    assert cluster(Cluster(name=name, protocol=protocol)) == data(whole)


addresses = st.sampled_from(["10.0.0.1", "255.255.255.255", "010.0.0.1", "1.2.3", "10.0.0.1\n", "::1", "fd00::1", "name", "/run/x", ""])
endpoints = st.builds(
    Endpoint,
    addresses,
    st.sampled_from([0, 1, 127, 128, 16383, 16384, 65535, 65536, -1]),
    st.sampled_from(["healthy", "healthy", "healthy", "draining"]),
    st.sampled_from([1, 1, 1, 0, 2, 2**32]),
)


@given(st.text(min_size=1, max_size=200), st.lists(endpoints, max_size=4).map(tuple))
def test_plain_endpoints_are_the_bytes_of_their_message_and_have_no_fault(name: str, found: tuple[Endpoint, ...]) -> None:
    body = plain_assignment(name, found)
    if body is not None:
        assert endpoint_faults(Use("Service", "a/b", 80), Cluster(name=name), found) == {}
        assert body == data(assignment(name, found))


def test_most_endpoints_are_plain() -> None:
    assert plain_assignment("c", (Endpoint("10.0.0.1", 80), Endpoint("10.0.0.2", 65535))) is not None
    assert plain_assignment("c", ()) == data(assignment("c", ()))
