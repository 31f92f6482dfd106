"""How long Sandboxes and RouteGroups live, as they say it, and whether a life is over. Knows no clock."""

from __future__ import annotations

from translator.ir.life import Life
from translator.ir.output import fingerprint
from translator.resources.sandbox import GroupTimeToLive, RouteGroup, Sandbox, TimeToLive

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds(ttl: TimeToLive | GroupTimeToLive) -> int:
    return seconds_of(ttl.duration)


def seconds_of(text: str) -> int:
    """`2h`, `2d`; a number alone is seconds."""
    return int(text[:-1]) * _UNITS[text[-1]] if text[-1] in _UNITS else int(text)


def life(one: Sandbox | RouteGroup, *, matched: bool = False) -> Life | None:
    """`updatedAt` begins anew with each change of what it says; `noMatchedSandboxes` when the last Sandbox is gone."""
    ttl = one.spec.ttl
    if ttl is None:
        return None
    created = one.metadata.creation_timestamp
    match ttl.offset_from:
        case "createdAt":
            return Life(seconds(ttl), created, created) if created else None
        case "updatedAt":
            return Life(seconds(ttl), "", fingerprint(repr(one.spec).encode()))
        case _:
            return None if matched else Life(seconds(ttl), "", "unmatched")


def over(one: Sandbox | RouteGroup, ended: str | None) -> bool:
    """Whether the life that has ended is the one that it has now. `ended` is the mark of it."""
    found = life(one) if ended is not None else None
    return found is not None and found.mark == ended
