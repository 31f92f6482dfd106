"""A route is told after what it names, however their watches race; and it waits neither for ever nor for what does not exist."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.xds.sources.kube.lines import KINDS, bookmark, document, error, line, listed, reflector
from xds.sources.kube.arrivals import GRACE, LONGEST, MOST, Arrivals
from xds.sources.kube.reflector import Reflector
from xds.store import Change

NAMES = ("HTTPRoute", "GRPCRoute", "TCPRoute", "UDPRoute", "Service", "EndpointSlice", "Backend", "ReferenceGrant")
TO_S = [{"name": "s", "port": 80}]


class World:
    """Kinds that are followed from second 0 on, with nothing in them."""

    def __init__(self) -> None:
        self.kinds: dict[str, Reflector] = {name: reflector(KINDS[name]) for name in NAMES}
        self.arrivals = Arrivals(self.kinds)
        for one in self.kinds.values():
            listed(one)
        self.arrivals.first(self._moved(0.0), 0.0)

    def _moved(self, now: float) -> list[Change]:
        return [change for one in self.kinds.values() for change in one.take(now)]

    def comes(self, kind: str, what: dict[str, Any], now: float, how: str = "ADDED") -> list[str]:
        """An event; what is told thereupon."""
        self.kinds[kind].feed(line(how, what), now)
        return self.told(now)

    def told(self, now: float) -> list[str]:
        found = self.arrivals.told(self._moved(now), now)
        return [f"{'' if change.object else 'no '}{change.kind} {change.what}".removesuffix(" gone") for change in found]

    def ends(self, kind: str, now: float) -> None:
        self.kinds[kind].ended(now)

    def opens(self, kind: str, now: float) -> None:
        self.kinds[kind].request(now)
        self.kinds[kind].accepted(now)


def route(refs: list[dict[str, Any]], version: int = 20, **rule: Any) -> dict[str, Any]:
    return document("r", version, spec={"rules": [{"backendRefs": refs, **rule}]})


def service(port: int = 80, version: int = 21, protocol: str = "TCP") -> dict[str, Any]:
    return document("s", version, spec={"ports": [{"port": port, "protocol": protocol}]})


def endpoints() -> dict[str, Any]:
    found = document("s-1", 22, addressType="IPv4", endpoints=[])
    found["metadata"]["labels"] = {"kubernetes.io/service-name": "s"}
    return found


def test_route_is_told_after_its_service_and_the_endpoints_that_came_with_it() -> None:
    world = World()
    assert world.comes("HTTPRoute", route(TO_S), 1.0) == []
    assert world.comes("Service", service(), 1.1) == ["Service new"]
    assert world.comes("EndpointSlice", endpoints(), 1.2) == ["EndpointSlice new", "HTTPRoute new"]
    assert len(world.arrivals) == 0


def test_route_to_what_is_there_is_told_at_once() -> None:
    world = World()
    world.comes("Service", service(), 1.0)
    world.comes("EndpointSlice", endpoints(), 1.0)
    assert world.comes("HTTPRoute", route(TO_S), 1.0) == ["HTTPRoute new"]
    assert world.arrivals.due is None


def test_service_that_has_no_endpoints_for_a_while_is_not_waited_for() -> None:
    world = World()
    world.comes("Service", service(), 1.0)
    assert world.comes("HTTPRoute", route(TO_S), 1.0 + GRACE) == ["HTTPRoute new"]


def test_what_does_not_exist_is_waited_for_a_moment() -> None:
    world = World()
    assert world.comes("HTTPRoute", route(TO_S), 1.0) == []
    assert world.arrivals.due == 1.0 + GRACE
    assert world.told(1.0 + GRACE) == ["HTTPRoute new"]


@pytest.mark.parametrize("kind", ["Service", "EndpointSlice"])
def test_kind_that_is_not_followed_is_waited_for_until_a_moment_after_it_is(kind: str) -> None:
    world = World()
    world.ends(kind, 2.0)
    if kind == "EndpointSlice":
        world.comes("Service", service(), 2.0)
    assert world.comes("HTTPRoute", route(TO_S), 2.0) == []
    assert world.told(2.0 + GRACE) == []
    world.opens(kind, 3.0)
    assert world.told(3.0) == []
    assert world.told(3.0 + GRACE) == ["HTTPRoute new"]


def test_kind_that_stays_away_is_not_waited_for_for_ever() -> None:
    world = World()
    world.ends("Service", 2.0)
    assert world.comes("HTTPRoute", route(TO_S), 2.0) == []
    assert world.told(2.0 + LONGEST) == ["HTTPRoute new"]


def test_kind_that_is_parked_is_waited_for_no_longer_than_one_that_is_followed() -> None:
    world = World()
    world.kinds["Service"].feed(error(403), 2.0)
    world.comes("HTTPRoute", route(TO_S), 2.0)
    assert world.told(2.0 + GRACE) == ["HTTPRoute new"]


def test_route_that_changes_stays_as_it_was_until_its_new_backend_is_there() -> None:
    world = World()
    world.comes("HTTPRoute", route([]), 1.0)
    assert world.comes("HTTPRoute", route(TO_S), 2.0, "MODIFIED") == []
    world.comes("Service", service(), 2.0)
    told = world.comes("EndpointSlice", endpoints(), 2.0)
    assert told[0] == "EndpointSlice new"
    assert told[1].startswith("HTTPRoute spec.rules[0].backendRefs")


def test_newer_state_of_a_route_that_waits_is_no_younger_and_still_new() -> None:
    world = World()
    world.comes("HTTPRoute", route(TO_S), 1.0)
    assert world.comes("HTTPRoute", route([{"name": "t", "port": 80}], 21), 1.0 + GRACE / 2, "MODIFIED") == []
    assert world.told(1.0 + GRACE) == ["HTTPRoute new"]


def test_route_that_goes_before_it_was_told_is_never_told() -> None:
    world = World()
    world.comes("HTTPRoute", route(TO_S), 1.0)
    world.kinds["HTTPRoute"].held.drop("default/r")
    assert world.told(1.0) == []
    assert world.told(1.0 + GRACE) == []


def test_route_that_goes_while_its_change_waits_is_told_to_be_gone_at_once() -> None:
    world = World()
    world.comes("HTTPRoute", route([]), 1.0)
    world.comes("HTTPRoute", route(TO_S), 2.0, "MODIFIED")
    world.kinds["HTTPRoute"].held.drop("default/r")
    assert world.told(2.0) == ["no HTTPRoute"]


def test_what_goes_is_told_after_the_routes_that_let_go_of_it() -> None:
    world = World()
    world.comes("Service", service(), 1.0)
    world.comes("EndpointSlice", endpoints(), 1.0)
    world.comes("HTTPRoute", route(TO_S), 1.0)
    world.kinds["Service"].feed(line("DELETED", service(version=30)), 2.0)
    told = world.comes("HTTPRoute", route([], 31), 2.0, "MODIFIED")
    assert [one.split()[0] for one in told] == ["HTTPRoute", "no"]


def test_port_that_the_service_lacks_is_waited_for() -> None:
    world = World()
    world.comes("Service", service(81), 1.0)
    world.comes("EndpointSlice", endpoints(), 1.0)
    assert world.comes("HTTPRoute", route(TO_S), 2.0) == []
    assert world.comes("Service", service(80, 30), 2.1, "MODIFIED")[1:] == ["HTTPRoute new"]


def test_datagrams_have_ports_of_their_own() -> None:
    world = World()
    world.comes("Service", service(), 1.0)
    world.comes("EndpointSlice", endpoints(), 1.0)
    assert world.comes("TCPRoute", route(TO_S), 2.0) == ["TCPRoute new"]
    assert world.comes("UDPRoute", route(TO_S), 2.0) == []
    assert world.comes("Service", service(version=30, protocol="UDP"), 2.1, "MODIFIED")[1:] == ["UDPRoute new"]


def test_grant_for_another_namespace_is_waited_for() -> None:
    world = World()
    there = service() | {"metadata": {"name": "s", "namespace": "other", "resourceVersion": "21"}}
    world.comes("Service", there, 1.0)
    slices = endpoints()
    slices["metadata"]["namespace"] = "other"
    world.comes("EndpointSlice", slices, 1.0)
    assert world.comes("HTTPRoute", route([{**TO_S[0], "namespace": "other"}]), 2.0) == []
    grant = document("g", 30, spec={"from": [], "to": []})
    grant["metadata"]["namespace"] = "other"
    assert world.comes("ReferenceGrant", grant, 2.1) == ["ReferenceGrant new", "HTTPRoute new"]


def test_backend_of_our_own_kind_is_waited_for() -> None:
    world = World()
    ref = {"group": "pointsman.io", "kind": "Backend", "name": "b"}
    assert world.comes("GRPCRoute", route([ref]), 2.0) == []
    backend = document("b", 30, spec={"endpoints": [{"ip": {"address": "192.0.2.1", "port": 80}}]})
    assert world.comes("Backend", backend, 2.1) == ["Backend new", "GRPCRoute new"]


def test_who_is_asked_about_each_request_is_waited_for() -> None:
    world = World()
    asks = {"type": "ExternalAuth", "externalAuth": {"protocol": "HTTP", "backendRef": TO_S[0]}}
    assert world.comes("HTTPRoute", route([], filters=[asks]), 2.0) == []


def test_kind_that_nobody_serves_is_not_waited_for() -> None:
    world = World()
    assert world.comes("HTTPRoute", route([{"group": "example.com", "kind": "Thing", "name": "t"}]), 2.0) == ["HTTPRoute new"]


def test_service_that_comes_again_is_waited_for_with_its_endpoints() -> None:
    world = World()
    world.comes("Service", service(), 1.0)
    world.comes("EndpointSlice", endpoints(), 1.0)
    world.comes("Service", service(version=30), 2.0, "DELETED")
    world.comes("Service", service(version=31), 3.0)
    assert world.comes("HTTPRoute", route(TO_S), 3.0) == []


def test_too_many_that_wait_are_told_as_they_are() -> None:
    world = World()
    made = (line("ADDED", document(f"r{number}", 20 + number, spec={"rules": [{"backendRefs": TO_S}]})) for number in range(MOST + 7))
    world.kinds["HTTPRoute"].feed(b"".join(made), 2.0)
    assert world.told(2.0) == ["HTTPRoute new"] * 7
    assert len(world.arrivals) == MOST


def test_bookmarks_and_silence_make_no_route_late() -> None:
    world = World()
    world.comes("HTTPRoute", route(TO_S), 1.0)
    world.kinds["Service"].feed(bookmark(40), 1.0 + GRACE)
    assert world.told(1.0 + GRACE) == ["HTTPRoute new"]
