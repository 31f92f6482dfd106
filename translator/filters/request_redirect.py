"""Request redirect: answered by Envoy with a Location made of the request and of what the filter replaces.

Source: Gateway API, `HTTPRequestRedirectFilter`: without a port it is that of the scheme given, else the listener's; a
port that the scheme implies is not written. Envoy keeps the port of the Host header where neither host nor port is
replaced, so the host is taken from the virtual host where that has one, and requests that name a port are told apart
where not.
"""

from __future__ import annotations

from typing import Any

from protos.v3 import RedirectAction, Route
from translator.filters.path_change import prefix_replaced
from translator.ir.route import PathChange, PathMatch, Redirect, Site

WELL_KNOWN = {"http": 80, "https": 443}
STATUS = {
    301: RedirectAction.MOVED_PERMANENTLY,
    302: RedirectAction.FOUND,
    303: RedirectAction.SEE_OTHER,
    307: RedirectAction.TEMPORARY_REDIRECT,
    308: RedirectAction.PERMANENT_REDIRECT,
}


def on_route(row: Redirect, site: Site) -> Route:
    scheme = row.scheme.lower()
    port = row.port or WELL_KNOWN.get(scheme, site.port)
    host = row.hostname or ("" if site.host.startswith("*") else site.host)
    implied = port == WELL_KNOWN.get(scheme or site.scheme) and (host or not site.host_names_port)
    given: dict[str, Any] = {"scheme_redirect": scheme} if scheme else {}
    return Route(
        redirect=RedirectAction(
            **given,
            host_redirect=host,
            port_redirect=0 if implied else port,
            response_code=STATUS.get(row.status, RedirectAction.FOUND),
            **_path(row.path, site.path),
        )
    )


def _path(change: PathChange | None, match: PathMatch) -> dict[str, Any]:
    if change is None:
        return {}
    return prefix_replaced(match, change.value) if change.kind == "prefix" else {"path_redirect": change.value or "/"}
