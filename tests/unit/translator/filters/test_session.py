"""Claims about session persistence: where the token stands, for which paths it is, and for how long."""

from __future__ import annotations

import pytest

from protos.v3 import Cookie, CookieBasedSessionState, HeaderBasedSessionState, StatefulSessionPerRoute, TypedExtensionConfig
from translator import filters
from translator.envoy_v3.validation import violations
from translator.filters import session
from translator.ir.route import PathMatch, Session, Site

SITE = Site(path=PathMatch("prefix", "/shop"))


def state(row: Session, site: Site = SITE) -> TypedExtensionConfig:
    found = StatefulSessionPerRoute.FromString(session.on_route(row, site).typed_per_filter_config[session.NAME].value)
    assert violations(found) == ()
    return found.stateful_session.session_state  # type: ignore[return-value]


def cookie(row: Session, site: Site = SITE) -> Cookie:
    return CookieBasedSessionState.FromString(state(row, site).typed_config.value).cookie


@pytest.mark.parametrize(
    ("kind", "path", "wanted"),
    [
        ("prefix", "/", "/"),
        ("prefix", "/a/b", "/a/b"),
        ("exact", "/a", "/a"),
        ("regex", "/p1/p2/.*/p3", "/p1/p2"),
        ("regex", "/p1/p[0-9]+", "/p1"),
        ("regex", "/[a-z]+", "/"),
        ("regex", "(/a|/b)/c", "/"),
    ],
)
def test_cookie_is_for_the_paths_that_the_route_matches(kind: str, path: str, wanted: str) -> None:
    assert cookie(Session(name="s"), Site(path=PathMatch(kind, path))).path == wanted  # type: ignore[arg-type]


def test_cookie_of_a_policy_names_no_path() -> None:
    assert cookie(Session(name="s", scoped=False)).path == ""


def test_cookie_is_hidden_from_other_sites_and_secure_where_tls_is_spoken() -> None:
    plain, tls = cookie(Session(name="s")), cookie(Session(name="s"), Site(path=SITE.path, scheme="https"))
    assert [(one.name, one.value) for one in plain.attributes] == [("SameSite", "Strict")]
    assert [(one.name, one.value) for one in tls.attributes] == [("SameSite", "Strict"), ("Secure", "")]


def test_cookie_lasts_as_long_as_the_browser_unless_a_lifetime_is_given() -> None:
    assert not cookie(Session(name="s")).HasField("ttl")
    assert cookie(Session(name="s", lifetime=60)).ttl.seconds == 60


def test_header_carries_the_token_of_those_who_keep_no_cookies() -> None:
    found = state(Session(name="x-session", place="header"))
    assert found.name == "envoy.http.stateful_session.header"
    assert HeaderBasedSessionState.FromString(found.typed_config.value).name == "x-session"


def test_filter_stands_in_every_connection_manager_and_not_on_a_share() -> None:
    assert session.NAME in [one.name for one in filters.http_filters()]
    assert filters.cannot_share(Session(name="s"))
