"""docs/xds.md names tests: each of them is there, and each row names one or says why there is none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "xds.md"
ROWS = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and not line.startswith("| Behaviour")]


def known() -> set[str]:
    functions = (re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE) for path in (ROOT / "tests").rglob("test_*.py"))
    return {name for found in functions for name in found} | {path.name for path in (ROOT / "tests" / "streams").glob("*.txt")}


def test_every_test_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+|[\w-]+\.txt)`", "\n".join(ROWS)))
    assert len(named) > 80
    assert named - known() == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:60])
def test_every_behaviour_names_a_test_or_a_reason(row: str) -> None:
    _, _, shown, _ = row.split("|")
    assert re.search(r"`(test_\w+|[\w-]+\.txt)`", shown) or re.match(r" Not done: .{20,}", shown)
