"""Claims about routes whose upstreams may have forks: what they are with the native module, and without."""

from __future__ import annotations

from typing import Any

import pytest
import re2

from protos.v3 import DynamicModuleClusterSpecifier, Route, RouteAction, StringValue, VirtualHost
from translator.envoy_v3.forks import forked, plain, with_keys
from translator.envoy_v3.route import packed
from translator.ir.keys import KeyRule, KeyWay, Sticky

CART, FORKS = "service/shop/cart/80", "fork/shop/g/service/shop/cart/80/"
PREFIXES = {CART: FORKS}
SPLIT = {"weighted_clusters": {"clusters": [{"name": "other", "weight": {"value": 9}}, {"name": CART, "weight": {"value": 1}}]}}


def route(action: dict[str, Any], **more: Any) -> bytes:
    return packed(Route(name="r", match={"prefix": "/"}, route=action, **more))


def routes(framed: bytes) -> list[Route]:
    return [*VirtualHost.FromString(framed).routes]


def way(key: str, place: int = 0, cluster: str | None = None, **rule: Any) -> KeyWay:
    return KeyWay(key, place, f"{FORKS}{key}" if cluster is None else cluster, KeyRule(**rule))


def config(one: Route) -> str:
    extension = DynamicModuleClusterSpecifier.FromString(one.route.inline_cluster_specifier_plugin.extension.typed_config.value)
    assert extension.specifier_name == "fork"
    return StringValue.FromString(extension.specifier_config.value).value


def test_route_names_what_its_forks_begin_with_and_no_fork() -> None:
    (one,) = routes(forked(route({"cluster": CART}), PREFIXES))
    assert config(one) == f"header=x-route-key\nbase=1 {CART}\nfork={FORKS}\n"


def test_shares_are_bases_by_weight_and_only_some_have_forks() -> None:
    (one,) = routes(forked(route(SPLIT), PREFIXES))
    assert config(one) == f"header=x-route-key\nbase=9 other\nbase=1 {CART}\nfork={FORKS}\n"
    assert not one.route.HasField("weighted_clusters")


def test_refused_connection_is_tried_once_more_and_the_cluster_chosen_anew() -> None:
    (one,) = routes(forked(route({"cluster": CART}), PREFIXES))
    policy = one.route.retry_policy
    assert (policy.num_retries.value, policy.refresh_cluster_on_retry) == (1, True)
    assert policy.retry_on == "connect-failure,refused-stream,retriable-headers"


def test_laptop_that_is_not_connected_is_an_answer_to_be_tried_again() -> None:
    (one,) = routes(forked(route({"cluster": CART}), PREFIXES))
    assert [(header.name, header.present_match) for header in one.route.retry_policy.retriable_headers] == [("x-pointsman-absent", True)]


def test_retries_that_the_route_has_are_kept() -> None:
    (one,) = routes(forked(route({"cluster": CART, "retry_policy": {"retry_on": "5xx", "num_retries": {"value": 4}}}), PREFIXES))
    assert (one.route.retry_policy.retry_on, one.route.retry_policy.num_retries.value) == ("5xx,retriable-headers", 4)
    assert one.route.retry_policy.refresh_cluster_on_retry


def test_all_else_of_a_route_stays() -> None:
    timeout = {"seconds": 3}
    (one,) = routes(forked(route({"cluster": CART, "timeout": timeout, "prefix_rewrite": "/x"}, request_headers_to_remove=["a"]), PREFIXES))
    assert (one.name, one.match.prefix, one.route.timeout.seconds, one.route.prefix_rewrite) == ("r", "/", 3, "/x")
    assert [*one.request_headers_to_remove] == ["a"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(route({"cluster": "other"}), id="upstream-without-forks"),
        pytest.param(packed(Route(name="r", match={"prefix": "/"}, direct_response={"status": 500})), id="answer"),
        pytest.param(packed(Route(name="r", match={"prefix": "/"}, redirect={"host_redirect": "x"})), id="redirect"),
        pytest.param(
            route({"weighted_clusters": {"clusters": [{"name": CART, "weight": {"value": 1}, "request_headers_to_remove": ["a"]}]}}),
            id="share-that-changes-headers",
        ),
    ],
)
def test_route_without_forks_is_the_same_bytes(body: bytes) -> None:
    assert forked(body, PREFIXES) == body
    assert with_keys(body, PREFIXES, {FORKS: [way("alice")]}) == body


