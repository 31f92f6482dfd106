"""Claims about the goldens: each case is translated as its files say, Envoy takes it, and another reader reads it.

`pytest tests/golden --update-golden` rewrites the outputs and deletes those that have lost their input.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.envoy_validate import refusal
from tests.golden.translation import CASES, HERE, LOCAL, TABLES, Case, Translated, envoy_text, resources, status_text, translated
from tests.independent_reader import unknown_fields

LINES = 40

each_case = pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
base_of = cache(translated)


@cache
def done(case: Case) -> Translated:
    return translated(case.bases, case)


@each_case
@pytest.mark.parametrize("kind", ["envoy", "status"])
def test_case_is_translated_as_its_golden_says(case: Case, kind: str, request: pytest.FixtureRequest) -> None:
    output = case.output(kind)
    text = envoy_text(done(case), full=case.full) if kind == "envoy" else status_text(done(case), base_of(case.bases))
    if request.config.getoption("--update-golden"):
        output.write_text(text)
    assert output.exists(), "run `make golden`, and read what it writes"
    assert text == output.read_text()


@pytest.mark.e2e
@each_case
def test_envoy_takes_what_the_golden_says(case: Case, tmp_path: Path) -> None:
    assert refusal(done(case).outputs, LOCAL, tmp_path) == ""


@each_case
def test_another_reader_of_the_api_knows_every_field(case: Case) -> None:
    for table, _, row in resources(done(case)):
        assert unknown_fields(TABLES[table][0], row.body) == []


@each_case
def test_case_is_short_enough_to_be_seen_whole(case: Case) -> None:
    assert len(case.path.read_text().splitlines()) <= LINES


def test_no_golden_outlives_its_input(request: pytest.FixtureRequest) -> None:
    wanted = {case.output(kind) for case in CASES for kind in ("envoy", "status")}
    orphans = {path for kind in ("envoy", "status") for path in HERE.glob(f"*/*.{kind}.yaml")} - wanted
    if request.config.getoption("--update-golden"):
        for path in orphans:
            path.unlink()
        orphans = set()
    assert orphans == set()


def test_enough_behaviours_have_a_case() -> None:
    assert len(CASES) >= 60
