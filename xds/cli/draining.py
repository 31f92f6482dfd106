"""`drain`: what a proxy does before it ends. Nothing but the standard library is loaded: it is waited for."""

from __future__ import annotations

import http.client
import json
import time

from xds.cli.output import Exit

LOOK = 0.25  # seconds
LIMIT = 2.0  # seconds for an answer of the admin port
OURS = ("http.admin.", "http.readiness.")  # requests that are none of a user's


def drain(admin: str, least: float, most: float) -> None:
    """From now on Envoy says that it is not ready, and closes each connection after its answer. Returns when nothing is on its
    way any more: after `least` seconds at the soonest, for others need to hear of it, and after `most` at the latest.
    """
    began = time.monotonic()
    if _asked(admin, "POST", "/healthcheck/fail") is None:
        raise Exit(3, f"no Envoy answers at {admin}")
    while (waited := time.monotonic() - began) < most and (waited < least or _active(admin)):
        time.sleep(LOOK)


def _active(admin: str) -> int:
    """Requests of users. Where nothing can be said any more, none."""
    body = _asked(admin, "GET", "/stats?filter=downstream_rq_active&format=json")
    try:
        stats = json.loads(body or b"{}").get("stats", [])
    except ValueError:
        return 0
    return sum(int(one.get("value", 0)) for one in stats if "value" in one and not one["name"].startswith(OURS))


def _asked(admin: str, method: str, path: str) -> bytes | None:
    connection = http.client.HTTPConnection(admin, timeout=LIMIT)
    try:
        connection.request(method, path)
        return connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
