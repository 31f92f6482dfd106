"""SessionPersistence as rules of routes and policies write it. Source: Gateway API v1.6.1, `apis/v1/shared_types.go` (GEP-1619)."""

from __future__ import annotations

from translator.resources.meta import Value


class CookieConfig(Value, frozen=True, gc=False, kw_only=True):
    lifetime_type: str = "Session"  # Session | Permanent


class SessionPersistence(Value, frozen=True, gc=False, kw_only=True):
    """`absolute_timeout` is a GEP-2257 duration; of a permanent cookie the CRD demands it."""

    session_name: str = ""
    absolute_timeout: str = ""
    type: str = "Cookie"  # Cookie | Header
    cookie_config: CookieConfig = CookieConfig()
