"""Options of the test suite."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files and delete those without an input")
    parser.addoption("--update-streams", action="store_true", help="rewrite the replies in tests/streams/*.txt; read the difference")
