"""One kind of thing that is written to a cluster, by whoever leads: when it is to be looked at, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from translator.engine import Name
from xds.lives import Key
from xds.sources.folder import Located
from xds.telemetry import Metrics

Task = Callable[[], Coroutine[Any, Any, None]]


def _nothing(_: object) -> None:
    """Is all that one has to do who is not concerned."""


@dataclass(frozen=True, kw_only=True)
class Outlet:
    """`tasks` are without end. `settled` is told outputs that are different, `read` objects that were translated anew, whose outputs may
    be what they were.
    """

    tasks: Sequence[Task]
    findings: Callable[[], Iterable[Located]] = tuple
    settled: Callable[[Sequence[Name]], None] = _nothing
    read: Callable[[Sequence[Key]], None] = _nothing
    report: Callable[[Metrics], None] = _nothing
