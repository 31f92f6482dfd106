"""Objects out of which somebody takes our routes as often as they are put in. Nobody wins that: it is told, and done less often.

No I/O and no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from translator.ir.output import fingerprint
from translator.mesh.istio import PREFIX

OFTEN, WITHIN = 6, 60.0  # times, and seconds: whoever applies his manifest again does not do so every few seconds


class Contention:
    """Of each object what of ours was put in last, and when. Other routes than before are no repetition: keys come and go."""

    def __init__(self) -> None:
        self._put: dict[str, tuple[str, list[float]]] = {}

    def refuses(self, path: str, document: Mapping[str, Any], now: float) -> bool:
        """Whether the same was put in too often of late."""
        before, times = self._put.get(path, ("", []))
        return before == _said(document) and sum(now - one < WITHIN for one in times) >= OFTEN

    def put(self, path: str, document: Mapping[str, Any], now: float) -> None:
        """It is in."""
        said, (before, times) = _said(document), self._put.get(path, ("", []))
        self._put[path] = said, [*(one for one in times if before == said and now - one < WITHIN), now]


def _said(document: Mapping[str, Any]) -> str:
    routes = [one for one in document["spec"].get("http") or [] if one.get("name", "").startswith(PREFIX)]
    return fingerprint(msgspec.json.encode(routes))
