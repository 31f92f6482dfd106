"""Claims about rules that are not served as written."""

from __future__ import annotations

import pytest

from translator.gatewayapi.dropped import dropped_rules, is_refused
from translator.ir.finding import Finding, Path
from translator.ir.route import Answer, Entry, Match, Precedence


def entry(rule: int, match: int) -> Entry:
    place = Precedence(path=0, length=0, method=True, headers=0, query=0, created="", key="a/b", rule=rule, match=match)
    return Entry(name="it", match=Match(), precedence=place, action=Answer(500))


def finding(*path: str | int, message: str = "no") -> Finding:
    return Finding(code="PM0601", kind="HTTPRoute", key="a/b", message=message, path=("spec", "rules", *path))


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        pytest.param((1, "matches", 0, "path", "value"), True, id="its-own-match"),
        pytest.param((1, "matches", 1, "path", "value"), False, id="another-match-of-its-rule"),
        pytest.param((0, "matches", 0, "path", "value"), False, id="the-same-match-of-another-rule"),
        pytest.param((1, "filters"), True, id="its-rule"),
        pytest.param((1,), True, id="all-of-its-rule"),
        pytest.param((0, "filters"), False, id="another-rule"),
    ],
)
def test_finding_refuses_the_entries_that_it_is_about(path: Path, refused: bool) -> None:
    assert is_refused(entry(1, 0), [finding(*path)]) is refused


def test_dropped_rules_are_named_after_the_words_of_the_api_and_once_each() -> None:
    found = [finding(0, message="a"), finding(0, message="a"), finding(2, message="b")]
    assert dropped_rules(found) == "Dropped Rule 0: a; Rule 2: b"


def test_rules_that_are_served_as_they_were_are_named_after_the_other_words_of_the_api() -> None:
    older = Finding(code="PM0606", kind="HTTPRoute", key="a/b", message="no", path=("spec", "rules", 1))
    assert dropped_rules([older]) == "Fall Back to the last accepted state of Rule 1: no"
    assert dropped_rules([older, finding(0, message="a")]) == "Dropped Rule 1: no; Rule 0: a"
