"""Claims about external authorization: what a service is told, what of its answer goes on, and what nobody can change."""

from __future__ import annotations

import pytest
import re2

from protos.v3 import ExecuteFilterAction, ExtAuthz, ExtensionWithMatcher, ExtensionWithMatcherPerRoute
from translator import filters
from translator.envoy_v3.checks import regex_fault
from translator.envoy_v3.validation import violations
from translator.filters import external_auth
from translator.ir.route import ExternalAuth, PathMatch, Site

SITE = Site(path=PathMatch("prefix", "/"))


def asked(row: ExternalAuth) -> ExtAuthz:
    config = ExtensionWithMatcherPerRoute.FromString(external_auth.on_route(row, SITE).typed_per_filter_config[external_auth.NAME].value)
    assert violations(config) == ()
    action = ExecuteFilterAction.FromString(config.xds_matcher.on_no_match.action.typed_config.value)
    return ExtAuthz.FromString(action.typed_config.typed_config.value)


def named(found: object) -> list[str]:
    return [one.exact for one in found.patterns]  # type: ignore[attr-defined]


def test_grpc_service_is_told_all_headers_unless_some_are_named() -> None:
    found = asked(ExternalAuth(cluster="c", protocol="grpc"))
    assert (found.grpc_service.envoy_grpc.cluster_name, found.HasField("allowed_headers")) == ("c", False)
    assert named(asked(ExternalAuth(cluster="c", protocol="grpc", headers=("x-a",))).allowed_headers) == ["x-a"]


def test_http_service_is_told_no_other_headers_than_those_named_and_authorization() -> None:
    assert named(asked(ExternalAuth(cluster="c", protocol="http")).allowed_headers) == ["authorization"]
    found = asked(ExternalAuth(cluster="c", protocol="http", headers=("cookie",), path="/check"))
    assert (named(found.allowed_headers), found.http_service.path_prefix) == (["cookie"], "/check")


def test_answer_of_an_http_service_goes_on_whole_unless_headers_are_named() -> None:
    def returned(*headers: str) -> ExtAuthz:
        return asked(ExternalAuth(cluster="c", protocol="http", returned=headers))

    (every,) = returned().http_service.authorization_response.allowed_upstream_headers.patterns
    assert re2.fullmatch(every.safe_regex.regex, "x-anything")
    assert named(returned("x-user").http_service.authorization_response.allowed_upstream_headers) == ["x-user"]


@pytest.mark.parametrize("header", ["host", "content-length", "transfer-encoding", "connection", "te", "upgrade"])
def test_no_answer_makes_another_request_of_it(header: str) -> None:
    rules = asked(ExternalAuth(cluster="c", protocol="http")).decoder_header_mutation_rules
    assert rules.disallow_system.value
    assert re2.fullmatch(rules.disallow_expression.regex, header)
    assert not re2.fullmatch(rules.disallow_expression.regex, "x-content-length")
    assert regex_fault(rules.disallow_expression.regex) == ""


def test_request_is_refused_where_nobody_can_be_asked_and_the_body_is_shown_only_if_wanted() -> None:
    found = asked(ExternalAuth(cluster="c", protocol="http"))
    assert (found.failure_mode_allow, found.HasField("with_request_body")) == (False, False)
    body = asked(ExternalAuth(cluster="c", protocol="http", body=10)).with_request_body
    assert (body.max_request_bytes, body.allow_partial_message) == (10, False)


def test_filter_in_every_connection_manager_asks_nobody_by_itself() -> None:
    (found,) = [one for one in filters.http_filters() if one.name == external_auth.NAME]
    config = ExtensionWithMatcher.FromString(found.typed_config.value)
    assert violations(config) == ()
    assert list(config.xds_matcher.matcher_tree.exact_match_map.map) == [""]  # the method of no request
    assert filters.cannot_share(ExternalAuth(cluster="c", protocol="grpc"))
