"""Following one kind: what is asked for, what is told, and what every fault of an API server leads to."""

from __future__ import annotations

import pytest

from tests.unit.xds.sources.kube.lines import (
    NAMESPACE,
    ROUTE,
    SECRET,
    asked,
    body,
    bookmark,
    document,
    error,
    line,
    listed,
    page,
    reflector,
    route,
    status,
    told,
    waits,
)  # fmt: skip
from xds.sources.kube import reflector as module
from xds.sources.kube.holding import HOLD
from xds.sources.kube.reflector import Reflector

# Lists ----------------------------------------------------------------------------------------------------------------


def test_streaming_list_is_told_only_when_it_is_complete() -> None:
    one = reflector()
    asked(one)
    one.feed(line("ADDED", route("a")), 0.0)
    assert told(one) == {}
    assert not one.synced
    one.feed(bookmark(10, ends_list=True), 0.0)
    assert told(one) == {"default/a": True}
    assert one.synced


def test_watch_goes_on_from_where_the_list_was_made() -> None:
    one = reflector()
    listed(one, route("a"), version=10)
    one.feed(line("MODIFIED", route("a", 11, "b.example")), 1.0)
    one.ended(30.0)
    request = asked(one, 30.0)
    assert (request.query["resourceVersion"], request.query["allowWatchBookmarks"]) == ("11", "true")
    assert "sendInitialEvents" not in request.query


def test_bookmark_moves_the_version_and_tells_nothing() -> None:
    one = reflector()
    listed(one, route("a"))
    told(one)
    one.feed(bookmark(99), 1.0)
    one.ended(30.0)
    assert told(one) == {}
    assert asked(one, 30.0).query["resourceVersion"] == "99"


def test_object_that_comes_again_as_it_was_is_no_change() -> None:
    one = reflector()
    listed(one, route("a", 1))
    told(one)
    one.feed(line("MODIFIED", route("a", 12)), 1.0)
    assert told(one) == {}


def test_object_may_go_while_it_is_being_listed() -> None:
    one = reflector()
    asked(one)
    one.feed(line("ADDED", route("a")) + line("DELETED", route("a", 5)) + bookmark(10, ends_list=True), 0.0)
    assert told(one) == {}


def test_list_that_is_cut_off_is_thrown_away_and_made_anew() -> None:
    one = reflector(hold=0.0)
    listed(one, route("a"), route("b"))
    told(one)
    one.feed(error(410), 1.0)
    asked(one, 10.0)
    one.feed(line("ADDED", route("a")), 10.0)
    one.ended(10.0)
    assert told(one, 10.0) == {}, "never act on a partial list"
    listed(one, route("a"), now=30.0)
    assert told(one, 30.0) == {"default/b": False}


@pytest.mark.parametrize("code", [pytest.param(400, id="older"), pytest.param(422, id="invalid"), pytest.param(500, id="no-feature")])
def test_server_that_refuses_the_streaming_list_is_asked_for_pages(code: int) -> None:
    one = reflector()
    asked(one)
    one.refused(code, body(status(code)), 0.0, 0.0)
    request = asked(one)
    assert (request.query, request.streams) == ({"limit": "500"}, False)


def test_error_500_in_an_event_of_the_streaming_list_leads_to_pages_at_once() -> None:
    """F2: an API server whose etcd tells no progress."""
    one = reflector()
    asked(one)
    one.feed(error(500, "required storage feature RequestWatchProgress is disabled"), 0.0)
    assert not asked(one).streams
    one.page(page(7, route("a"), next_="more"), 0.0)
    assert told(one) == {}
    assert asked(one).query == {"limit": "500", "continue": "more"}
    one.page(page(7, route("b")), 0.0)
    assert told(one) == {"default/a": True, "default/b": True}
    assert asked(one).query["resourceVersion"] == "7"


def test_page_that_expired_leads_to_a_list_in_one() -> None:
    one = reflector()
    asked(one)
    one.feed(error(500), 0.0)
    asked(one)
    one.page(page(7, route("a"), next_="old"), 0.0)
    asked(one)
    one.refused(410, body(status(410)), 0.0, 0.0)
    assert asked(one, 5.0).query == {}
    one.page(page(9, route("b")), 5.0)
    assert told(one) == {"default/b": True}


