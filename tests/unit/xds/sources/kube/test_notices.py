"""What people are told of an API server."""

from __future__ import annotations

from tests.unit.xds.sources.kube.lines import KINDS, asked, body, document, line, listed, reflector, route, status
from tests.unit.xds.sources.kube.test_reflector import missing
from translator.findings import CODES
from xds.sources.kube.notices import STALE, findings, health


def codes(*those: object, now: float = 0.0) -> list[tuple[str, str]]:
    found = [one.finding for one in findings(those, now)]  # type: ignore[arg-type]
    assert all(one.code in CODES for one in found)
    return [(one.code, one.kind) for one in found]


def test_nothing_is_said_where_all_is_well() -> None:
    one = reflector()
    listed(one, route("a"))
    assert codes(one) == []


def test_missing_and_forbidden_kinds_are_named() -> None:
    gone, forbidden = reflector(), reflector(KINDS["Service"])
    missing(gone)
    asked(forbidden)
    forbidden.refused(403, body(status(403, 'User "x" cannot list resource "services"')), 0.0, 0.0)
    assert codes(gone, forbidden) == [("PM0130", "HTTPRoute"), ("PM0131", "Service")]


def test_server_that_is_away_is_one_finding_after_thirty_seconds() -> None:
    those = [reflector(), reflector(KINDS["Service"])]
    for one in those:
        asked(one)
        one.failed("cannot connect", 0.0)
    assert codes(*those, now=STALE - 1) == []
    assert codes(*those, now=STALE) == [("PM0132", "")]
    assert codes(those[0], now=STALE) == [("PM0132", "HTTPRoute")]


def test_held_and_unreadable_objects_are_named() -> None:
    one = reflector()
    listed(one, route("a"), route("b"))
    one.feed(line("MODIFIED", document("a", 11, spec=5)), 0.0)
    one.feed(line("DELETED", route("b", 12)), 0.0)
    one.believe(["default/b"], 0.0, going=True)
    assert codes(one) == [("PM0134", "HTTPRoute"), ("PM0133", "HTTPRoute")]


def test_health_tells_age_and_what_is_held() -> None:
    one, never = reflector(), reflector()
    listed(one, route("a"))
    one.ended(3.0)
    missing(one, 3.0)
    followed, unheard = health([one, never], 5.0)
    assert (followed.kind, followed.age, followed.parked, followed.held) == ("HTTPRoute", 2.0, "missing", 1)
    assert unheard.age is None
