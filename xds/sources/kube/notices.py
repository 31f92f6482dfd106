"""What is wrong between us and an API server, in findings. Pure: looks at reflectors, and is told the time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from translator.ir.finding import Finding
from xds.sources.documents import Position
from xds.sources.folder import Located
from xds.sources.interface import Health
from xds.sources.kube.holding import HOLD
from xds.sources.kube.reflector import Reflector

STALE = 30.0  # seconds of failing after which it is said
NOWHERE = Position(0, 0)


def health(reflectors: Iterable[Reflector], now: float) -> list[Health]:
    return [
        Health(one.kind.known, None if one.alive is None else now - one.alive, one.trouble.parked, len(one.held.holding))
        for one in reflectors
    ]


def findings(reflectors: Iterable[Reflector], now: float) -> list[Located]:
    """All there are now. Where the server as a whole is away, that is one finding and not one for each kind."""
    all_of_them = list(reflectors)
    away = [one for one in all_of_them if _is_away(one, now)]
    found = [one for reflector in all_of_them for one in _of_kind(reflector)]
    if len(away) > 1:
        found.append(_away("", away[0].trouble.reason))
    else:
        found += [_away(one.kind.name, one.trouble.reason) for one in away]
    return [Located("", NOWHERE, one) for one in found]


def _is_away(one: Reflector, now: float) -> bool:
    since = one.trouble.since
    return not one.trouble.parked and since is not None and now >= since + STALE


def _away(kind: str, reason: str) -> Finding:
    message = f"the API server has not been understood for {STALE:.0f} s: {reason}; what was last known stays in force"
    return Finding(code="PM0132", kind=kind, key="", message=message, fix="bring the API server back, or the way to it")


def _of_kind(one: Reflector) -> Iterator[Finding]:
    name, resource = one.kind.name, one.kind.resource
    if one.trouble.parked == "missing":
        message = f"the cluster does not serve {resource} in {' or '.join(one.kind.versions)}"
        yield Finding(code="PM0130", kind=name, key="", message=message, fix="install its definition", severity="warning")
    elif one.trouble.parked == "forbidden":
        fix = f"allow get, list and watch of {resource} to the service account"
        yield Finding(code="PM0131", kind=name, key="", message=one.trouble.reason, fix=fix)
    if count := len(one.held.holding):
        message = f"{count} objects of kind {name} are gone at once; they stay in force for {HOLD:.0f} s"
        yield Finding(code="PM0134", kind=name, key="", message=message, fix="put them back, or wait")
    for key, why in sorted(one.unreadable.items()):
        yield Finding(code="PM0133", kind=name, key=key, message=f"cannot be read: {why}; its last good state stays in force")
