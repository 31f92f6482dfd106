"""What is said of kinds that are not followed: the worst first, and nothing of what is no matter of following."""

from __future__ import annotations

from translator.ir.finding import Finding
from xds.sources.followed import LONGEST, unfollowed


def found(code: str, message: str) -> Finding:
    return Finding(code=code, kind="Secret", key="", message=message)


def test_nothing_is_said_where_every_kind_is_followed() -> None:
    assert unfollowed([]) == unfollowed([found("PM0133", "cannot be read")]) == ("", "")


def test_worst_gives_the_reason_and_all_are_told() -> None:
    those = [found("PM0130", "no tcproutes"), found("PM0131", "secrets is forbidden"), found("PM0201", "x")]
    assert unfollowed(those) == ("KindForbidden", "secrets is forbidden; no tcproutes")
    assert unfollowed(those[:1]) == ("KindMissing", "no tcproutes")
    assert unfollowed([found("PM0132", "away"), those[0]]) == ("ServerAway", "away; no tcproutes")


def test_message_is_no_longer_than_a_condition_may_be() -> None:
    assert len(unfollowed([found("PM0131", "x" * 3000)] * 2)[1]) == LONGEST
