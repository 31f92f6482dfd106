"""A route is served when a proxy is there and every one that is has answered for it; nothing of another group is waited for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.xds.test_settling import Client
from translator.ir.output import ParentRef, ParentStatus, Status
from translator.ir.tables import OUT_FINDINGS, OUT_STATUS
from xds.events import Acked, Connected, Disconnected
from xds.kinds import ROUTE
from xds.served import Served

A, B = ("HTTPRoute", "shop/a"), ("GRPCRoute", "shop/b")


def status(*groups: str) -> Status:
    parents = (ParentStatus(parent_ref=ParentRef(name="edge"), controller_name="c", conditions=(), group=group) for group in groups)
    return Status(generation=1, parents=tuple(parents))


class World:
    def __init__(self, *clients: Client) -> None:
        self.clients: list[Any] = list(clients)
        self.served = Served(lambda: self.clients)

    def settle(self, epoch: int, **routes: Status | None) -> None:
        rows = {(OUT_STATUS, {"a": A, "b": B}[name]): row for name, row in routes.items()}
        self.served.settled({**rows, (OUT_FINDINGS, A): ()}, epoch)

    def acks(self, client: Client, epoch: int) -> list[tuple[str, str]]:
        client.epoch = epoch
        self.served.event(Acked(client.proxy, ROUTE.type_url, "1", (), (), 0.0))
        return self.served.over()


def test_route_waits_for_every_proxy_of_its_group() -> None:
    one, two, other = Client(1), Client(2), Client(3, "infra/other")
    world = World(one, two, other)
    world.settle(5, a=status("local"))
    assert (world.acks(one, 5), world.served.waits(A, "local")) == ([], True)
    assert (world.acks(two, 4), world.acks(two, 5)) == ([], [A])
    assert not world.served.waits(A, "local")


def test_route_without_any_proxy_waits_for_the_first() -> None:
    world, first = World(), Client(1)
    world.settle(5, a=status("local"))
    world.served.look()
    assert (world.served.over(), world.served.waits(A, "local"), world.served.soon(A)) == ([], True, False)
    world.clients.append(first)
    world.served.event(Connected(first.proxy))
    assert (world.served.over(), world.served.soon(A)) == ([], True)
    assert world.acks(first, 5) == [A]


def test_only_proxy_that_goes_before_it_answered_leaves_the_route_waiting() -> None:
    one, two = Client(1), Client(2)
    world = World(one)
    world.settle(5, a=status("local"))
    world.clients.remove(one)
    world.served.event(Disconnected(one.proxy))
    assert (world.served.over(), world.served.waits(A, "local")) == ([], True)
    world.clients.append(two)
    world.served.event(Connected(two.proxy))
    assert world.acks(two, 5) == [A]


def test_proxy_that_goes_is_waited_for_no_more_when_another_has_answered() -> None:
    one, two = Client(1), Client(2)
    world = World(one, two)
    world.settle(5, a=status("local"))
    assert world.acks(one, 5) == []
    world.clients.remove(two)
    world.served.event(Disconnected(two.proxy))
    assert world.served.over() == [A]


def test_route_at_two_parents_is_served_at_each_by_itself() -> None:
    here, there = Client(1, "infra/here"), Client(2, "infra/there")
    world = World(here, there)
    world.settle(5, a=status("infra/here", "infra/there", ""))
    assert world.acks(here, 5) == [A]
    assert [world.served.waits(A, group) for group in ("infra/here", "infra/there")] == [False, True]
    assert world.acks(there, 5) == [A]


def test_change_waits_anew_and_what_was_on_its_way_does_not_end_that() -> None:
    one = Client(1)
    world = World(one)
    world.settle(5, a=status("local"), b=status("local"))
    world.settle(6, a=status("local", "local"))
    assert (world.acks(one, 5), world.served.waits(A, "local")) == ([B], True)
    assert world.acks(one, 6) == [A]


@pytest.mark.parametrize("gone", [None, status(), status("")], ids=["deleted", "without-parents", "not-accepted"])
def test_route_that_nobody_serves_waits_for_nobody(gone: Status | None) -> None:
    one = Client(1)
    world = World(one)
    world.settle(5, a=status("local"))
    world.settle(6, a=gone)
    assert (world.acks(one, 6), world.served.waits(A, "local"), world.served.soon(A)) == ([], False, False)


def test_one_answer_ends_the_wait_of_all_before_it() -> None:
    one = Client(1)
    world = World(one)
    world.settle(5, a=status("local"))
    world.settle(6, b=status("local"))
    assert world.acks(one, 9) == [A, B]