def test_page_that_cannot_be_read_is_a_failure() -> None:
    one = reflector()
    asked(one)
    one.feed(error(500), 0.0)
    asked(one)
    one.page(b"<html>", 0.0)
    assert one.trouble.failures == 1
    assert not one.synced


# Versions that expired, refusals, silence -----------------------------------------------------------------------------


@pytest.mark.parametrize("in_event", [pytest.param(True, id="inside-200"), pytest.param(False, id="in-status")])
def test_expired_version_means_one_new_list_after_jitter(in_event: bool) -> None:
    """F2: the version is too old, in a status and in an event."""
    one = reflector()
    listed(one, route("a"), route("b"))
    told(one)
    one.ended(30.0)
    asked(one, 30.0)
    if in_event:
        one.feed(error(410, "too old resource version"), 30.0)
    else:
        one.refused(410, body(status(410)), 0.0, 30.0)
    assert not one.reading
    assert waits(one, 30.0) == pytest.approx(30.5)
    listed(one, route("a"), route("b", 20, "new.example"), now=31.0)
    assert told(one, 31.0) == {"default/b": True}


def test_unauthorized_is_tried_again_at_once_and_then_more_slowly() -> None:
    one = reflector()
    asked(one)
    one.refused(401, body(status(401)), 0.0, 0.0)
    asked(one, 0.0)
    one.refused(401, body(status(401)), 0.0, 0.0)
    assert waits(one, 0.0) == pytest.approx(0.375)


@pytest.mark.parametrize("details", [pytest.param(True, id="in-details"), pytest.param(False, id="in-header")])
def test_too_many_requests_wait_as_long_as_the_server_says(details: bool) -> None:
    """F2: 429 with Retry-After."""
    one = reflector()
    asked(one)
    more = {"details": {"retryAfterSeconds": 7}} if details else {}
    one.refused(429, body(status(429, **more)), 0.0 if details else 7.0, 0.0)
    assert waits(one) == pytest.approx(7.35)


def test_server_cannot_ask_for_more_than_a_minute() -> None:
    one = reflector()
    asked(one)
    one.refused(503, b"", 86400.0, 0.0)
    assert waits(one) == pytest.approx(63.0)


def test_failures_are_spaced_out_and_never_by_more_than_four_seconds() -> None:
    one, now, gaps = reflector(), 0.0, []
    for _ in range(8):
        asked(one, now)
        one.failed("cannot connect", now)
        until = waits(one, now)
        assert until is not None
        gaps.append(until - now)
        now = until
    assert gaps == sorted(gaps)
    assert gaps[-1] <= 4.0


def test_server_that_was_away_is_followed_from_where_it_was_left() -> None:
    one = reflector()
    listed(one, route("a"), version=10)
    told(one)
    for second in range(1, 60, 5):
        one.failed("cannot connect", float(second))
        assert one.trouble.since == 1.0
        asked(one, second + 4.0)
    assert (told(one), one.synced) == ({}, True)
    one.feed(line("ADDED", route("b", 12)), 64.0)
    assert told(one) == {"default/b": True}
    assert one.trouble.since is None


def test_watch_that_is_accepted_again_ends_the_trouble_though_nothing_happens() -> None:
    one = reflector()
    listed(one, route("a"))
    one.failed("reset", 1.0)
    asked(one, 5.0)
    one.accepted(5.0)
    assert (one.trouble.since, one.trouble.failures) == (None, 1)
    one.ended(30.0)
    assert one.trouble.failures == 0


def test_watch_is_made_to_end_within_thirty_seconds_and_given_up_within_thirty_five() -> None:
    one = reflector()
    listed(one, route("a"))
    one.ended(30.0)
    assert int(asked(one, 30.0).query["timeoutSeconds"]) <= 30
    assert one.patience(30.0) <= 35.0
    one.silent(66.0)
    assert not one.reading
    assert one.trouble.since is None, "nothing said for a while is no failure"
    asked(one, 66.0)


def test_half_open_watch_and_the_connection_after_it_are_found_within_45_seconds() -> None:
    """F4: the API server is gone without a word."""
    from xds.sources.kube.transport import CONNECT

    assert module.WATCH[1] + module.PATIENCE + CONNECT <= 45.0


