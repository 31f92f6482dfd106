"""Which groups of proxies there are, and how each is run: one for all Gateways, and, if wanted, one for each Gateway.

Gives rows of GROUP for the store to declare. Knows nothing of proxies; who may be in which group is for security/access.py.
"""

from __future__ import annotations

from msgspec.structs import replace

from translator.ir.output import Group
from xds.store import Change

LOCAL = "local"  # the group of all Gateways that have none of their own

Row = tuple[str, Group | None]  # name of a group, and how it is run now; None where it is gone


class Groups:
    """`each`: the Gateway `infra/edge` is served by the group `infra/edge` alone."""

    def __init__(self, run: Group, *, each: bool = False) -> None:
        self._run, self._each = run, each
        self._rows: dict[str, Group] = {LOCAL: run}
        self._flat: set[str] = set()  # also of groups that are not there yet

    def first(self) -> Row:
        return LOCAL, self._rows[LOCAL]

    def follow(self, change: Change) -> Row | None:
        """What becomes of a group when an object changes."""
        if not self._each or change.kind != "Gateway" or (change.object is not None) == (change.key in self._rows):
            return None
        if change.object is None:
            del self._rows[change.key]
            return change.key, None
        self._rows[change.key] = replace(self._run, flat=change.key in self._flat)
        return change.key, self._rows[change.key]

    def flatten(self, group: str) -> Row | None:
        """A proxy of this group lacks our native module: the group needs its second view, if it has not got it."""
        if group in self._flat or not (self._each or group == LOCAL):
            return None
        self._flat.add(group)
        if group not in self._rows:
            return None
        self._rows[group] = replace(self._rows[group], flat=True)
        return group, self._rows[group]
