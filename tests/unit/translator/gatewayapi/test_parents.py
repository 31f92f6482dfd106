"""Claims about ListenerSets: which a Gateway takes, who of both has a port, and how tables know them."""

from __future__ import annotations

import pytest

from tests.unit.translator.gatewayapi.test_listeners import claim
from translator.gatewayapi.conditions import ACCEPTED, CONFLICTED
from translator.gatewayapi.listeners import contest
from translator.gatewayapi.parents import allows, listener_id, namespace_of, object_of, parent_id
from translator.resources.gateway import AllowedListeners, Gateway, GatewaySpec, ListenerNamespaces
from translator.resources.meta import LabelSelector, Metadata

SET, OTHER = "ListenerSet/a/s", "ListenerSet/b/t"


@pytest.mark.parametrize(
    ("allowed", "same", "other", "labelled"),
    [
        pytest.param(None, False, False, False, id="nothing-said"),
        pytest.param(AllowedListeners(), False, False, False, id="default"),
        pytest.param(AllowedListeners(namespaces=ListenerNamespaces(from_="All")), True, True, True, id="all"),
        pytest.param(AllowedListeners(namespaces=ListenerNamespaces(from_="Same")), True, False, False, id="same"),
        pytest.param(
            AllowedListeners(namespaces=ListenerNamespaces(from_="Selector", selector=LabelSelector(match_labels={"t": "1"}))),
            False, False, True, id="selector",
        ),
    ],
)  # fmt: skip
def test_gateway_takes_the_sets_that_it_allows(allowed: AllowedListeners | None, same: bool, other: bool, labelled: bool) -> None:
    gateway = Gateway(metadata=Metadata("g", "a"), spec=GatewaySpec(gateway_class_name="c", allowed_listeners=allowed))
    assert (allows(gateway, "a", {}), allows(gateway, "b", {}), allows(gateway, "b", {"t": "1"})) == (same, other, labelled)


def test_ids_lead_back_to_their_objects() -> None:
    for kind, key in (("Gateway", "a/g"), ("ListenerSet", "a/g")):
        assert object_of(parent_id(kind, key)) == (kind, key)
        assert namespace_of(parent_id(kind, key)) == "a"
    assert listener_id(parent_id("ListenerSet", "a/g"), "l") != listener_id(parent_id("Gateway", "a/g"), "l")


def test_gateway_has_its_port_before_its_sets_and_the_older_set_before_the_newer() -> None:
    own, early = claim("own", "x.com"), claim("early", "y.com", added=OTHER, age="2025")
    late = [claim("late", host, added=SET, age="2026") for host in ("x.com", "y.com", "z.com")]
    claims = sorted([*late, early, own])
    assert claims[:2] == [own, early]
    reasons = {name: verdict.reason for name, verdict in contest([own, early, late[2]]).items()}
    assert set(reasons.values()) == {""}
    for bad in late[:2]:
        verdicts = contest(sorted([own, early, bad]))
        assert (verdicts[f"{SET}/late"].condition, verdicts[f"{SET}/late"].reason) == (CONFLICTED, "HostnameConflict")
        assert verdicts["a/g/own"].reason == verdicts[f"{OTHER}/early"].reason == ""


def test_set_that_speaks_otherwise_on_a_port_conflicts() -> None:
    verdicts = contest([claim("own"), claim("late", "x.com", protocol="TCP", added=SET)])
    assert verdicts[f"{SET}/late"].reason == "ProtocolConflict"


def test_set_of_a_newer_gateway_finds_the_port_taken() -> None:
    verdicts = contest([claim("own", created="2025"), claim("late", gateway="b/h", added=SET)])
    assert (verdicts[f"{SET}/late"].condition, verdicts[f"{SET}/late"].reason) == (ACCEPTED, "PortUnavailable")
