"""Options of the test suite."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from xds.__main__ import settle

# No test is timed: these machines are shared, and a case that waited for a core is no slower for it.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
settle()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files and delete those without an input")
    parser.addoption("--update-streams", action="store_true", help="rewrite the replies in tests/streams/*.txt; read the difference")
