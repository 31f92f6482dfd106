"""Only our part of a status changes."""

from __future__ import annotations

from typing import Any

from translator.gatewayapi.conditions import PENDING, SERVED
from xds.reports.merge import merged

US, THEM = "pointsman.io/gateway-controller", "other.example/controller"
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"


def condition(kind: str = "Accepted", status: str = "True", since: str = LATE, **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": kind, "message": "", "observedGeneration": 1, "lastTransitionTime": since, **more}


def entry(controller: str, name: str, *conditions: dict[str, Any], field: str = "parentRef") -> dict[str, Any]:
    return {field: {"name": name}, "controllerName": controller, "conditions": list(conditions) or [condition()]}


def test_entries_of_other_controllers_stay_as_they_are_and_in_front() -> None:
    foreign = entry(THEM, "edge", condition(odd="field"))
    new = merged("HTTPRoute", {"parents": [entry(US, "old"), foreign]}, {"parents": [entry(US, "edge")]}, US)
    assert new == {"parents": [foreign, entry(US, "edge")]}


def test_same_status_at_another_time_is_no_change() -> None:
    current = {"parents": [entry(US, "edge", condition(since=EARLY))]}
    assert merged("HTTPRoute", current, {"parents": [entry(US, "edge", condition(since=LATE))]}, US) is None


def test_time_of_a_condition_moves_with_its_status_and_not_with_its_words() -> None:
    current = {"parents": [entry(US, "edge", condition(since=EARLY), condition("ResolvedRefs", since=EARLY))]}
    ours = {"parents": [entry(US, "edge", condition(message="new"), condition("ResolvedRefs", "False"))]}
    new = merged("HTTPRoute", current, ours, US)
    assert new is not None
    assert [(one["message"], one["lastTransitionTime"]) for one in new["parents"][0]["conditions"]] == [("new", EARLY), ("", LATE)]


def test_new_generation_is_a_change() -> None:
    current = {"parents": [entry(US, "edge", condition(observedGeneration=1))]}
    assert merged("HTTPRoute", current, {"parents": [entry(US, "edge", condition(observedGeneration=2))]}, US) is not None


def test_condition_that_we_set_no_more_goes_from_our_entry() -> None:
    current = {"parents": [entry(US, "edge", condition(), condition("PartiallyInvalid"))]}
    new = merged("HTTPRoute", current, {"parents": [entry(US, "edge", condition())]}, US)
    assert new is not None
    assert [one["type"] for one in new["parents"][0]["conditions"]] == ["Accepted"]


def test_route_that_is_none_of_ours_any_more_loses_our_entries_only() -> None:
    current = {"parents": [entry(US, "edge"), entry(THEM, "edge")]}
    assert merged("HTTPRoute", current, None, US) == {"parents": [entry(THEM, "edge")]}
    assert merged("HTTPRoute", {"parents": [entry(THEM, "edge")]}, None, US) is None
    assert merged("HTTPRoute", {}, None, US) is None


def test_policies_have_ancestors() -> None:
    ours = {"ancestors": [entry(US, "edge", field="ancestorRef")]}
    foreign = entry(THEM, "edge", field="ancestorRef")
    assert merged("BackendTLSPolicy", {"ancestors": [foreign]}, ours, US) == {"ancestors": [foreign, *ours["ancestors"]]}


def test_foreign_conditions_of_a_gateway_stay() -> None:
    current = {"conditions": [condition("example.com/Ready", since=EARLY), condition("Accepted", "Unknown", EARLY)]}
    new = merged("Gateway", current, {"conditions": [condition()]}, US)
    assert new == {"conditions": [condition("example.com/Ready", since=EARLY), condition()]}


def test_gateway_of_another_class_is_left_to_the_next_controller() -> None:
    assert merged("Gateway", {"conditions": [condition()]}, None, US) is None


def test_listeners_are_ours_as_a_whole_with_the_times_of_their_conditions() -> None:
    def listener(name: str, since: str, routes: int = 0) -> dict[str, Any]:
        return {"name": name, "attachedRoutes": routes, "supportedKinds": [], "conditions": [condition(since=since)]}

    current = {"conditions": [condition(since=EARLY)], "listeners": [listener("http", EARLY), listener("gone", EARLY)]}
    ours = {"conditions": [condition()], "listeners": [listener("http", LATE, 3), listener("new", LATE)]}
    new = merged("Gateway", current, ours, US)
    assert new is not None
    assert new["listeners"] == [listener("http", EARLY, 3), listener("new", LATE)]


def test_addresses_that_are_no_more_go() -> None:
    current = {"conditions": [condition()], "addresses": [{"type": "IPAddress", "value": "192.0.2.1"}], "attachedListenerSets": 1}
    assert merged("Gateway", current, {"conditions": [condition()]}, US) == {"conditions": [condition()], "attachedListenerSets": 1}


def test_order_of_the_server_is_no_change() -> None:
    current = {"conditions": [condition("Programmed"), condition("Accepted")]}
    assert merged("Gateway", current, {"conditions": [condition("Accepted"), condition("Programmed")]}, US) is None


def pending(kind: str, generation: int = 1) -> dict[str, Any]:
    return condition(kind, "False", reason="Pending", message=PENDING, observedGeneration=generation)


def test_what_was_acknowledged_of_a_generation_is_not_taken_back_by_who_does_not_know_it_yet() -> None:
    current = {"parents": [entry(US, "edge", condition(), condition(SERVED, since=EARLY))]}
    assert merged("HTTPRoute", current, {"parents": [entry(US, "edge", condition(), pending(SERVED))]}, US) is None
    listeners = [{"name": "http", "conditions": [condition("Programmed")]}]
    current = {"conditions": [condition("Programmed")], "listeners": listeners}
    ours = {"conditions": [pending("Programmed")], "listeners": [{"name": "http", "conditions": [pending("Programmed")]}]}
    assert merged("Gateway", current, ours, US) is None


def test_next_generation_is_pending_again() -> None:
    current = {"parents": [entry(US, "edge", condition(SERVED, since=EARLY))]}
    ours = {"parents": [entry(US, "edge", pending(SERVED, generation=2))]}
    assert merged("HTTPRoute", current, ours, US) == ours


def test_what_fails_for_another_reason_is_taken_back() -> None:
    current = {"conditions": [condition("Programmed")]}
    ours = {"conditions": [condition("Programmed", "False", reason="Pending", message="no address yet")]}
    assert merged("Gateway", current, ours, US) == ours


def test_what_a_sandbox_or_a_laptop_says_no_more_is_taken_away() -> None:
    before = {"phase": "Connected", "routingKey": "alice", "connection": {"tunnelId": "t"}, "services": [{"name": "a"}], "theirs": 1}
    assert merged("LocalWorkload", before, {"phase": "Failed"}, US) == {"phase": "Failed", "conditions": [], "theirs": 1}
