"""Claims about the Envoy routes of an entry, by decoding their bytes."""

from __future__ import annotations

import pytest

from protos.v3 import Route, RouteAction, VirtualHost, data, framed
from tests.unit.translator.envoy_v3.world import NAME, at, entry
from translator.envoy_v3.route import depends_on_site, packed_route, route
from translator.ir.route import Answer, Entry, Forward, Headers, Match, Mirror, PathChange, Redirect, Rewrite, Share, Site, TextMatch


def built(one: Entry, **site: object) -> Route:
    return route(one, Site(path=one.match.path, **site))  # type: ignore[arg-type]


def forwarded(*shares: Share, **action: int | None) -> Route:
    return built(entry(action=Forward(shares=shares, **action)))  # type: ignore[arg-type]


# Matches


@pytest.mark.parametrize(
    ("kind", "value", "field", "text"),
    [("exact", "/a", "path", "/a"), ("prefix", "/a", "path_separated_prefix", "/a"), ("prefix", "/a/", "path_separated_prefix", "/a"),
     ("prefix", "/", "prefix", "/")],
)  # fmt: skip
def test_path_is_matched_by_segments(kind: str, value: str, field: str, text: str) -> None:
    match = built(entry(match=at(kind, value))).match
    assert (match.WhichOneof("path_specifier"), getattr(match, field)) == (field, text)


def test_regex_path() -> None:
    assert built(entry(match=at("regex", "/a.*"))).match.safe_regex.regex == "/a.*"


def test_all_parts_of_a_match_must_hold() -> None:
    match = built(
        entry(
            match=Match(
                method="GET",
                headers=(TextMatch("exact", "x", "1"), TextMatch("regex", "y", "2+")),
                query=(TextMatch("exact", "p", "3"), TextMatch("regex", "q", "4*")),
            )
        )
    ).match
    assert [(one.name, one.string_match.exact, one.string_match.safe_regex.regex) for one in match.headers] == [
        (":method", "GET", ""), ("x", "1", ""), ("y", "", "2+"),
    ]  # fmt: skip
    assert [(one.name, one.string_match.exact, one.string_match.safe_regex.regex) for one in match.query_parameters] == [
        ("p", "3", ""), ("q", "", "4*"),
    ]  # fmt: skip


# Forwarding


def test_one_share_is_a_cluster_and_no_split() -> None:
    assert forwarded(Share(cluster="a")).route.cluster == "a"


def test_shares_are_split_by_their_weights() -> None:
    clusters = forwarded(Share(cluster="a", weight=90), Share(cluster="b", weight=10)).route.weighted_clusters.clusters
    assert [(one.name, one.weight.value) for one in clusters] == [("a", 90), ("b", 10)]


def test_share_of_weight_nothing_gets_nothing() -> None:
    assert forwarded(Share(cluster="a"), Share(cluster="b", weight=0)).route.cluster == "a"


def test_same_backend_twice_counts_twice() -> None:
    clusters = forwarded(Share(cluster="a", weight=2), Share(cluster="a", weight=3)).route.weighted_clusters.clusters
    assert [one.weight.value for one in clusters] == [2, 3]


def test_share_that_cannot_be_had_keeps_its_weight_and_answers_500() -> None:
    action = forwarded(Share(cluster="a", weight=3), Share(cluster="", weight=1)).route
    assert [(one.name, one.weight.value) for one in action.weighted_clusters.clusters] == [("a", 3), ("unresolved", 1)]
    assert action.cluster_not_found_response_code == RouteAction.INTERNAL_SERVER_ERROR


def test_route_whose_shares_can_all_be_had_answers_503_while_a_cluster_is_missing() -> None:
    assert forwarded(Share(cluster="a")).route.cluster_not_found_response_code == RouteAction.SERVICE_UNAVAILABLE


@pytest.mark.parametrize(
    "shares", [(), (Share(cluster=""),), (Share(cluster="a", weight=0),), (Share(cluster=""), Share(cluster="a", weight=0))]
)
def test_route_without_a_usable_share_answers_500(shares: tuple[Share, ...]) -> None:
    assert forwarded(*shares).direct_response.status == 500


def test_share_with_filters_has_them_to_itself() -> None:
    clusters = forwarded(
        Share(cluster="a", filters=(Headers(on="request", set=(("x", "1"),)),)), Share(cluster="b")
    ).route.weighted_clusters.clusters
    assert [len(one.request_headers_to_add) for one in clusters] == [1, 0]


def test_single_share_with_filters_is_still_filtered() -> None:
    action = forwarded(Share(cluster="a", filters=(Headers(on="response", remove=("x",)),))).route
    assert list(action.weighted_clusters.clusters[0].response_headers_to_remove) == ["x"]


def test_share_with_a_filter_that_cannot_act_on_it_answers_500() -> None:
    clusters = forwarded(Share(cluster="a"), Share(cluster="b", filters=(Mirror(cluster="m"),))).route.weighted_clusters.clusters
    assert [one.name for one in clusters] == ["a", "unresolved"]


@pytest.mark.parametrize(
    ("request_", "backend", "milliseconds"),
    [
        (None, None, 0),
        (0, None, 0),
        (None, 0, 0),
        (1500, None, 1500),
        (None, 700, 700),
        (1500, 700, 700),
        (700, 1500, 700),
        (0, 700, 700),
        (700, 0, 700),
    ],
)
def test_smaller_timeout_counts_and_zero_is_none(request_: int | None, backend: int | None, milliseconds: int) -> None:
    action = forwarded(Share(cluster="a"), timeout=request_, backend_timeout=backend).route
    assert action.HasField("timeout")  # without it Envoy takes 15 s
    assert action.timeout.ToMilliseconds() == milliseconds


