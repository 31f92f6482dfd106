"""When a condition changed, and how a status looks to `kubectl get -o yaml`."""

from __future__ import annotations

from typing import Any

from translator.ir.output import Address, Condition, Connection, ListenerStatus, ParentRef, ParentStatus, RouteGroupKind, Status
from translator.ir.tables import OUT_LISTENER, OUT_STATUS
from xds.status import Statuses

NAME = (OUT_STATUS, ("Gateway", "infra/edge"))


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def accepted(status: bool, reason: str = "Accepted") -> Condition:
    return Condition(type="Accepted", status=status, reason=reason)


def gateway(status: bool, generation: int = 1, listener: bool = True) -> Status:
    kinds = (RouteGroupKind("gateway.networking.k8s.io", "HTTPRoute"),)
    one = ListenerStatus(name="http", supported_kinds=kinds, attached_routes=3, conditions=(accepted(listener),))
    return Status(
        generation=generation, conditions=(accepted(status),), listeners=(one,), addresses=(Address(type="IPAddress", value="::1"),)
    )


def times(statuses: Statuses) -> tuple[str, str]:
    found: Any = statuses.get("Gateway", "infra/edge")
    return found["conditions"][0]["lastTransitionTime"][-3:], found["listeners"][0]["conditions"][0]["lastTransitionTime"][-3:]


def test_the_time_moves_when_the_status_flips_and_only_then() -> None:
    clock = Clock()
    statuses = Statuses(clock)
    statuses.apply({NAME: gateway(True)})
    assert times(statuses) == ("20Z", "20Z")
    clock.now += 5
    statuses.apply({NAME: gateway(True, generation=2)})
    assert times(statuses) == ("20Z", "20Z")
    statuses.apply({NAME: gateway(False, generation=2)})
    assert times(statuses) == ("25Z", "20Z"), "the listener's condition has a time of its own"
    clock.now += 5
    statuses.apply({NAME: gateway(False, generation=3, listener=False)})
    assert times(statuses) == ("25Z", "30Z")


def test_an_object_that_went_and_came_back_has_a_new_time() -> None:
    clock = Clock()
    statuses = Statuses(clock)
    statuses.apply({NAME: gateway(True)})
    statuses.apply({NAME: None})
    assert statuses.get("Gateway", "infra/edge") is None
    clock.now += 1
    statuses.apply({NAME: gateway(True)})
    assert times(statuses) == ("21Z", "21Z")


def test_a_status_has_the_words_of_the_gateway_api() -> None:
    statuses = Statuses(Clock())
    statuses.apply({NAME: gateway(True, generation=7)})
    condition = {
        "type": "Accepted", "status": "True", "reason": "Accepted", "message": "", "observedGeneration": 7,
        "lastTransitionTime": "2023-11-14T22:13:20Z",
    }  # fmt: skip
    assert statuses.get("Gateway", "infra/edge") == {
        "addresses": [{"type": "IPAddress", "value": "::1"}],
        "conditions": [condition],
        "listeners": [
            {
                "name": "http",
                "supportedKinds": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute"}],
                "attachedRoutes": 3,
                "conditions": [condition],
            }
        ],
    }


def test_conditions_of_two_parents_are_told_apart() -> None:
    clock = Clock()
    statuses = Statuses(clock)

    def route(*statuses_: bool) -> Status:
        parents = (ParentRef(name="a"), ParentRef(name="a", section_name="http"))
        return Status(
            generation=1,
            parents=tuple(
                ParentStatus(parent_ref=parent, controller_name="c", conditions=(accepted(one),))
                for parent, one in zip(parents, statuses_, strict=True)
            ),
        )

    statuses.apply({(OUT_STATUS, ("HTTPRoute", "a/b")): route(True, True)})
    clock.now += 1
    statuses.apply({(OUT_STATUS, ("HTTPRoute", "a/b")): route(True, False)})
    found: Any = statuses.get("HTTPRoute", "a/b")
    assert [one["conditions"][0]["lastTransitionTime"][-3:] for one in found["parents"]] == ["20Z", "21Z"]
    assert found["parents"][1]["parentRef"] == {"name": "a", "sectionName": "http"}


