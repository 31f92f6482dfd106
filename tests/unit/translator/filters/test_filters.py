"""Claims about each filter's part of a route, and about how parts are merged."""

from __future__ import annotations

import pytest

from protos.v3 import DirectResponseAction, FractionalPercent, HeaderValueOption, RedirectAction, Route, RouteAction, WeightedCluster
from translator import filters
from translator.filters import header_modifier, request_mirror, request_redirect, url_rewrite
from translator.ir.route import CORS, ExternalAuth, Headers, Mirror, PathChange, PathMatch, Redirect, Rewrite, Session, Site

SITE = Site(path=PathMatch("prefix", "/foo"), host="a.example", port=80)


def redirected(row: Redirect, **site: object) -> RedirectAction:
    return request_redirect.on_route(row, Site(path=PathMatch("prefix", "/foo"), **site)).redirect  # type: ignore[arg-type]


# Headers


def test_set_replaces_and_add_appends() -> None:
    part = header_modifier.on_route(Headers(on="request", set=(("a", "1"),), add=(("b", "2"),), remove=("c",)), SITE)
    assert [(one.header.key, one.header.value, one.append_action) for one in part.request_headers_to_add] == [
        ("a", "1", HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD),
        ("b", "2", HeaderValueOption.APPEND_IF_EXISTS_OR_ADD),
    ]
    assert list(part.request_headers_to_remove) == ["c"]
    assert not part.response_headers_to_add


def test_response_headers_are_changed_on_the_response_only() -> None:
    part = header_modifier.on_route(Headers(on="response", set=(("a", "1"),), remove=("c",)), SITE)
    assert part.response_headers_to_add[0].header.key == "a"
    assert list(part.response_headers_to_remove) == ["c"]
    assert not part.request_headers_to_add


def test_percent_in_a_value_is_text_and_no_command_of_envoy() -> None:
    part = header_modifier.on_route(Headers(on="request", set=(("a", "50% %REQ(authorization)%"),)), SITE)
    assert part.request_headers_to_add[0].header.value == "50%% %%REQ(authorization)%%"


def test_empty_value_is_kept() -> None:
    part = header_modifier.on_route(Headers(on="request", set=(("a", ""),)), SITE)
    assert part.request_headers_to_add[0].keep_empty_value


def test_headers_act_on_a_share_too() -> None:
    share = WeightedCluster.ClusterWeight(name="c")
    filters.apply_to_share(share, (Headers(on="request", set=(("a", "1"),)), Headers(on="request", add=(("b", "2"),))))
    assert [one.header.key for one in share.request_headers_to_add] == ["a", "b"]


# Mirror


@pytest.mark.parametrize(
    ("numerator", "denominator", "sent", "of"),
    [(100, 100, 100, FractionalPercent.HUNDRED), (1, 2, 50, FractionalPercent.HUNDRED), (1, 3, 333333, FractionalPercent.MILLION),
     (0, 7, 0, FractionalPercent.HUNDRED), (1, 1000, 1000, FractionalPercent.MILLION)],
)  # fmt: skip
def test_mirrored_fraction_is_as_exact_as_envoy_can(numerator: int, denominator: int, sent: int, of: int) -> None:
    part = request_mirror.on_route(Mirror(cluster="m", numerator=numerator, denominator=denominator), SITE)
    fraction = part.route.request_mirror_policies[0].runtime_fraction.default_value
    assert (fraction.numerator, fraction.denominator) == (sent, of)


def test_mirrored_request_keeps_its_host() -> None:
    assert request_mirror.on_route(Mirror(cluster="m"), SITE).route.request_mirror_policies[0].disable_shadow_host_suffix_append


def test_mirror_without_a_cluster_leaves_the_route_alone() -> None:
    assert request_mirror.on_route(Mirror(cluster=""), SITE) == Route()


# Rewrite


def test_rewrite_of_host_and_prefix() -> None:
    part = url_rewrite.on_route(Rewrite(hostname="b.example", path=PathChange("prefix", "/xyz/")), SITE)
    assert part.route == RouteAction(host_rewrite_literal="b.example", prefix_rewrite="/xyz")


def test_rewrite_of_the_full_path() -> None:
    assert url_rewrite.on_route(Rewrite(path=PathChange("full", "/one")), SITE).route.regex_rewrite.substitution == "/one"


# Redirect


