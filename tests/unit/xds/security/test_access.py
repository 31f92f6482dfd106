"""From the URIs of a certificate to node ids and a group."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xds.security.access import ANYBODY, Grant, Identity, Policy, Refusal, Speaker, identity

EDGE = Identity("pointsman.local", "infra", "envoy", "edge")
ALL = Identity("pointsman.local", "infra", "envoy", "edge", of_class=True)
URI = "spiffe://pointsman.local/ns/infra/sa/envoy/gw/edge"


def test_identity_is_read_from_its_uri_and_written_as_it() -> None:
    assert identity([URI]) == EDGE
    assert str(EDGE) == URI
    assert EDGE.key == "infra/edge"


def test_proxies_of_a_class_are_none_of_a_gateway_of_the_same_name() -> None:
    assert identity([URI.replace("/gw/", "/gc/")]) == ALL
    assert str(ALL) == URI.replace("/gw/", "/gc/")
    [of_class, of_gateway] = [Policy().grant([str(one)]) for one in (ALL, EDGE)]
    assert isinstance(of_class, Grant)
    assert isinstance(of_gateway, Grant)
    assert (of_class.group("infra/edge", ["infra/edge"]), of_gateway.group("class:edge", ["class:edge"])) == ("class:edge", "infra/edge")
    assert (of_class.admits("class:edge/pod"), of_class.admits("infra/edge")) == (True, False)
    assert (of_gateway.admits("class:edge/pod"), of_gateway.admits("infra/edge")) == (False, True)


@pytest.mark.parametrize(
    "uris",
    [
        pytest.param([], id="none"),
        pytest.param([URI, URI.replace("edge", "other")], id="two"),
        pytest.param([URI + "/"], id="more-after-it"),
        pytest.param([URI + "\n"], id="line-break"),
        pytest.param([URI.replace("/gw/edge", "")], id="no-gateway"),
        pytest.param([URI.replace("edge", "")], id="empty-gateway"),
        pytest.param([URI.replace("edge", "..")], id="dots"),
        pytest.param([URI.replace("infra", "infra%2Fx")], id="escaped-slash"),
        pytest.param([URI.replace("spiffe:", "https:")], id="no-spiffe"),
        pytest.param([URI.replace("pointsman.local", "")], id="no-trust-domain"),
        pytest.param([URI.replace("edge", "édge")], id="no-ascii"),
    ],
)
def test_certificate_that_does_not_name_one_gateway_is_nobody(uris: list[str]) -> None:
    assert identity(uris) is None
    refusal = Policy().grant(uris)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.reason) == ("UNAUTHENTICATED", "no-identity")


def test_other_trust_domain_is_refused() -> None:
    refusal = Policy(trust="elsewhere.example").grant([URI])
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "trust-domain"


@pytest.mark.parametrize(
    ("node", "admitted"),
    [
        ("infra/edge", True),
        ("infra/edge/pod-1", True),
        ("infra/edge-2", False),
        ("infra/edge2/pod", False),
        ("infra/other", False),
        ("infra", False),
        ("other/edge", False),
        ("", False),
        ("local", False),
    ],
)
def test_node_ids_of_an_identity_begin_with_its_gateway(node: str, admitted: bool) -> None:
    grant = Policy().grant([URI])
    assert isinstance(grant, Grant)
    assert grant.admits(node) is admitted


@pytest.mark.parametrize("asked", ["infra/edge", "shop/inner", "local", "nowhere", ""])
def test_group_of_an_identity_is_its_gateway_whatever_it_asks_for(asked: str) -> None:
    """What exists and is another's, and what does not exist, are answered alike."""
    assert Grant(EDGE).group(asked, {"local", "infra/edge", "shop/inner"}) == "infra/edge"


def test_shared_group_is_shown_to_every_identity() -> None:
    assert Grant(EDGE, shared=True).group("nowhere", {"local"}) == "local"


def test_on_loopback_any_node_is_welcome_and_an_unknown_group_is_local() -> None:
    assert ANYBODY.admits("anything")
    assert [ANYBODY.group(asked, {"local", "g"}) for asked in ("g", "", "x")] == ["g", "local", "local"]


def test_call_speaks_for_one_node_to_its_end() -> None:
    speaker = Speaker(Grant(EDGE))
    assert [speaker.says(node) for node in ("", "infra/edge/a", "", "infra/edge/a")] == [None] * 4
    changed = [speaker.says(node) for node in ("infra/edge/b", "shop/inner", "infra/edge")]
    assert [why.code for why in changed if why] == ["INVALID_ARGUMENT"] * 3
    assert speaker.node == "infra/edge/a"


@pytest.mark.parametrize("node", ["infra/edge/\x1b[2J", "infra/edge/\n", "infra/edge/" + "a" * 1000])
def test_node_is_a_name_that_can_be_shown(node: str) -> None:
    for grant in (ANYBODY, Grant(EDGE)):
        why = Speaker(grant).says(node)
        assert why
        assert (why.code, why.reason) == ("INVALID_ARGUMENT", "node-name")


def test_call_speaks_for_no_node_that_its_client_may_not_be() -> None:
    speaker = Speaker(Grant(EDGE))
    why = speaker.says("shop/inner")
    assert why
    assert (why.code, speaker.node) == ("PERMISSION_DENIED", "")


_WORD = st.text(st.sampled_from("abz019-._/%\n A"), max_size=8)


@given(_WORD, _WORD, _WORD, _WORD)
def test_whatever_is_read_as_an_identity_is_written_as_it_was(trust: str, namespace: str, account: str, gateway: str) -> None:
    uri = f"spiffe://{trust}/ns/{namespace}/sa/{account}/gw/{gateway}"
    found = identity([uri])
    assert found is None or (str(found) == uri and found.key.count("/") == 1)


SIDECAR = Identity("pointsman.local", "shop", "sidecar", "cart", of_service=True)


def test_identity_of_a_sidecar_is_read_from_its_uri_and_is_no_gateway() -> None:
    assert str(SIDECAR) == "spiffe://pointsman.local/ns/shop/sa/sidecar/svc/cart"
    assert identity([str(SIDECAR)]) == SIDECAR
    assert SIDECAR.key != Identity("pointsman.local", "shop", "sidecar", "cart").key


@pytest.mark.parametrize("shared", [False, True])
def test_sidecar_has_the_group_of_its_service_whatever_it_says(shared: bool) -> None:
    assert Grant(SIDECAR, shared).group("sidecar/shop/other", {"local"}) == "sidecar/shop/cart"
    assert Grant(SIDECAR, shared).admits("sidecar/shop/cart/pod-1")
    assert not Grant(SIDECAR, shared).admits("shop/cart")


def test_who_needs_no_identity_may_be_any_sidecar() -> None:
    assert ANYBODY.group("sidecar/shop/cart", {"local"}) == "sidecar/shop/cart"


def test_gateway_is_no_sidecar_with_an_identity_of_its_own() -> None:
    assert Grant(EDGE).group("sidecar/shop/cart", {"local"}) == "infra/edge"
