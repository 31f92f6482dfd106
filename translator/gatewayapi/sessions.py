"""Session persistence of rules and policies as rows, and what of it cannot be kept. Knows no view and no Envoy.

Source: Gateway API v1.6.1, `SessionPersistence` (GEP-1619). A token names an endpoint, so sessions are kept where a rule has one
backend that gets requests: between several the draw comes first, and the text lets that be refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from translator.gatewayapi.durations import milliseconds
from translator.ir.finding import Finding, Path
from translator.ir.route import Session
from translator.resources.persistence import SessionPersistence

FIELD = "sessionPersistence"


def session(spec: SessionPersistence, of: str, *, scoped: bool) -> Session:
    """`of` names the rule, and the policy if it is one: two rules never share a token unless both say the same `sessionName`."""
    name = spec.session_name or f"session-{blake2b(of.encode(), digest_size=6).hexdigest()}"
    if spec.type == "Header":
        return Session(name=name, place="header", scoped=scoped)
    lasting = spec.cookie_config.lifetime_type == "Permanent"
    return Session(name=name, lifetime=max(1, milliseconds(spec.absolute_timeout) // 1000) if lasting else 0, scoped=scoped)


def limits(spec: SessionPersistence, kind: str, key: str, path: Path) -> Iterator[Finding]:
    """A session that only the proxy could end: Envoy keeps no account of them, the token is all there is."""
    if spec.absolute_timeout and (spec.type == "Header" or spec.cookie_config.lifetime_type != "Permanent"):
        message = "absoluteTimeout is served of permanent cookies only; the session lasts as long as the client keeps its token"
        fix = "set cookieConfig.lifetimeType to Permanent, or remove absoluteTimeout"
        where = (*path, "absoluteTimeout")
        yield Finding(code="PM0404", kind=kind, key=key, message=message, path=where, fix=fix, severity="warning")


def divided(kind: str, key: str, path: Path, rule: str) -> Finding:
    """Said of a rule, or of a policy that is about one of its backends."""
    message = f"{FIELD} is not served where a rule shares its requests among several backends: {rule} works without it"
    fix = "give the rule one backend"
    return Finding(code="PM0404", kind=kind, key=key, message=message, path=path, fix=fix, severity="warning")