@pytest.mark.parametrize(
    ("row", "site", "scheme", "port"),
    [
        (Redirect(hostname="b"), {"port": 80}, "", 0),
        (Redirect(hostname="b"), {"port": 8080}, "", 8080),
        (Redirect(hostname="b"), {"port": 443, "scheme": "https"}, "", 0),
        (Redirect(hostname="b"), {"port": 80, "scheme": "https"}, "", 80),
        (Redirect(hostname="b"), {"port": 443}, "", 443),
        (Redirect(scheme="https"), {"port": 8080, "host": "a"}, "https", 0),
        (Redirect(scheme="http"), {"port": 8443, "scheme": "https", "host": "a"}, "http", 0),
        (Redirect(scheme="https", port=80), {"port": 8080, "host": "a"}, "https", 80),
        (Redirect(scheme="http", port=443), {"port": 8080, "host": "a"}, "http", 443),
        (Redirect(scheme="https", port=443), {"port": 8080, "host": "a"}, "https", 0),
        (Redirect(port=8081), {"port": 80, "host": "a"}, "", 8081),
        (Redirect(port=80), {"port": 8080, "host": "a"}, "", 0),
    ],
)
def test_port_of_a_redirect_is_its_own_or_the_schemes_or_the_listeners(
    row: Redirect, site: dict[str, object], scheme: str, port: int
) -> None:
    action = redirected(row, **site)
    assert (action.scheme_redirect, action.port_redirect) == (scheme, port)


def test_port_of_the_host_header_cannot_leak_where_the_virtual_host_is_exact() -> None:
    assert redirected(Redirect(scheme="https"), host="a.example").host_redirect == "a.example"


def test_host_of_the_request_is_kept_under_a_wildcard() -> None:
    assert redirected(Redirect(scheme="https"), host="*.example").host_redirect == ""


def test_request_that_names_a_port_under_a_wildcard_gets_one_that_is_right() -> None:
    assert redirected(Redirect(scheme="https"), host="*", port=8080, host_names_port=True).port_redirect == 443


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_answers_the_status_that_was_asked_for(status: int) -> None:
    code = redirected(Redirect(hostname="b", status=status)).response_code
    names = {301: "MOVED_PERMANENTLY", 302: "FOUND", 303: "SEE_OTHER", 307: "TEMPORARY_REDIRECT", 308: "PERMANENT_REDIRECT"}
    assert RedirectAction.RedirectResponseCode.Name(code) == names[status]


def test_redirect_replaces_a_prefix_without_doubling_slashes() -> None:
    assert redirected(Redirect(path=PathChange("prefix", "/xyz/"))).prefix_rewrite == "/xyz"


def test_redirect_replaces_the_full_path() -> None:
    assert redirected(Redirect(path=PathChange("full", "/one"))).path_redirect == "/one"
    assert redirected(Redirect(path=PathChange("full", ""))).path_redirect == "/"


# Merging


def test_parts_are_merged_in_the_order_of_the_chain() -> None:
    rows = (Rewrite(hostname="b"), Mirror(cluster="m"), Headers(on="request", set=(("a", "1"),)), Mirror(cluster="n"))
    one, other = Route(route=RouteAction(cluster="c")), Route(route=RouteAction(cluster="c"))
    filters.apply(one, rows, SITE)
    filters.apply(other, tuple(sorted(rows, key=lambda row: type(row).__name__)), SITE)
    assert one == other
    assert [policy.cluster for policy in one.route.request_mirror_policies] == ["m", "n"]
    assert one.route.cluster == "c"


def test_redirect_takes_the_place_of_the_action() -> None:
    route = Route(route=RouteAction(cluster="c"))
    filters.apply(route, (Redirect(hostname="b"), Mirror(cluster="m")), SITE)
    assert route.WhichOneof("action") == "redirect"


def test_route_that_forwards_nothing_is_not_made_to_forward() -> None:
    route = Route(direct_response=DirectResponseAction(status=500))
    filters.apply(route, (Mirror(cluster="m"), Rewrite(hostname="b"), Headers(on="response", set=(("a", "1"),))), SITE)
    assert route.WhichOneof("action") == "direct_response"
    assert route.response_headers_to_add[0].header.key == "a"


def test_every_filter_of_the_ir_has_its_link() -> None:
    assert {link.row for link in filters.CHAIN} == {CORS, ExternalAuth, Headers, Mirror, Redirect, Rewrite, Session}


def test_only_headers_can_act_on_a_share() -> None:
    rows = (Headers(on="request"), Mirror(cluster="m"), Redirect(), Rewrite())
    assert [filters.cannot_share(row) for row in rows] == [False, True, True, True]