def test_list_that_goes_silent_is_given_up() -> None:
    one = reflector()
    asked(one)
    assert one.patience(0.0) == module.SILENCE
    one.silent(15.0)
    assert one.trouble.failures == 1


def test_watch_that_ends_at_once_is_not_asked_for_in_a_hot_loop() -> None:
    one = reflector()
    listed(one, route("a"))
    one.ended(30.0)
    asked(one, 30.0)
    one.ended(30.01)
    assert (waits(one, 30.01) or 0.0) > 30.01


def test_line_that_cannot_be_read_ends_the_watch_and_loses_nothing() -> None:
    one = reflector()
    listed(one, route("a"), version=10)
    told(one)
    one.feed(line("MODIFIED", route("a", 11, "b.example")) + b"{garbage\n" + line("ADDED", route("lost", 12)), 1.0)
    assert told(one) == {"default/a": True}
    assert asked(one, 10.0).query["resourceVersion"] == "11"


def test_event_of_a_type_from_the_future_is_passed_over() -> None:
    one = reflector()
    listed(one, route("a"))
    told(one)
    one.feed(line("RENAMED", route("a", 11)), 1.0)
    assert (told(one), one.trouble.failures) == ({}, 0)


def test_other_errors_in_an_event_keep_the_version() -> None:
    one = reflector()
    listed(one, route("a"), version=10)
    one.feed(error(503), 1.0)
    assert asked(one, 10.0).query["resourceVersion"] == "10"


# Kinds that are not there, or forbidden -------------------------------------------------------------------------------


def missing(one: Reflector, now: float = 0.0) -> None:
    for _ in ROUTE.versions:
        asked(one, now)
        one.refused(404, b"404 page not found\n", 0.0, now)


def test_kind_that_is_not_served_is_parked_and_holds_nothing_up() -> None:
    one = reflector()
    missing(one)
    assert (one.trouble.parked, one.synced) == ("missing", True)
    listed(one, route("a"), now=5.0)
    assert (one.trouble.parked, told(one)) == ("", {"default/a": True})


def test_older_version_is_tried_before_a_kind_counts_as_missing() -> None:
    one = reflector()
    asked(one)
    one.refused(404, b"", 0.0, 0.0)
    assert "/v1beta1/" in asked(one).path
    assert one.trouble.parked == ""


def test_forbidden_kind_is_parked_and_keeps_what_it_had() -> None:
    one = reflector()
    listed(one, route("a"))
    told(one)
    one.ended(30.0)
    asked(one, 30.0)
    one.refused(403, body(status(403, "httproutes is forbidden")), 0.0, 30.0)
    assert (one.trouble.parked, one.trouble.reason, told(one)) == ("forbidden", "httproutes is forbidden", {})
    assert asked(one, 36.0).query["resourceVersion"] == "10"


def test_forbidden_kind_is_not_synced_at_the_start() -> None:
    """F6: part of the source is not there."""
    one = reflector()
    asked(one)
    one.refused(403, body(status(403)), 0.0, 0.0)
    assert not one.synced, "to act on a part would take things away"


def test_definition_that_is_deleted_changes_nothing_for_five_minutes() -> None:
    """F9: a definition goes, by mistake or not."""
    one = reflector()
    listed(one, route("a"))
    told(one)
    one.ended(30.0)
    missing(one, 30.0)
    assert told(one, 30.0 + HOLD - 1) == {}
    assert told(one, 30.0 + HOLD) == {"default/a": False}


def test_definition_that_is_made_again_takes_up_what_it_finds_and_holds_the_rest() -> None:
    one = reflector()
    listed(one, route("a"), route("b"))
    told(one)
    one.ended(30.0)
    missing(one, 30.0)
    listed(one, route("a", 50, "new.example"), now=40.0)
    assert told(one, 40.0) == {"default/a": True}
    assert told(one, 30.0 + HOLD) == {"default/b": False}