def test_features_are_objects_with_a_name() -> None:
    statuses = Statuses(Clock())
    statuses.apply({(OUT_STATUS, ("GatewayClass", "p")): Status(generation=1, supported_features=("Gateway", "HTTPRoute"))})
    assert statuses.get("GatewayClass", "p") == {"supportedFeatures": [{"name": "Gateway"}, {"name": "HTTPRoute"}]}


def test_everything_but_statuses_is_passed_over() -> None:
    statuses = Statuses(Clock())
    statuses.apply({(OUT_LISTENER, ("local", "x")): None})
    assert statuses.names() == []


def test_phase_is_shown_where_a_kind_has_one() -> None:
    statuses = Statuses(Clock())
    pending = Status(generation=1, phase="Pending", conditions=(Condition(type="Ready", status=False, reason="NoEndpoints"),))
    statuses.apply({(OUT_STATUS, ("Sandbox", "shop/alice")): pending, NAME: gateway(True)})
    assert (statuses.get("Sandbox", "shop/alice") or {})["phase"] == "Pending"
    assert "phase" not in (statuses.get("Gateway", "infra/edge") or {})


def test_whether_a_route_is_served_is_said_of_parents_that_accept_it() -> None:
    clock, waiting = Clock(), {"infra/edge"}
    statuses = Statuses(clock, lambda _, group: group in waiting)
    parents = (
        ParentStatus(parent_ref=ParentRef(name="edge"), controller_name="c", conditions=(accepted(True),), group="infra/edge"),
        ParentStatus(parent_ref=ParentRef(name="odd"), controller_name="c", conditions=(accepted(False),)),
    )
    statuses.apply({(OUT_STATUS, ("HTTPRoute", "shop/cart")): Status(generation=3, parents=parents)})
    assert said_of_route(statuses) == [("False", "Pending", 3, "20Z"), None]
    waiting.clear()
    clock.now += 5
    statuses.served([("HTTPRoute", "shop/cart")])
    assert said_of_route(statuses) == [("True", "Programmed", 3, "25Z"), None]


def said_of_route(statuses: Statuses) -> list[tuple[str, str, int, str] | None]:
    found: Any = statuses.get("HTTPRoute", "shop/cart")
    assert [set(parent) for parent in found["parents"]] == [{"parentRef", "controllerName", "conditions"}] * 2
    each = [[one for one in parent["conditions"] if one["type"] == "pointsman.io/Programmed"] for parent in found["parents"]]
    return [
        (one[0]["status"], one[0]["reason"], one[0]["observedGeneration"], one[0]["lastTransitionTime"][-3:]) if one else None
        for one in each
    ]


def test_fields_of_sandboxes_are_said_where_there_are_any() -> None:
    made = Connection(tunnel_id="cart.alice.shop", connected_at="2026-01-01T00:00:00Z", last_heartbeat="2026-01-01T00:00:10Z")
    held = Statuses(lambda: 0.0)
    laptop, group = ("LocalWorkload", "shop/laptop"), ("RouteGroup", "shop/previews")
    held.apply({
        (OUT_STATUS, laptop): Status(generation=3, phase="Connected", routing_key="alice", connection=made),
        (OUT_STATUS, group): Status(generation=4, observed=True),
    })  # fmt: skip
    assert held.get(*laptop) == {
        "phase": "Connected",
        "routingKey": "alice",
        "connection": {"tunnelId": "cart.alice.shop", "connectedAt": "2026-01-01T00:00:00Z", "lastHeartbeat": "2026-01-01T00:00:10Z"},
    }
    assert held.get(*group) == {"observedGeneration": 4}
