"""Claims about what is refused before Envoy could refuse it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.translator.envoy_v3.world import at, entry
from translator.envoy_v3.checks import (
    MAX_PROGRAM_SIZE,
    endpoint_fault,
    entry_findings,
    regex_fault,
    share_findings,
)
from translator.envoy_v3.cluster import assignment
from translator.envoy_v3.validation import violations
from translator.ir.cluster import Endpoint
from translator.ir.route import Forward, Headers, Match, PathChange, Redirect, Rewrite, Share, TextMatch

SIZE_97, SIZE_TOO_MUCH = "/a{90}", "/a{200}"


@pytest.mark.parametrize("pattern", ["", "/.*", r"/\d+", "[^/]+", SIZE_97, "/é"])
def test_regex_that_envoy_takes_is_taken(pattern: str) -> None:
    assert regex_fault(pattern) == ""


@pytest.mark.parametrize("pattern", ["(", "[a", "(?=a)", r"(a)\1", "a{1001}", "*", "\\"])
def test_regex_that_re2_does_not_compile_is_refused(pattern: str) -> None:
    assert "not a regular expression of RE2" in regex_fault(pattern)


def test_regex_that_is_too_large_for_envoy_is_refused() -> None:
    assert str(MAX_PROGRAM_SIZE) in regex_fault(SIZE_TOO_MUCH)


@pytest.mark.parametrize(
    "filters",
    [
        (Headers(on="request", set=(("a b", "1"),)),),
        (Headers(on="request", add=(("", "1"),)),),
        (Headers(on="request", remove=(":path",)),),
        (Headers(on="request", set=(("Host", "b"),)),),
        (Headers(on="response", set=(("a", "1\n2"),)),),
        (Headers(on="response", set=(("a", "1\x00"),)),),
        (Redirect(hostname="a\r\nb"),),
        (Rewrite(hostname="a\x00"),),
        (Rewrite(path=PathChange("full", "/a\x00")),),
    ],
)
def test_filter_that_envoy_would_refuse_is_found(filters: object) -> None:
    (finding,) = entry_findings(entry(2, filters=filters))
    assert (finding.code, finding.path) == ("PM0601", ("spec", "rules", 2, "filters"))
    assert (finding.kind, finding.key) == ("HTTPRoute", "shop/cart")


def test_filter_of_a_share_is_looked_at_too() -> None:
    shares = (Share(cluster="a"), Share(cluster="b", filters=(Headers(on="request", set=(("a b", "1"),)),)))
    (finding,) = entry_findings(entry(action=Forward(shares=shares)))
    assert finding.path == ("spec", "rules", 0, "backendRefs", 1, "filters")


def test_name_of_a_header_to_match_is_a_token() -> None:
    (finding,) = entry_findings(entry(match=Match(headers=(TextMatch("exact", "a b", "1"),))))
    assert finding.path == ("spec", "rules", 0, "matches", 0, "headers", 0, "name")


def test_text_that_cannot_be_encoded_is_a_finding_and_no_crash() -> None:
    assert [one.code for one in entry_findings(entry(match=at("exact", "/\ud800")))] == ["PM0601"]
    assert {one.code for one in entry_findings(entry(match=at("regex", "/\ud800")))} == {"PM0601", "PM0602"}


def test_sound_entry_has_no_findings() -> None:
    filters = (Headers(on="request", set=(("x-a", "50 %\tä"),), remove=("x-b",)), Redirect(hostname="b", path=PathChange("prefix", "")))
    assert not [*entry_findings(entry(filters=filters)), *share_findings(entry(filters=filters))]


@pytest.mark.parametrize("address", ["10.0.0.1", "::1", "2001:db8::1"])
def test_ip_address_is_taken(address: str) -> None:
    assert endpoint_fault(Endpoint(address, 80), named=False) == ""


@pytest.mark.parametrize("address", ["10.0.0.256", "010.0.0.1", "a.example", "", "fe80::1%eth0", "10.0.0.1:80", "10.0.0.1\x00"])
def test_what_is_no_ip_address_is_refused(address: str) -> None:
    assert endpoint_fault(Endpoint(address, 80), named=False)


@pytest.mark.parametrize("port", [-1, 65536, 70000])
def test_what_is_no_port_is_refused(port: int) -> None:
    assert endpoint_fault(Endpoint("10.0.0.1", port), named=False)


@pytest.mark.parametrize(("path", "sound"), [("/run/a.sock", True), ("", False), ("/" + "a" * 106, True), ("/" + "a" * 107, False)])
def test_path_of_a_socket_fits_where_the_kernel_keeps_it(path: str, sound: bool) -> None:
    assert (endpoint_fault(Endpoint(path, 0), named=False) == "") is sound


def test_name_to_resolve_needs_a_port() -> None:
    assert endpoint_fault(Endpoint("a.example", 80), named=True) == ""
    assert endpoint_fault(Endpoint("a.example", 0), named=True)
    assert endpoint_fault(Endpoint("", 80), named=True)


addresses = st.sampled_from(["10.0.0.1", "::1", "", "x", "a b", "/run/x.sock", "/" * 200, "10.0.0.256", "fe80::1%eth0"]) | st.text(
    max_size=20
)
endpoints = st.builds(Endpoint, addresses, st.integers(-1, 70000) | st.just(0), weight=st.integers(-1, 2**33))


@given(st.lists(endpoints, max_size=4))
def test_endpoints_that_pass_break_no_rule_of_envoys_api(found: list[Endpoint]) -> None:
    sound = [one for one in found if not endpoint_fault(one, named=False)]
    assert violations(assignment("c", sound)) == ()
