"""Claims about listeners: who gets a port, and what is told to those who do not."""

from __future__ import annotations

import pytest

from translator.gatewayapi.conditions import ACCEPTED, CONFLICTED
from translator.gatewayapi.listeners import contest, passes_through, spec_problems, supported_kinds, terminates
from translator.gatewayapi.tables import Claim
from translator.resources.gateway import AllowedRoutes, Listener, ListenerTLS, RouteGroupKind


def claim(
    name: str, host: str = "", protocol: str = "HTTP", gateway: str = "a/g", created: str = "2026", added: str = "", age: str = ""
) -> Claim:
    """`added` is the ListenerSet that adds it, `age` the time that this was made."""
    return Claim(created, gateway, int(bool(added)), age, added or gateway, 0, name, protocol, host)


def test_listeners_with_different_hostnames_share_a_port() -> None:
    verdicts = contest([claim("any"), claim("one", "x.com"), claim("wild", "*.x.com")])
    assert {name: verdict.reason for name, verdict in verdicts.items()} == {"a/g/any": "", "a/g/one": "", "a/g/wild": ""}


def test_no_conflicting_listener_of_one_gateway_wins() -> None:
    verdicts = contest([claim("first", "x.com"), claim("second", "x.com"), claim("other", "y.com")])
    assert {name: verdict.reason for name, verdict in verdicts.items()} == {
        "a/g/first": "HostnameConflict",
        "a/g/second": "HostnameConflict",
        "a/g/other": "",
    }
    assert verdicts["a/g/first"].condition == CONFLICTED


def test_two_protocols_on_one_port_conflict_whatever_the_hostname() -> None:
    verdicts = contest([claim("plain", "x.com"), claim("tls", "y.com", "HTTPS")])
    assert {verdict.reason for verdict in verdicts.values()} == {"ProtocolConflict"}


def test_an_older_gateway_keeps_its_port_and_hostname() -> None:
    verdicts = contest([claim("l", gateway="b/old", created="2025"), claim("l", gateway="a/young", created="2026")])
    assert verdicts["b/old/l"].reason == ""
    assert (verdicts["a/young/l"].condition, verdicts["a/young/l"].reason) == (ACCEPTED, "PortUnavailable")
    assert "b/old" in verdicts["a/young/l"].message


def test_an_older_gateway_keeps_its_protocol() -> None:
    verdicts = contest([claim("l", "x.com", gateway="b/old"), claim("l", "y.com", "HTTPS", gateway="c/young")])
    assert verdicts["c/young/l"].reason == "PortUnavailable"


def test_another_gateways_conflict_takes_no_port() -> None:
    verdicts = contest([claim("one", gateway="a/bad"), claim("two", gateway="a/bad"), claim("l", gateway="b/good")])
    assert verdicts["b/good/l"].reason == ""


@pytest.mark.parametrize(
    ("hosts", "overlapping"),
    [
        pytest.param(["a.com", "b.com"], set(), id="apart"),
        pytest.param(["*.a.com", "x.a.com", "b.com"], {"*.a.com", "x.a.com"}, id="wildcard-and-exact"),
        pytest.param(["", "a.com"], {"", "a.com"}, id="any-and-exact"),
        pytest.param(["*.a.com", "*.b.a.com", "c.b.a.com"], {"*.a.com", "*.b.a.com", "c.b.a.com"}, id="chain"),
    ],
)
def test_overlapping_tls_hostnames_are_told_on_both_sides(hosts: list[str], overlapping: set[str]) -> None:
    verdicts = contest([claim(host or "any", host, "HTTPS") for host in hosts])
    assert {host for host in hosts if verdicts[f"a/g/{host or 'any'}"].overlaps} == overlapping


def test_overlap_does_not_matter_without_tls() -> None:
    assert not any(verdict.overlaps for verdict in contest([claim("any"), claim("one", "x.com")]).values())


def listener(protocol: str = "HTTP", *kinds: str) -> Listener:
    allowed = AllowedRoutes(kinds=tuple(RouteGroupKind(kind=kind) for kind in kinds))
    return Listener(name="l", port=80, protocol=protocol, allowed_routes=allowed)


def test_supported_kinds_are_those_named_that_the_protocol_carries() -> None:
    assert [kind.kind for kind in supported_kinds(listener())] == ["HTTPRoute", "GRPCRoute"]
    assert [kind.kind for kind in supported_kinds(listener("HTTP", "HTTPRoute", "TCPRoute"))] == ["HTTPRoute"]
    assert supported_kinds(listener("HTTP", "TCPRoute")) == ()
    assert supported_kinds(listener("SCTP")) == ()


def test_a_kind_the_protocol_cannot_carry_is_named_with_its_field() -> None:
    (problem,) = spec_problems("a/g", 2, listener("HTTP", "HTTPRoute", "TCPRoute"))
    assert problem.reason == "InvalidRouteKinds"
    assert problem.finding.path == ("spec", "listeners", 2, "allowedRoutes", "kinds", 1)


def test_a_protocol_that_is_not_served_is_the_only_thing_said() -> None:
    (problem,) = spec_problems("a/g", 0, listener("SCTP", "TCPRoute"))
    assert problem.reason == "UnsupportedProtocol"


def test_https_and_tls_share_a_port_by_hostname_and_conflict_on_one() -> None:
    apart = [claim("a", "a.com", "HTTPS"), claim("b", "b.com", protocol="TLS")]
    assert {verdict.reason for verdict in contest(apart).values()} == {""}
    same = [claim("a", "a.com", "HTTPS"), claim("b", "a.com", protocol="TLS")]
    assert {verdict.reason for verdict in contest(same).values()} == {"HostnameConflict"}


def test_tcp_shares_its_port_with_nothing() -> None:
    for other in ("HTTP", "HTTPS", "TLS"):
        assert {one.reason for one in contest([claim("a", protocol="TCP"), claim("b", protocol=other)]).values()} == {"ProtocolConflict"}
    assert {one.reason for one in contest([claim("a", protocol="TCP"), claim("b", protocol="TCP")]).values()} == {"HostnameConflict"}


@pytest.mark.parametrize(
    ("protocol", "mode", "ends", "passes"),
    [("HTTP", None, False, False), ("HTTPS", None, True, False), ("TLS", "Terminate", True, False), ("TLS", "Passthrough", False, True),
     ("TCP", None, False, False)],
)  # fmt: skip
def test_handshake_ends_here_unless_it_is_passed_through(protocol: str, mode: str | None, ends: bool, passes: bool) -> None:
    one = Listener(name="l", port=443, protocol=protocol, tls=ListenerTLS(mode=mode) if mode else None)
    assert (terminates(one), passes_through(one)) == (ends, passes)
