"""Routes of ours in VirtualServices of users: put in once, taken out without a trace, and nothing else touched."""

from __future__ import annotations

from typing import Any

import pytest

from translator.ir.keys import Spelling
from translator.ir.mesh import Branch, MeshPort, MeshRoute, Way, answering
from translator.mesh import gamma, istio

KEY = (Spelling("x-route-key"),)
WAY = Way(80, 8080, ready=True)


def branch(key: str, *ways: Way) -> Branch:
    return Branch(key=key, spellings=KEY, target=f"cart-{key}", ways=ways or (WAY,))


def cart(*branches: Branch, ports: tuple[int, ...] = (80,)) -> MeshRoute:
    return MeshRoute(service="shop/cart", ports=tuple(map(MeshPort, ports)), branches=branches)


def virtual_service(*http: dict[str, Any], hosts: tuple[str, ...] = ("cart",), **spec: Any) -> dict[str, Any]:
    return {
        "kind": "VirtualService",
        "metadata": {"name": "cart", "namespace": "shop"},
        "spec": {"hosts": [*hosts], "http": [*http], **spec},
    }


def to(host: str, port: int | None = None, **rest: Any) -> dict[str, Any]:
    return {"route": [{"destination": {"host": host, **({"port": {"number": port}} if port else {})}}], **rest}


def names(document: dict[str, Any]) -> list[str]:
    return [one.get("name", "") for one in document["spec"]["http"]]


def test_merging_twice_is_merging_once() -> None:
    once = istio.merged(virtual_service(to("cart")), [cart(branch("alice"))])
    assert names(once) == ["pointsman/alice/0", ""]
    assert istio.merged(once, [cart(branch("alice"))]) == once


def test_when_the_last_key_goes_the_object_is_what_it_was() -> None:
    before = virtual_service(to("cart"), to("other", name="rest"))
    assert istio.merged(istio.merged(before, [cart(branch("alice"), branch("bob"))]), [])["spec"] == before["spec"]


def test_labels_of_the_user_stay_when_ours_goes() -> None:
    before = virtual_service(to("cart"))
    before["metadata"]["labels"] = {"team": "web"}
    assert istio.merged(istio.merged(before, [cart(branch("alice"))]), []) == before


def test_keys_stand_before_the_route_that_they_are_made_of_and_after_those_before_it() -> None:
    merged = istio.merged(virtual_service(to("other", name="first"), to("cart", name="cart")), [cart(branch("alice"), branch("bob"))])
    assert names(merged) == ["first", "pointsman/alice/cart", "pointsman/bob/cart", "cart"]


@pytest.mark.parametrize("annotation", ["pointsman.io/ignore", "istio.signadot.com/ignore"])
def test_object_that_a_user_keeps_from_us_loses_what_we_had_put_in(annotation: str) -> None:
    merged = istio.merged(virtual_service(to("cart")), [cart(branch("alice"))])
    merged["metadata"]["annotations"] = {annotation: "true"}
    assert names(istio.merged(merged, [cart(branch("alice"))])) == [""]


@pytest.mark.parametrize(
    ("route", "ways", "forked"),
    [
        pytest.param(to("cart", 80), (Way(80, 8080),), [8080], id="port-of-the-fork"),
        pytest.param(to("cart", 81), (Way(80, 8080),), [], id="port-that-the-fork-lacks"),
        pytest.param(to("cart"), (Way(80, 8080),), [8080], id="only-port"),
        pytest.param(to("cart"), (Way(80, 1), Way(81, 2)), [], id="which-port-is-not-said"),
        pytest.param({"redirect": {"uri": "/"}}, (Way(80, 8080),), [], id="sends-nowhere"),
        pytest.param(to("cart.other"), (Way(80, 8080),), [], id="of-another-namespace"),
        pytest.param(to("cart.shop.svc.example.internal"), (Way(80, 8080),), [8080], id="other-domain-of-the-cluster"),
        pytest.param(to("cart", match=[{"headers": {"x-route-key": {"exact": "me"}}}]), (Way(80, 1),), [], id="asks-for-the-header-itself"),
    ],
)
def test_where_a_copy_leads(route: dict[str, Any], ways: tuple[Way, ...], forked: list[int]) -> None:
    merged = istio.merged(virtual_service(route), [cart(branch("alice", *ways))])
    copies = [one for one in merged["spec"]["http"] if one.get("name")]
    assert [one["route"][0]["destination"]["port"]["number"] for one in copies] == forked