def test_deleted_custom_object_waits_for_what_its_definition_says() -> None:
    one = reflector()
    listed(one, route("a"), route("b"))
    told(one)
    one.feed(line("DELETED", route("a", 11)), 1.0)
    assert (told(one), one.doubted(), one.inquiring) == ({}, ["default/a"], True)
    one.believe(["default/a"], 1.0, going=False)
    assert told(one) == {"default/a": False}
    one.feed(line("DELETED", route("b", 12)), 1.0)
    one.believe(["default/b"], 1.0, going=True)
    assert told(one) == {}, "it goes with its definition"


def test_object_made_again_while_in_doubt_is_there() -> None:
    one = reflector()
    listed(one, route("a"))
    told(one)
    one.feed(line("DELETED", route("a", 11)) + line("ADDED", route("a", 12, "b.example")), 1.0)
    one.believe(["default/a"], 1.0, going=False)
    assert told(one) == {"default/a": True}


def test_deleted_object_of_kubernetes_itself_is_gone_at_once() -> None:
    one = reflector(NAMESPACE)
    listed(one, document("n"))
    told(one)
    one.feed(line("DELETED", document("n", 11)), 1.0)
    assert told(one) == {"default/n": False}


def test_new_list_without_most_of_a_kind_is_not_believed_at_once() -> None:
    one = reflector()
    listed(one, *(route(f"r{number}") for number in range(10)))
    told(one)
    one.feed(error(410), 1.0)
    listed(one, route("r0"), now=10.0)
    assert told(one, 10.0) == {}
    assert len(told(one, 10.0 + HOLD)) == 9


# Objects that cannot be read ------------------------------------------------------------------------------------------


def test_object_that_cannot_be_read_keeps_its_last_good_state() -> None:
    """F9: a definition that lets through what we cannot read."""
    one = reflector()
    listed(one, route("a"), route("b"))
    told(one)
    one.feed(line("MODIFIED", document("a", 11, spec=5)), 1.0)
    assert (told(one), list(one.unreadable)) == ({}, ["default/a"])
    one.feed(error(410), 1.0)
    listed(one, document("a", 11, spec=5), route("b"), now=10.0)
    assert (told(one), list(one.unreadable)) == ({}, ["default/a"])
    one.feed(line("MODIFIED", route("a", 12, "b.example")), 11.0)
    assert (told(one), one.unreadable) == ({"default/a": True}, {})


# On demand ------------------------------------------------------------------------------------------------------------


def secret(name: str, version: int = 1, data: str = "YQ==") -> dict[str, object]:
    return document(name, version, type="Opaque", data={"k": data})


def test_secrets_are_not_even_listed_while_nothing_refers_to_one() -> None:
    one = reflector(SECRET)
    assert waits(one) is None
    assert one.synced


def test_only_secrets_that_something_refers_to_are_kept() -> None:
    one = reflector(SECRET)
    one.want(["default/a"])
    assert not one.synced
    listed(one, secret("a"), secret("b"))
    one.feed(line("MODIFIED", secret("b", 12, "Yg==")), 1.0)
    assert (told(one), list(one.held.objects)) == ({"default/a": True}, ["default/a"])


def test_secret_wanted_later_is_asked_for_by_its_name() -> None:
    one = reflector(SECRET)
    one.want(["default/a"])
    listed(one, secret("a"), secret("b"))
    told(one)
    one.want(["default/b", "default/none"])
    assert one.lacking() == ["default/b", "default/none"]
    one.single("default/b", 200, body(secret("b")))
    one.single("default/none", 404, b"")
    assert (told(one), one.inquiring) == ({"default/b": True}, False)


def test_secret_that_could_not_be_got_is_asked_for_again() -> None:
    one = reflector(SECRET)
    one.want(["default/a"])
    listed(one)
    one.want(["default/b"])
    one.lacking()
    one.single("default/b", 503, b"")
    assert one.lacking() == ["default/b"]


def test_secret_that_nothing_refers_to_any_more_is_forgotten() -> None:
    one = reflector(SECRET)
    one.want(["default/a"])
    listed(one, secret("a"))
    told(one)
    one.release(["default/a"])
    assert (told(one), one.held.objects) == ({"default/a": False}, {})


def test_secret_that_cannot_be_read_is_not_quoted() -> None:
    one = reflector(SECRET)
    one.want(["default/a"])
    listed(one, document("a", data={"k": ["canary"]}))
    assert one.unreadable == {"default/a": "ValidationError"}
