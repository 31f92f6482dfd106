"""Which groups of proxies there are, and how each is run: one for all Gateways, and, if wanted, one for each Gateway. Where they
run in Pods, there is one for each class as well, for those classes whose Gateways share their proxies.

Gives rows of GROUP for the store to declare. Knows nothing of proxies; who may be in which group is for security/access.py.
"""

from __future__ import annotations

from msgspec.structs import replace

from translator.ir.output import Group
from translator.ir.plane import CLASS
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
        name = self._name(change)
        if not name or (change.object is not None) == (name in self._rows):
            return None
        if change.object is None:
            del self._rows[name]
            return name, None
        self._rows[name] = replace(self._run, flat=name in self._flat)
        return name, self._rows[name]

    def _name(self, change: Change) -> str:
        if self._each and change.kind == "Gateway":
            return change.key
        return f"{CLASS}{change.key}" if self._each and self._run.pods and change.kind == "GatewayClass" else ""

    def flatten(self, group: str) -> Row | None:
        """A proxy of this group lacks our native module: the group needs its second view, if it has not got it."""
        if group in self._flat or not (self._each or group == LOCAL):
            return None
        self._flat.add(group)
        if group not in self._rows:
            return None
        self._rows[group] = replace(self._rows[group], flat=True)
        return group, self._rows[group]
