"""Claims about CORS: which origins are allowed, and what Envoy is told to say of them."""

from __future__ import annotations

import pytest
import re2

from protos.v3 import CorsPolicy
from translator import filters
from translator.envoy_v3.validation import violations
from translator.filters import cors
from translator.ir.route import CORS, PathMatch, Site

SITE = Site(path=PathMatch("prefix", "/"))


def policy(row: CORS) -> CorsPolicy:
    return CorsPolicy.FromString(cors.on_route(row, SITE).typed_per_filter_config[cors.NAME].value)


@pytest.mark.parametrize(
    ("written", "asking", "allowed"),
    [
        ("*", "https://a.example", True),
        ("https://*.a.example", "https://x.y.a.example", True),
        ("https://*.a.example", "https://a.example", False),
        ("https://*.a.example", "http://x.a.example", False),
        ("https://*.a.example", "https://xaaxexample", False),
        ("https://*:8443", "https://a.example:8443", True),
        ("https://*:8443", "https://a.example", False),
    ],
)
def test_star_in_an_origin_stands_for_any_characters(written: str, asking: str, allowed: bool) -> None:
    (one,) = policy(CORS(origins=(written,))).allow_origin_string_match
    assert bool(re2.fullmatch(one.safe_regex.regex, asking)) == allowed


def test_origin_without_a_star_is_exact() -> None:
    (one,) = policy(CORS(origins=("https://a.example",))).allow_origin_string_match
    assert one.exact == "https://a.example"


def test_policy_says_all_that_the_filter_says() -> None:
    row = CORS(origins=("*",), methods=("GET", "PUT"), headers=("a", "b"), exposed=("c",), credentials=True, max_age=60)
    found = policy(row)
    assert (found.allow_methods, found.allow_headers, found.expose_headers, found.max_age) == ("GET, PUT", "a, b", "c", "60")
    assert found.allow_credentials.value
    assert violations(found) == ()


def test_preflight_from_elsewhere_is_not_forwarded() -> None:
    found = policy(CORS(origins=("https://a.example",)))
    assert found.HasField("forward_not_matching_preflights")
    assert not found.forward_not_matching_preflights.value


def test_filter_stands_in_every_connection_manager() -> None:
    assert cors.NAME in [one.name for one in filters.http_filters()]
    assert filters.cannot_share(CORS(origins=("*",)))
