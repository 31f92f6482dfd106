"""Rules of a key beside what users have: shares, headers to set, and what is said where a mesh has no words for one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.translator.mesh.test_merging import KEY, SENDS, http_route, to, virtual_service
from translator.ir.keys import KeyRule, Spelling, Sticky
from translator.ir.mesh import Branch, MeshPort, MeshRoute, Way, answering
from translator.mesh import gamma, istio
from translator.mesh.gamma_matches import in_order
from translator.mesh.rules import CannotSayError, Unsaid, shares

PAY = KeyRule(prefixes=("/pay",))
SETS = (("x-env", "a"),)


def ruled(rule: KeyRule, sets: tuple[tuple[str, str], ...] = (), /, *ways: Way, key: str = "alice") -> Branch:
    return Branch(key=key, spellings=KEY, target="fork", ways=ways or (Way(80, 80),), rule=rule, sets=sets)


def cart(*branches: Branch, grpc: bool = False) -> MeshRoute:
    return MeshRoute(service="shop/cart", ports=(MeshPort(80, grpc=grpc),), branches=branches)


def ours(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in document["spec"]["http"] if one.get("name", "").startswith(istio.PREFIX)]


@pytest.mark.parametrize(
    ("fork", "others", "expected"),
    [
        (30, [1], (3, [7])),
        (50, [1], (1, [1])),
        (1, [1], (1, [99])),
        (25, [80, 20], (5, [12, 3])),
        (50, [0, 2], (1, [0, 1])),
        (50, [0], (0, [0])),
    ],
)
def test_fork_takes_its_share_of_all_and_others_share_the_rest_as_before(fork: int, others: list[int], expected: Any) -> None:
    assert shares(KeyRule(weight=fork), others) == expected


# Which forks answer ----------------------------------------------------------------------------------------------------


def test_rule_whose_fork_does_not_answer_keeps_its_requests_from_the_next() -> None:
    first, second = ruled(PAY, (), Way(80, 80)), ruled(KeyRule(), (), Way(80, 80, ready=True))
    left = answering(cart(first, second))
    assert left
    assert [one.ways for one in left.branches] == [(Way(80, 0),), (Way(80, 80, ready=True),)]
    http = istio.own(left)["spec"]["http"]
    assert [one["route"][0]["destination"]["host"] for one in http] == ["cart", "fork", "cart"]


def test_rule_that_nothing_is_behind_needs_not_be_said_where_its_fork_does_not_answer() -> None:
    left = answering(cart(ruled(PAY, (), Way(80, 80, ready=True)), ruled(KeyRule())))
    assert left
    assert [one.rule for one in left.branches] == [PAY]


def test_rule_of_weight_0_is_one_for_the_baseline() -> None:
    left = answering(cart(ruled(KeyRule(prefixes=("/pay",), weight=0)), ruled(KeyRule())), surely=True)
    assert left
    assert [one.ways[0].to for one in left.branches] == [0, 80]
    assert answering(cart(ruled(KeyRule(weight=0))), surely=True) is None


def test_keys_of_one_service_do_not_keep_requests_from_each_other() -> None:
    left = answering(cart(ruled(PAY, key="alice"), ruled(KeyRule(), (), Way(80, 80, ready=True), key="bob")))
    assert left
    assert [one.key for one in left.branches] == ["bob"]


# Istio -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "narrowed"),
    [
        pytest.param({}, [{"exact": "/pay"}, {"prefix": "/pay/"}], id="all-paths"),
        pytest.param({"uri": {"prefix": "/"}}, [{"exact": "/pay"}, {"prefix": "/pay/"}], id="shorter"),
        pytest.param({"uri": {"prefix": "/pay/in"}}, [{"prefix": "/pay/in"}], id="longer"),
        pytest.param({"uri": {"prefix": "/pa"}}, [{"exact": "/pay"}, {"prefix": "/pay/"}], id="in-a-segment"),
        pytest.param({"uri": {"prefix": "/payment"}}, [], id="another-segment"),
        pytest.param({"uri": {"exact": "/pay/in"}}, [{"exact": "/pay/in"}], id="one-below"),
        pytest.param({"uri": {"exact": "/cart"}}, [], id="one-elsewhere"),
    ],
)
def test_path_of_a_rule_within_that_of_a_user(match: dict[str, Any], narrowed: list[dict[str, str]]) -> None:
    [merged] = [istio.merged(virtual_service(to("cart", match=[match])), [cart(ruled(PAY))])]
    assert [match["uri"] for one in ours(merged) for match in one["match"]] == narrowed


@pytest.mark.parametrize(
    ("asked", "narrowed"),
    [
        pytest.param({"exact": "2"}, {"exact": "2"}, id="the-same"),
        pytest.param({"prefix": "2"}, {"exact": "2"}, id="a-part"),
        pytest.param({}, {"exact": "2"}, id="any"),
        pytest.param({"exact": "3"}, None, id="another"),
    ],
)
def test_header_of_a_rule_beside_that_of_a_user(asked: dict[str, str], narrowed: dict[str, str] | None) -> None:
    rule = KeyRule(headers=(("x-version", "2"),))
    merged = istio.merged(virtual_service(to("cart", match=[{"headers": {"x-version": asked}}])), [cart(ruled(rule))])
    assert [match["headers"]["x-version"] for one in ours(merged) for match in one["match"]] == ([narrowed] if narrowed else [])


@pytest.mark.parametrize(
    ("match", "rule"),
    [
        pytest.param({"uri": {"regex": "/p.*"}}, PAY, id="path-by-expression"),
        pytest.param({"uri": {"exact": "/Pay"}, "ignoreUriCase": True}, PAY, id="path-in-any-case"),
        pytest.param({"headers": {"x": {"regex": ".*"}}}, KeyRule(headers=(("x", "1"),)), id="header-by-expression"),
    ],
)
def test_rule_that_cannot_be_said_is_told_and_those_behind_it_are_left_to_the_baseline(match: dict[str, Any], rule: KeyRule) -> None:
    found, route = virtual_service(to("cart", match=[match], name="odd"), to("cart")), cart(ruled(rule), ruled(KeyRule()))
    assert [one["name"] for one in ours(istio.merged(found, [route]))] == ["pointsman/alice/1", "pointsman/alice/1/1"], "of the other route"
    [told] = istio.unsaid([route], [found])
    assert (told.service, told.key, told.why[:10]) == ("shop/cart", "alice", "route odd:")


def test_headers_are_set_whatever_the_user_does_with_them_there() -> None:
    theirs = {
        "request": {"set": {"X-Env": "u", "x-by": "u"}, "add": {"x-env": "u"}, "remove": ["X-ENV", "x-old"]},
        "response": {"remove": ["y"]},
    }
    found = virtual_service({"route": [{"destination": {"host": "cart"}, "headers": theirs}]})
    [one] = ours(istio.merged(found, [cart(ruled(KeyRule(), SETS))]))
    request = {"set": {"x-by": "u", "x-env": "a"}, "remove": ["x-old"]}
    assert one["route"][0]["headers"] == {"request": request, "response": {"remove": ["y"]}}
    assert found["spec"]["http"][0]["route"][0]["headers"] == theirs


def test_header_that_a_user_changes_for_a_whole_route_cannot_be_set() -> None:
    found = virtual_service(to("cart", headers={"request": {"add": {"X-Env": "u"}}}))
    route = cart(ruled(KeyRule(), SETS))
    assert istio.merged(found, [route]) == found
    assert istio.unsaid([route], [found]) == [Unsaid("shop/cart", "alice", "route 0: it changes header x-env for all that it sends to")]


def test_share_that_is_sticky_is_told_and_left_to_the_baseline() -> None:
    route = cart(ruled(KeyRule(weight=50, sticky=Sticky("header", "x-user"))))
    why = "the share of the rule is sticky, and a mesh draws for each request anew"
    assert istio.unsaid([route], [virtual_service(to("cart"))]) == [Unsaid("shop/cart", "alice", f"route 0: {why}")]
    assert [one["name"] for one in istio.own(route)["spec"]["http"]] == ["pointsman/baseline/80"]
    assert gamma.unsaid([route], []) == [Unsaid("shop/cart", "alice", f"port 80: {why}")]
    assert [one["metadata"]["name"] for one in gamma.documents([route], [])] == ["pointsman.cart.80"]


def test_what_a_user_keeps_from_us_is_no_finding() -> None:
    found = virtual_service(to("cart", match=[{"uri": {"regex": "/.*"}}]))
    found["metadata"]["annotations"] = {"pointsman.io/ignore": "true"}
    assert istio.unsaid([cart(ruled(PAY))], [found]) == []


# The Gateway API -------------------------------------------------------------------------------------------------------


def test_rule_with_conditions_has_no_place_among_routes_of_users() -> None:
    route, found = cart(ruled(PAY)), [http_route("slow", SENDS)]
    assert gamma.documents([route], found) == []
    assert [one.key for one in gamma.unsaid([route], found)] == ["alice"]
    assert gamma.unsaid([route], []) == []


def test_share_of_a_rule_of_a_user_is_of_all_its_backends() -> None:
    rule = {"backendRefs": [{"name": "old", "port": 80, "weight": 3}, {"name": "cart", "port": 80}]}
    [copy] = gamma.documents([cart(ruled(KeyRule(weight=50)))], [http_route("slow", rule)])
    [made] = copy["spec"]["rules"]
    assert [(one["name"], one["weight"]) for one in made["backendRefs"]] == [("fork", 4), ("old", 3), ("cart", 1)]


def modifier(**verbs: Any) -> dict[str, Any]:
    return {"type": "RequestHeaderModifier", "requestHeaderModifier": verbs}


ENV = {"name": "x-env", "value": "a"}


@pytest.mark.parametrize(
    ("rule", "weight", "whole", "fork"),
    [
        pytest.param(SENDS, 100, [modifier(set=[ENV])], None, id="of-the-rule"),
        pytest.param(SENDS, 50, None, [modifier(set=[ENV])], id="of-a-share"),
        pytest.param(
            {**SENDS, "filters": [modifier(set=[{"name": "X-Env", "value": "u"}], remove=["x-old", "X-ENV"])]}, 100,
            [modifier(set=[ENV], remove=["x-old"])], None, id="beside-that-of-the-user",
        ),
        pytest.param(
            {"backendRefs": [{"name": "cart", "port": 80, "filters": [modifier(add=[{"name": "x-by", "value": "u"}])]}]}, 100,
            None, [modifier(set=[ENV], add=[{"name": "x-by", "value": "u"}])], id="beside-that-of-his-backend",
        ),
    ],
)  # fmt: skip
def test_where_headers_are_set(rule: dict[str, Any], weight: int, whole: Any, fork: Any) -> None:
    [copy] = gamma.documents([cart(ruled(KeyRule(weight=weight), SETS))], [http_route("slow", rule)])
    [made] = copy["spec"]["rules"]
    assert (made.get("filters"), made["backendRefs"][0].get("filters")) == (whole, fork)


def test_header_that_a_user_changes_for_a_whole_rule_cannot_be_set_for_a_share() -> None:
    found = [http_route("slow", {**SENDS, "filters": [modifier(remove=["X-Env"])]})]
    route = cart(ruled(KeyRule(weight=50), SETS))
    assert gamma.documents([route], found) == []
    assert "x-env" in gamma.unsaid([route], found)[0].why


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param([KeyRule(prefixes=(f"/{number}",)) for number in range(17)], id="rules"),
        pytest.param([KeyRule(headers=tuple((f"x-{number:02}", "") for number in range(16)))], id="headers"),
        pytest.param([KeyRule(exact=tuple(f"/{each}/{number}" for number in range(16))) for each in range(9)], id="matches"),
    ],
)
def test_more_than_a_route_may_have_is_told_and_nothing_of_that_key_is_made(rules: list[KeyRule]) -> None:
    route = cart(*map(ruled, rules))
    assert [one["metadata"]["name"] for one in gamma.documents([route], [])] == ["pointsman.cart.80"]
    assert [one.key for one in gamma.unsaid([route], [])] == ["alice"]


def test_more_matches_than_a_rule_may_have_with_what_is_behind_it() -> None:
    special = [KeyRule(exact=tuple(f"/{each}/{number}" for number in range(16))) for each in range(5)]
    with pytest.raises(CannotSayError):
        in_order([KeyRule(headers=(("x", "1"),)), *special], grpc=False)


def test_rule_in_all_spellings_or_in_the_first_where_there_are_too_many() -> None:
    spellings = (*KEY, Spelling("baggage", "k"))
    few, many = (KeyRule(exact=tuple(f"/{number}" for number in range(count))) for count in (8, 40))
    made = [
        gamma.documents([cart(Branch(key="alice", spellings=spellings, target="fork", ways=(Way(80, 80),), rule=one))], [])[1]
        for one in (few, many)
    ]
    assert [len(one["spec"]["rules"][0]["matches"]) for one in made] == [16, 40]


@pytest.mark.parametrize(
    ("rule", "methods"),
    [
        (KeyRule(exact=("/shop.Cart/Add",)), [{"type": "Exact", "service": "shop.Cart", "method": "Add"}]),
        (KeyRule(prefixes=("/shop.Cart/",)), [{"type": "Exact", "service": "shop.Cart"}]),
        (KeyRule(prefixes=("/shop.Cart/Add/more", "/not-a-name"), exact=("/shop.Cart",)), None),
        (KeyRule(headers=(("x", "1"),)), [None]),
    ],
)
def test_paths_are_methods_of_grpc_and_others_fit_nothing(rule: KeyRule, methods: list[Any] | None) -> None:
    made = gamma.documents([cart(ruled(rule), grpc=True)], [])[1:]
    found = [match.get("method") for one in made for rule in one["spec"]["rules"] for match in rule["matches"]]
    assert found == (methods or [])
    assert {one["kind"] for one in made} <= {"GRPCRoute"}
    assert gamma.unsaid([cart(ruled(rule), grpc=True)], []) == []
