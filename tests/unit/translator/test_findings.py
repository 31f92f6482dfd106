"""Claims about the registry of codes: every code in use is explained, and the page says what the registry says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from translator.findings import AREAS, CODES, markdown

ROOT = Path(__file__).parents[3]
USED = re.compile(r"""["'](PM\d{4})["']""")
SOURCES = sorted(path for folder in ("translator", "xds") for path in (ROOT / folder).rglob("*.py") if path.name != "findings.py")


def test_every_code_that_is_used_is_explained() -> None:
    unexplained = {f"{path.relative_to(ROOT)}: {code}" for path in SOURCES for code in USED.findall(path.read_text()) if code not in CODES}
    assert not unexplained, "add a line to CODES in translator/findings.py, then run `make findings`"


def test_page_of_findings_is_fresh() -> None:
    assert (ROOT / "docs/findings.md").read_text() == markdown(), "run `make findings`"


@pytest.mark.parametrize("code", CODES)
def test_code_belongs_to_an_area_and_says_what_is_wrong_and_what_mends_it(code: str) -> None:
    title, explanation, fix = CODES[code]
    assert re.fullmatch(r"PM\d{4}", code)
    assert code[:4] in AREAS
    assert title
    assert not title.endswith(".")
    assert explanation.endswith(".")
    assert fix.endswith(".")


def test_page_has_one_heading_for_each_code() -> None:
    assert re.findall(r"^### (PM\d{4})$", markdown(), re.MULTILINE) == sorted(CODES)
