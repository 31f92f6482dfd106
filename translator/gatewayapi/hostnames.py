"""Hostnames of listeners and routes: what they share, and which is the more specific. Empty means any host.

Sources: Gateway API v1.6.1, `Listener.hostname`, `HTTPRouteSpec.hostnames` and "Listeners that are distinct only by
Hostname". A wildcard stands for one or more whole labels: `*.example.com` covers a.example.com and a.b.example.com,
never example.com itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

ANY = "*"  # how a virtual host says "any host"; in specs it is the empty string


def covers(wide: str, narrow: str) -> bool:
    """Whether every host that `narrow` stands for is one that `wide` stands for."""
    if wide in ("", narrow):
        return True
    return wide.startswith("*.") and narrow.removeprefix("*").endswith(wide[1:]) and narrow not in ("", wide[2:])


def intersect(listener: str, route: str) -> str | None:
    """The hosts that both stand for, as one hostname, or None where they share nothing."""
    if covers(listener, route):
        return route
    return listener if covers(route, listener) else None


def shared(listener: str, routes: Iterable[str]) -> list[str]:
    """What a listener shares with the hostnames of a route, in lower case. A route without hostnames takes all there is."""
    found = (intersect(listener, host.lower()) for host in tuple(routes) or ("",))
    return list(dict.fromkeys(host for host in found if host is not None))


def narrower(host: str, than: str) -> Iterator[str]:
    """Every hostname that covers `host` and is more specific than `than`, most specific first.

    `a.b.com` than `*.com`: `a.b.com`, `*.b.com`. A listener at one of these owns the host, not the listener at `than`.
    """
    at = host
    while at not in (than, ""):
        yield at
        at = _wider(at)


def _wider(host: str) -> str:
    """The next wider hostname: `a.b.com` → `*.b.com` → `*.com` → any."""
    _, dot, rest = host.removeprefix("*.").partition(".")
    return f"*.{rest}" if dot else ""
