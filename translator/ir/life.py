"""How long an object is to live. When its time is over is for the process to say: here are no clocks."""

from __future__ import annotations

from translator.ir.value import Row


class Life(Row, frozen=True, gc=False):
    """It ends so many seconds after `since` (RFC 3339), or, where that is empty, after this row was first seen.

    `mark` is another one whenever the time begins anew. An object is over while EXPIRED has its mark.
    """

    seconds: int
    since: str
    mark: str
