"""Durations as the Gateway API writes them (GEP-2257): `1h30m`, `500ms`."""

from __future__ import annotations

import re

UNITS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
PART = re.compile(r"(\d{1,5})(h|ms|m|s)")


def milliseconds(text: str) -> int:
    """The duration in milliseconds. The CRD has checked the form; anything else counts as 0, which means no limit."""
    return sum(int(number) * UNITS[unit] for number, unit in PART.findall(text))