def test_answer_is_given_by_envoy() -> None:
    assert built(entry(action=Answer(404))).direct_response.status == 404


# Where it stands


def test_only_a_redirect_depends_on_where_it_stands() -> None:
    assert not depends_on_site(entry(filters=(Rewrite(hostname="b"), Mirror(cluster="m"), Headers(on="request"))))
    assert depends_on_site(entry(filters=(Redirect(hostname="b"),)))


def decoded(body: bytes) -> list[Route]:
    return list(VirtualHost.FromString(body).routes)


def test_packed_route_is_framed_as_protobuf_frames_it() -> None:
    one = entry(match=at("prefix", "/" + "a" * 300))
    assert packed_route(one, Site(path=one.match.path)) == framed(3, data(built(one)))
    assert decoded(packed_route(one, Site(path=one.match.path))) == [built(one)]


def test_redirect_under_a_wildcard_tells_requests_with_a_port_apart() -> None:
    one = entry(match=at("prefix", "/a"), filters=(Redirect(scheme="https"),))
    ported, plain = decoded(packed_route(one, Site(path=one.match.path, host="*", port=8080)))
    assert (ported.match.headers[0].name, ported.redirect.port_redirect) == (":authority", 443)
    assert (len(plain.match.headers), plain.redirect.port_redirect) == (0, 0)


@pytest.mark.parametrize(("redirect", "host"), [(Redirect(scheme="https"), "a"), (Redirect(hostname="b"), "*"), (Redirect(port=81), "*")])
def test_redirect_needs_one_route_where_no_port_can_leak(redirect: Redirect, host: str) -> None:
    one = entry(filters=(redirect,))
    assert len(decoded(packed_route(one, Site(path=one.match.path, host=host)))) == 1


# Nothing is forgotten

BASE = entry(match=at("prefix", "/a"))
FORWARD = Forward(shares=(Share(cluster=NAME),))
REMOVE = Headers(on="request", remove=("x",))
VARIANTS = {
    "name": entry(1, match=at("prefix", "/a")),
    "path.kind": entry(match=at("exact", "/a")),
    "path.value": entry(match=at("prefix", "/b")),
    "method": entry(match=Match(path=BASE.match.path, method="GET")),
    "headers": entry(match=Match(path=BASE.match.path, headers=(TextMatch("exact", "x", "1"),))),
    "headers.kind": entry(match=Match(path=BASE.match.path, headers=(TextMatch("regex", "x", "1"),))),
    "headers.name": entry(match=Match(path=BASE.match.path, headers=(TextMatch("exact", "y", "1"),))),
    "headers.value": entry(match=Match(path=BASE.match.path, headers=(TextMatch("exact", "x", "2"),))),
    "query": entry(match=Match(path=BASE.match.path, query=(TextMatch("exact", "x", "1"),))),
    "query.kind": entry(match=Match(path=BASE.match.path, query=(TextMatch("regex", "x", "1"),))),
    "cluster": entry(match=BASE.match, action=Forward(shares=(Share(cluster="b"),))),
    "shares": entry(match=BASE.match, action=Forward(shares=(*FORWARD.shares, Share(cluster="b")))),
    "weight": entry(match=BASE.match, action=Forward(shares=(*FORWARD.shares, Share(cluster="b", weight=2)))),
    "timeout": entry(match=BASE.match, action=Forward(shares=FORWARD.shares, timeout=1)),
    "backend_timeout": entry(match=BASE.match, action=Forward(shares=FORWARD.shares, backend_timeout=2)),
    "share.filters": entry(match=BASE.match, action=Forward(shares=(Share(cluster=NAME, filters=(REMOVE,)),))),
    "answer": entry(match=BASE.match, action=Answer(404)),
    "answer.status": entry(match=BASE.match, action=Answer(405)),
} | {
    f"filter {n}": entry(match=BASE.match, filters=(row,))
    for n, row in enumerate(
        (
            Headers(on="request", set=(("x", "1"),)), Headers(on="response", set=(("x", "1"),)), Headers(on="request", add=(("x", "1"),)),
            Headers(on="request", set=(("y", "1"),)), Headers(on="request", set=(("x", "2"),)), Headers(on="request", remove=("x",)),
            Redirect(hostname="b"), Redirect(scheme="https"), Redirect(port=81), Redirect(path=PathChange("full", "/b")),
            Redirect(path=PathChange("prefix", "/b")), Redirect(path=PathChange("prefix", "/c")), Redirect(hostname="b", status=301),
            Rewrite(hostname="b"), Rewrite(path=PathChange("full", "/b")), Rewrite(path=PathChange("prefix", "/b")),
            Mirror(cluster="m"), Mirror(cluster="n"), Mirror(cluster="m", numerator=50), Mirror(cluster="m", denominator=400),
        )
    )
}  # fmt: skip


def test_every_field_of_an_entry_shows_in_its_bytes() -> None:
    bodies = {name: packed_route(one, Site(path=one.match.path, host="a.example", port=8080)) for name, one in VARIANTS.items()}
    bodies["base"] = packed_route(BASE, Site(path=BASE.match.path))
    assert len(set(bodies.values())) == len(VARIANTS) + 1


def test_every_field_of_a_site_shows_in_the_bytes_of_a_redirect() -> None:
    one = entry(match=at("prefix", "/a"), filters=(Redirect(path=PathChange("prefix", "/b")),))
    path = one.match.path
    sites = [
        Site(path=path),
        Site(path=at("prefix", "/").path),
        Site(path=path, host="a"),
        Site(path=path, scheme="https", port=82),
        Site(path=path, port=81),
        Site(path=path, host_names_port=True),
    ]
    assert len({data(route(one, site)) for site in sites}) == len(sites)
