"""Things wait for every stream of their group, and for nobody else."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from xds import settling as module
from xds.events import Acked, Connected, Disconnected, Event, Nacked, Proxy
from xds.kinds import CLUSTER, LISTENER
from xds.settling import Settling
from xds.stream import NOBODY


class Client:
    """A stream that is through what it is told to be through."""

    def __init__(self, number: int, group: str = "local") -> None:
        self.proxy = Proxy(f"n{number}", group, group, "", number, 0.0)
        self.epoch = 0
        self.asked: list[Collection[Any]] = []

    def through(self, epoch: int, kinds: Collection[Any]) -> bool:
        self.asked.append(kinds)
        return epoch <= self.epoch


class World:
    def __init__(self, *clients: Client) -> None:
        self.clients: list[Any] = list(clients)
        self.settling: Settling[str] = Settling(lambda: self.clients, LISTENER)

    def acks(self, client: Client, epoch: int) -> list[str]:
        client.epoch = epoch
        return self.told(Acked(client.proxy, CLUSTER.type_url, "1", (), (), 0.0))

    def told(self, event: Event) -> list[str]:
        self.settling.event(event)
        return self.over()

    def over(self) -> list[str]:
        return [one.thing for one in self.settling.over()]


def test_without_streams_nothing_waits() -> None:
    world = World()
    world.settling.add("a", 1)
    assert world.over() == ["a"]
    assert not world.settling


def test_stream_that_did_not_say_who_it_is_is_not_waited_for() -> None:
    nobody = Client(1)
    nobody.proxy = NOBODY
    world = World(nobody)
    world.settling.add("a", 1)
    assert world.over() == ["a"]


def test_all_of_the_group_must_be_through_and_nobody_else() -> None:
    one, two, other = Client(1), Client(2), Client(3, "edge")
    world = World(one, two, other)
    world.settling.add("a", 1, "local")
    assert world.acks(one, 1) == []
    assert world.acks(other, 0) == []
    assert world.acks(two, 1) == ["a"]
    world.settling.add("all", 2)
    assert [world.acks(client, 2) for client in world.clients] == [[], [], ["all"]]


def test_one_ack_may_end_several_and_in_order() -> None:
    one = Client(1)
    world = World(one)
    for epoch, thing in enumerate("abc", 1):
        world.settling.add(thing, epoch)
    assert world.acks(one, 2) == ["a", "b"]
    assert len(world.settling) == 1
    assert world.acks(one, 3) == ["c"]


def test_who_has_nothing_to_tell_is_looked_at_when_all_have_looked() -> None:
    silent = Client(1)
    world = World(silent)
    world.settling.add("a", 1)
    silent.epoch = 1
    assert world.over() == []
    world.settling.look()
    assert world.over() == ["a"]


def test_only_the_types_that_count_are_asked_about() -> None:
    one = Client(1)
    world = World(one)
    world.settling.add("a", 1)
    world.acks(one, 1)
    assert one.asked == [{LISTENER}]


def test_who_goes_is_waited_for_no_more() -> None:
    one, two = Client(1), Client(2)
    world = World(one, two)
    world.settling.add("a", 1)
    assert world.acks(one, 1) == []
    assert world.told(Disconnected(two.proxy)) == ["a"]
    assert world.told(Disconnected(two.proxy)) == []


def test_who_comes_meanwhile_is_waited_for() -> None:
    one, two, other = Client(1), Client(2), Client(3, "edge")
    world = World(one)
    world.settling.add("a", 1, "local")
    world.clients += [two, other]
    assert world.told(Connected(two.proxy)) == []
    assert world.told(Connected(other.proxy)) == []
    assert world.acks(one, 1) == []
    assert world.acks(two, 1) == ["a"]


def test_refusal_marks_what_waits_for_that_stream() -> None:
    one, two = Client(1), Client(2)
    world = World(one, two)
    world.settling.add("a", 1)
    world.acks(one, 1)
    world.settling.add("b", 2)
    assert world.acks(two, 1) == ["a"]
    world.told(Nacked(two.proxy, CLUSTER.type_url, "1", (), "no"))
    world.acks(one, 2)
    two.epoch = 2
    world.settling.look()
    assert [(wait.thing, wait.refused) for wait in world.settling.over()] == [("b", True)]


def test_so_many_things_wait_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    stuck = Client(1)
    world = World(stuck)
    for epoch, thing in enumerate("abcde", 1):
        world.settling.add(thing, epoch)
    assert (len(world.settling), world.settling.given_up) == (3, 2)
    assert world.acks(stuck, 5) == ["c", "d", "e"]
    assert not world.settling


def test_where_somebody_is_wanted_nobody_is_not_enough() -> None:
    client, world = Client(1), World()
    world.settling = Settling(lambda: world.clients, somebody=True)
    world.settling.add("a", 1)
    world.settling.look()
    assert world.over() == []
    world.clients.append(client)
    assert world.told(Connected(client.proxy)) == []
    assert world.told(Disconnected(client.proxy)) == [], "it has not answered"
    assert world.told(Connected(client.proxy)) == []
    assert world.acks(client, 1) == ["a"]
