"""Session persistence: an answer carries a token that names its endpoint, and a request with the token goes there again.

Source: Gateway API, `SessionPersistence` (GEP-1619). A cookie is for the path that the route matches, of a regular expression for as
much of it as is no pattern; that of a policy names no path. It is hidden from scripts and from other sites, and Secure where the
listener speaks TLS. An endpoint that is gone is replaced by another, and the answer carries the token of that.
"""

from __future__ import annotations

import re

from protos.v3 import (
    Cookie,
    CookieBasedSessionState,
    HeaderBasedSessionState,
    HttpFilter,
    Message,
    Route,
    StatefulSession,
    StatefulSessionPerRoute,
    pack,
)
from translator.ir.route import PathMatch, Session, Site

NAME = "envoy.filters.http.stateful_session"
_PATTERN = re.compile(r"[^-A-Za-z0-9/_~%]")


def http_filter() -> HttpFilter:
    return HttpFilter(name=NAME, typed_config=pack(StatefulSession()))


def on_route(row: Session, site: Site) -> Route:
    state = {"name": f"envoy.http.stateful_session.{row.place}", "typed_config": pack(_state(row, site))}
    message = Route()
    message.typed_per_filter_config[NAME].CopyFrom(pack(StatefulSessionPerRoute(stateful_session=StatefulSession(session_state=state))))
    return message


def _state(row: Session, site: Site) -> Message:
    if row.place == "header":
        return HeaderBasedSessionState(name=row.name)
    attributes = [{"name": "SameSite", "value": "Strict"}, *([{"name": "Secure"}] if site.scheme == "https" else [])]
    cookie = Cookie(name=row.name, path=cookie_path(site.path) if row.scoped else "", attributes=attributes)
    if row.lifetime:
        cookie.ttl.seconds = row.lifetime
    return CookieBasedSessionState(cookie=cookie)


def cookie_path(match: PathMatch) -> str:
    """The paths that a match is for, as a cookie can say it: by whole segments."""
    if match.kind != "regex":
        return match.value
    literal = _PATTERN.split(match.value, maxsplit=1)[0]
    return literal.rpartition("/")[0] or "/"
