"""Every example is what it says: nothing is wrong with it but what its first lines say, and Envoy takes what becomes of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from translator.ir.output import Group
from xds.offline import load

FOLDER = Path(__file__).parents[3] / "deploy" / "examples"
EXAMPLES = sorted(FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_has_no_findings_but_those_it_announces(path: Path) -> None:
    announced = re.findall(r"PM\d{4}", "".join(line for line in path.read_text().splitlines(True) if line.startswith("#")))
    assert [one.finding.code for one in load(path, Group(), lambda: 0.0).findings] == announced


def test_every_example_is_in_the_table_of_the_folder() -> None:
    assert re.findall(r"^\| `(\S+\.yaml)`", (FOLDER / "README.md").read_text(), re.MULTILINE) == [
        "http.yaml", "tls.yaml", "backend.yaml", "sandbox.yaml",
    ]  # fmt: skip
    assert {path.name for path in EXAMPLES} == {"http.yaml", "tls.yaml", "backend.yaml", "sandbox.yaml"}
