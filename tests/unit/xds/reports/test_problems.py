"""What is said of an attempt, and when that is news."""

from __future__ import annotations

import pytest

from xds.reports.problems import Problems


class OddError(Exception):
    """Something that only some attempts may raise."""


async def attempt(outcome: str | Exception) -> str:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("Secret: forbidden", "Secret: forbidden"),
        (TimeoutError(), "TimeoutError"),
        (OSError("no route to host"), "no route to host"),
        (OddError("a key without a certificate"), "a key without a certificate"),
    ],
)
async def test_attempt_that_failed_is_said_until_one_goes_well(outcome: str | Exception, said: str) -> None:
    problems, news = Problems(), list[str]()
    problems.told = lambda: news.append(problems.held.get("shop", ""))
    for again in (outcome, outcome, "", ""):
        assert await problems.of("shop", attempt(again), OddError) is (again == "")
    assert news == [said, ""], "told once that it failed, and once that it went well"


async def test_what_nobody_expects_is_raised() -> None:
    with pytest.raises(OddError):
        await Problems().of("shop", attempt(OddError()))
