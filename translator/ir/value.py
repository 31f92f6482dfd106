"""What every row of the intermediate representation is: immutable and compared by content."""

from __future__ import annotations

from msgspec import Struct


class Row(Struct, frozen=True, gc=False):
    """Base of all rows. Trees of tuples, strings, numbers and bytes only: equality is what stops a wave of changes."""