def test_share_of_two_services_with_forks_goes_to_the_fork_of_the_first() -> None:
    menu = MeshRoute(service="shop/menu", ports=(MeshPort(80),), branches=(branch("alice"),))
    shared = {"route": [{"destination": {"host": "menu"}, "weight": 1}, {"destination": {"host": "cart"}, "weight": 1}]}
    merged = istio.merged(virtual_service(shared), [cart(branch("alice")), menu])
    assert len(merged["spec"]["http"]) == 2
    assert "weight" not in merged["spec"]["http"][0]["route"][0]


@pytest.mark.parametrize(
    ("found", "made"),
    [
        pytest.param([], 1, id="nobody-has-it"),
        pytest.param([virtual_service(to("cart"))], 0, id="user-has-it"),
        pytest.param([virtual_service(to("cart"), gateways=["mesh", "edge"])], 0, id="user-has-it-for-the-mesh-too"),
        pytest.param([virtual_service(to("cart"), gateways=["edge"], hosts=("shop.example",))], 1, id="at-a-gateway-only"),
    ],
)
def test_one_of_our_own_is_made_where_no_user_has_one_for_sidecars(found: list[dict[str, Any]], made: int) -> None:
    assert len(istio.documents([cart(branch("alice"))], found)[0]) == made


def test_routes_of_a_gateway_get_our_keys_as_well() -> None:
    found = virtual_service(to("cart"), gateways=["edge"], hosts=("shop.example",))
    assert [names(one) for one in istio.documents([cart(branch("alice"))], [found])[1]] == [["pointsman/alice/0", ""]]


def test_object_without_anything_for_us_is_not_written() -> None:
    assert istio.documents([cart(branch("alice"))], [virtual_service(to("other"), hosts=("other",))])[1] == []


def test_fork_without_an_endpoint_is_none() -> None:
    both = cart(branch("alice", Way(80, 1, ready=False), Way(81, 2, ready=True)), branch("bob", Way(80, 1, ready=False)))
    left = answering(both)
    assert left
    assert [(one.key, one.ways) for one in left.branches] == [("alice", (Way(81, 2, ready=True),))]
    assert answering(cart(branch("bob", Way(80, 1, ready=False)))) is None


def http_route(name: str, /, *rules: dict[str, Any], **parent: Any) -> dict[str, Any]:
    refs = [{"group": "", "kind": "Service", "name": "cart", **parent}]
    return {"kind": "HTTPRoute", "metadata": {"name": name, "namespace": "shop"}, "spec": {"parentRefs": refs, "rules": [*rules]}}


SENDS = {"backendRefs": [{"name": "cart", "port": 80}]}


def made(*found: dict[str, Any], route: MeshRoute | None = None) -> list[str]:
    return [one["metadata"]["name"] for one in gamma.documents([route or cart(branch("alice"))], found)]


def test_baseline_is_named_where_no_route_of_a_user_is() -> None:
    assert made() == ["pointsman.cart.80", "pointsman.cart.80.alice"]


def test_route_of_a_user_is_copied_and_his_stays_the_baseline() -> None:
    assert made(http_route("slow", SENDS)) == ["pointsman.cart.80.alice.slow"]


@pytest.mark.parametrize("parent", [{"port": 81}, {"namespace": "other"}, {"kind": "Gateway"}, {"name": "menu"}])
def test_route_of_a_user_about_something_else_is_no_route_of_the_service(parent: dict[str, Any]) -> None:
    assert made(http_route("slow", SENDS, **parent)) == made()


def test_port_without_a_fork_gets_no_route_at_all() -> None:
    assert made(route=cart(branch("alice"), ports=(80, 9090))) == made()


def test_one_more_key_changes_no_other_object() -> None:
    one, two = cart(branch("alice")), cart(branch("alice"), branch("bob"))
    before = {each["metadata"]["name"]: each for each in gamma.documents([one], [])}
    after = {each["metadata"]["name"]: each for each in gamma.documents([two], [])}
    assert {name for name in after if before.get(name) != after[name]} == {"pointsman.cart.80.bob"}


def test_many_matches_of_a_user_are_asked_for_in_the_first_spelling_alone() -> None:
    matches = [{"path": {"type": "Exact", "value": f"/{number}"}} for number in range(60)]
    spelled = Branch(key="alice", spellings=(*KEY, Spelling("baggage", "k")), target="cart-alice", ways=(WAY,))
    [copy] = gamma.documents([cart(spelled)], [http_route("slow", {**SENDS, "matches": matches}, {**SENDS, "matches": matches[:30]})])
    assert [len(rule["matches"]) for rule in copy["spec"]["rules"]] == [60, 30]
