"""The upstream suite's run is judged by the lines that it prints of each test."""

from __future__ import annotations

import pytest

from tests.conformance.outcome import ALL, Outcome

PASS = [f"    --- PASS: TestConformance/Test{number} (0.10s)" for number in range(ALL)]
MESH = "    --- SKIP: TestConformance/MeshBasic (0.00s)"


def outcome(*lines: str) -> Outcome:
    made = Outcome()
    for line in lines:
        made.read(line)
    return made


def test_run_in_which_all_gateway_tests_pass_is_a_pass() -> None:
    made = outcome(*PASS, MESH)
    assert list(made.problems(whole=True)) == []
    assert made.summary().splitlines()[-1] == f"{ALL} passed, 0 failed"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("    --- FAIL: TestConformance/UDPRoute (1.00s)", "failed: UDPRoute"),
        ("    --- SKIP: TestConformance/GatewayStaticAddresses (0.00s)", "left out: GatewayStaticAddresses"),
    ],
)
def test_test_that_fails_or_is_left_out_is_a_problem_though_enough_others_pass(line: str, problem: str) -> None:
    assert list(outcome(*PASS, line).problems(whole=True)) == [problem]


def test_run_that_ends_early_is_a_problem() -> None:
    assert list(outcome(*PASS[1:]).problems(whole=True)) == ["130 tests passed, of 131"]


def test_what_a_mode_cannot_have_may_be_left_out_and_nothing_else() -> None:
    apart = ("GatewayInfrastructure",)
    skipped = "    --- SKIP: TestConformance/GatewayInfrastructure (0.00s)"
    assert list(outcome(*PASS[1:], skipped).problems(whole=True, without=apart)) == []
    assert list(outcome(*PASS[2:], skipped).problems(whole=True, without=apart)) == ["129 tests passed, of 130"]


def test_run_of_one_test_passes_with_it_alone_and_fails_where_there_is_none() -> None:
    assert list(outcome(PASS[0], "    --- SKIP: TestConformance/Other (0.00s)").problems(whole=False)) == []
    assert list(outcome().problems(whole=False)) == ["0 tests passed, of 1"]


def test_subtests_and_what_tests_print_count_for_nothing() -> None:
    lines = "        --- FAIL: TestConformance/A/b (0.01s)", "--- FAIL: TestConformance (1.00s)", "    x.go:1: --- PASS: TestConformance/A"
    assert outcome(*lines) == Outcome()


def test_last_words_of_a_failed_test_are_its_own() -> None:
    of_a, of_b = ("=== RUN   TestConformance/A", "    a.go:1: of A"), ("=== CONT  TestConformance/B/b", "    b.go:1: of B")
    made = outcome(*of_a, *of_b, "=== NAME  TestConformance/A", "    a.go:2: of A again", "    --- FAIL: TestConformance/A (1.00s)")
    assert [line.strip() for line in made.last_words() if "of" in line] == ["a.go:1: of A", "a.go:2: of A again"]


def test_summary_names_the_slowest_first() -> None:
    made = outcome(*PASS, "    --- PASS: TestConformance/Slow (12.34s)")
    assert made.summary().splitlines()[0] == "  12.3 s  Slow"
