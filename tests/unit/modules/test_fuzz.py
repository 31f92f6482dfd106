"""What `make fuzz` runs again and again finds nothing in one small turn, and finds what is planted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.modules import __main__ as fuzz
from tests.unit.modules.conftest import Planting, Program


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "EACH", 120)


def test_turn_asks_every_role_and_finds_nothing(program: Program, tmp_path: Path) -> None:
    assert fuzz.once(program, tmp_path, 7) == 5 * 120 + 120 + 20 * 5


def test_turn_finds_a_planted_fault(planted: Planting, tmp_path: Path) -> None:
    broken = planted("key.c", "value = trimmed(value);", "")
    with pytest.raises(AssertionError, match="keys, seed 7"):
        fuzz.once(broken, tmp_path, 7)
