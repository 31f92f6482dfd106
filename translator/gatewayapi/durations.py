"""Durations as the Gateway API writes them (GEP-2257): `1h30m`, `500ms`; and what rules say of time."""

from __future__ import annotations

import re

from translator.ir.route import Retry
from translator.resources.httproute import RouteRule

UNITS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
PART = re.compile(r"(\d{1,5})(h|ms|m|s)")


def milliseconds(text: str) -> int:
    """The duration in milliseconds. The CRD has checked the form; anything else counts as 0, which means no limit."""
    return sum(int(number) * UNITS[unit] for number, unit in PART.findall(text))


Times = tuple[int | None, int | None, Retry | None]  # of the whole request, of one try, and when there is another
NO_TIMES: Times = (None, None, None)


def times_of(spec: RouteRule) -> Times:
    """GEP-1742 and GEP-1731. How many tries there are where nothing is said is ours to choose: one more."""
    if spec.timeouts is None and spec.retry is None:
        return NO_TIMES
    times, again = spec.timeouts, spec.retry
    retry = Retry(codes=again.codes, attempts=again.attempts or 1, backoff=milliseconds(again.backoff)) if again else None
    request = milliseconds(times.request) if times and times.request else None
    backend = milliseconds(times.backend_request) if times and times.backend_request else None
    return request, backend, retry