def test_both_routes_of_an_entry_are_forked() -> None:
    found = routes(forked(route({"cluster": CART}) + route({"cluster": CART, "prefix_rewrite": "/"}), PREFIXES))
    assert [one.route.HasField("inline_cluster_specifier_plugin") for one in found] == [True, True]


def test_without_the_module_each_key_has_a_route_in_front() -> None:
    body = route({"cluster": CART})
    first, second, last = routes(with_keys(body, PREFIXES, {FORKS: [way("alice"), way("bob")]}))
    assert [(one.route.cluster, one.match.headers[0].string_match.exact) for one in (first, second)] == [
        (f"{FORKS}alice", "alice"),
        (f"{FORKS}bob", "bob"),
    ]
    assert packed(last) == body


def test_without_the_module_a_key_takes_all_of_a_split() -> None:
    first, last = routes(with_keys(route(SPLIT), PREFIXES, {FORKS: [way("alice")]}))
    assert first.route.cluster == f"{FORKS}alice"
    assert not first.route.HasField("weighted_clusters")
    assert last.route.HasField("weighted_clusters")


def test_specifier_is_taken_out_where_there_is_no_module() -> None:
    (one,) = routes(forked(route({"cluster": CART}), PREFIXES))
    plain(one)
    assert one.route.cluster == "unresolved"


def asked(one: Route) -> dict[str, str]:
    return {each.name: each.string_match.exact or each.string_match.safe_regex.regex for each in one.match.headers}


def test_without_the_module_a_rule_asks_for_its_headers_and_paths_too() -> None:
    first, last = routes(with_keys(route({"cluster": CART}), PREFIXES, {FORKS: [way("alice", headers=(("v", "2"),), prefixes=("/a/",))]}))
    assert asked(first) == {"x-route-key": "alice", "v": "2", ":path": r"(?s)(?:\/a(?:/.*)?)(?:\?.*)?"}
    assert asked(last) == {}


@pytest.mark.parametrize(
    ("path", "fits"),
    [("/a", True), ("/a/b", True), ("/a?q", True), ("/ab", False), ("/x.y", True), ("/xzy", False), ("/x.y/z", False), ("/", False)],
)
def test_without_the_module_a_prefix_is_whole_segments_and_an_exact_path_is_itself(path: str, fits: bool) -> None:
    first, _ = routes(with_keys(route({"cluster": CART}), PREFIXES, {FORKS: [way("alice", prefixes=("/a",), exact=("/x.y",))]}))
    assert (re2.fullmatch(asked(first)[":path"], path) is not None) is fits


def test_without_the_module_a_share_of_a_key_leaves_the_rest_to_the_baseline() -> None:
    first, _ = routes(with_keys(route(SPLIT), PREFIXES, {FORKS: [way("alice", weight=30)]}))
    assert [(one.name, one.weight.value) for one in first.route.weighted_clusters.clusters] == [
        (f"{FORKS}alice", 300),
        ("other", 630),
        (CART, 70),
    ]


@pytest.mark.parametrize(
    ("by", "policy"),
    [
        (Sticky("header", "x-user"), {"header": {"header_name": "x-user"}}),
        (Sticky("cookie", "uid"), {"cookie": {"name": "uid"}}),
        (Sticky("source"), {"connection_properties": {"source_ip": True}}),
    ],
)
def test_without_the_module_a_sticky_share_goes_by_a_hash_of_envoys_own(by: Sticky, policy: dict[str, Any]) -> None:
    first, last = routes(with_keys(route(SPLIT), PREFIXES, {FORKS: [way("alice", weight=30, sticky=by)]}))
    assert [*first.route.hash_policy] == [RouteAction.HashPolicy(**policy)]
    assert first.route.weighted_clusters.use_hash_policy.value
    assert first.route.weighted_clusters.clusters[0].name == f"{FORKS}alice", "in front, so that a share that grows lets none go"
    assert not last.route.hash_policy


def test_without_the_module_a_rule_whose_fork_is_not_ready_keeps_later_rules_from_its_requests() -> None:
    ways = [way("alice", cluster="", prefixes=("/a",)), way("alice", 1)]
    first, second, last = routes(with_keys(route({"cluster": CART}), PREFIXES, {FORKS: ways}))
    assert [one.route.cluster for one in (first, second, last)] == [CART, f"{FORKS}alice", CART]
    assert ":path" in asked(first)
    assert ":path" not in asked(second)


def test_without_the_module_nothing_stands_behind_a_rule_that_takes_all() -> None:
    assert len(routes(with_keys(route({"cluster": CART}), PREFIXES, {FORKS: [way("alice"), way("alice", 1, prefixes=("/a",))]}))) == 2
