"""Claims about session persistence as the API has it: names, lifetimes, and what is told in vain."""

from __future__ import annotations

from translator.gatewayapi.sessions import limits, session
from translator.ir.route import Session
from translator.resources.persistence import CookieConfig, SessionPersistence

PERMANENT = CookieConfig(lifetime_type="Permanent")


def said(spec: SessionPersistence) -> list[tuple[str, object]]:
    return [(one.code, one.path[-1]) for one in limits(spec, "HTTPRoute", "a/r", ("spec",))]


def test_two_rules_share_no_token_unless_both_give_it_one_name() -> None:
    unnamed = SessionPersistence()
    names = {session(unnamed, of, scoped=True).name for of in ("rule 0 of a", "rule 1 of a", "rule 0 of a")}
    assert len(names) == 2
    assert session(SessionPersistence(session_name="s"), "rule 0 of a", scoped=True) == Session(name="s")


def test_permanent_cookie_lasts_for_its_timeout_and_a_session_cookie_for_none() -> None:
    assert session(SessionPersistence(absolute_timeout="1h1m", cookie_config=PERMANENT), "r", scoped=True).lifetime == 3660
    assert session(SessionPersistence(absolute_timeout="20ms", cookie_config=PERMANENT), "r", scoped=True).lifetime == 1
    assert session(SessionPersistence(absolute_timeout="1h"), "r", scoped=True).lifetime == 0


def test_timeout_that_only_a_proxy_could_keep_is_said_to_have_no_effect() -> None:
    assert said(SessionPersistence(absolute_timeout="1h")) == [("PM0404", "absoluteTimeout")]
    assert said(SessionPersistence(type="Header", absolute_timeout="1h", cookie_config=PERMANENT)) == [("PM0404", "absoluteTimeout")]
    assert said(SessionPersistence(absolute_timeout="1h", cookie_config=PERMANENT)) == said(SessionPersistence()) == []
