"""One line for each change, and when it is complete."""

from __future__ import annotations

import pytest

from xds.events import Acked, Connected, Disconnected, Nacked, Proxy, Sent
from xds.journal import LINGER, Journal
from xds.kinds import CLUSTER, ROUTE
from xds.store import Change

ONE = Proxy("n1", "local", "local", "envoy", 1, 0.0)
TWO = Proxy("n2", "local", "local", "envoy", 2, 0.0)
CHANGE = Change("HTTPRoute", "default/shop", None, "weight 90 → 50")


def sent(nonce: str, *names: str, proxy: Proxy = ONE, url: str = ROUTE.type_url) -> Sent:
    return Sent(proxy, url, nonce, names, (), 100)


def acked(nonce: str, *names: str, proxy: Proxy = ONE, url: str = ROUTE.type_url) -> Acked:
    return Acked(proxy, url, nonce, names, (), 0.0)


def test_a_change_is_complete_when_all_that_was_sent_is_acknowledged() -> None:
    journal = Journal()
    journal.changed([CHANGE], 10.0)
    journal.resources([(ROUTE.type_url, "r")], 10.0)
    journal.event(sent("1", "r"), 10.001)
    assert journal.complete(10.001) == []
    journal.event(acked("1", "r"), 10.006)
    assert [str(line) for line in journal.complete(10.006)] == [
        "~ HTTPRoute default/shop  weight 90 → 50   1 route config, 100 B, ACK 6 ms"
    ]
    assert journal.due() is None


def test_a_second_phase_is_waited_for() -> None:
    journal = Journal()
    journal.changed([CHANGE], 0.0)
    journal.resources([(CLUSTER.type_url, "c"), (ROUTE.type_url, "r")], 0.0)
    journal.event(sent("1", "c", url=CLUSTER.type_url), 0.001)
    journal.event(acked("1", "c", url=CLUSTER.type_url), 0.002)
    assert journal.complete(0.002) == []
    journal.event(sent("2", "r"), 0.003)
    journal.event(acked("2", "r"), 0.010)
    [line] = journal.complete(0.010)
    assert (line.sent, line.bytes, line.seconds) == ({"cluster": 1, "route config": 1}, 200, pytest.approx(0.010))


def test_every_proxy_is_waited_for() -> None:
    journal = Journal()
    journal.changed([CHANGE], 0.0)
    journal.resources([(ROUTE.type_url, "r")], 0.0)
    for proxy in (ONE, TWO):
        journal.event(sent("1", "r", proxy=proxy), 0.001)
    journal.event(acked("1", "r"), 0.002)
    assert journal.complete(LINGER * 2) == []
    journal.event(acked("1", "r", proxy=TWO), 0.5)
    assert journal.complete(0.5)[0].seconds == 0.5


def test_a_resource_that_no_proxy_asks_for_is_not_waited_for_longer_than_a_moment() -> None:
    journal = Journal()
    journal.changed([CHANGE], 0.0)
    journal.resources([(ROUTE.type_url, "r"), (ROUTE.type_url, "nobody")], 0.0)
    journal.event(sent("1", "r"), 0.0)
    journal.event(acked("1", "r"), 0.004)
    assert journal.complete(0.004) == []
    assert journal.due() == pytest.approx(0.004 + LINGER)
    assert journal.complete(0.004 + LINGER)[0].seconds == pytest.approx(0.004), "waiting for nobody is not the proxy's time"


def test_a_change_that_changes_no_resource_says_so() -> None:
    journal = Journal()
    journal.changed([CHANGE], 0.0)
    assert journal.complete(LINGER / 2) == []
    assert [str(line) for line in journal.complete(LINGER)] == ["~ HTTPRoute default/shop  weight 90 → 50   nothing to send"]


def test_what_envoy_refuses_is_in_the_line() -> None:
    journal = Journal()
    journal.changed([CHANGE], 0.0)
    journal.event(sent("1", "r"), 0.0)
    journal.event(Nacked(ONE, ROUTE.type_url, "1", ("r",), "no such cluster"), 0.0)
    assert str(journal.complete(0.0)[0]) == "✗ HTTPRoute default/shop  weight 90 → 50   REFUSED by Envoy: no such cluster"


def test_a_proxy_that_left_is_not_waited_for() -> None:
    journal = Journal()
    journal.changed([CHANGE], 0.0)
    journal.event(sent("1", "r"), 0.0)
    journal.event(Disconnected(ONE), 0.1)
    assert len(journal.complete(LINGER * 2)) == 1


def test_many_objects_are_counted_and_not_listed() -> None:
    journal = Journal()
    journal.changed([Change("Service", f"a/{number}", None, "gone") for number in range(5)], 0.0)
    assert (
        str(journal.complete(1.0)[0]) == "~ Service a/0  gone, Service a/1  gone, Service a/2  gone, and 2 more objects   nothing to send"
    )


def test_what_is_sent_without_a_change_makes_no_line() -> None:
    journal = Journal()
    for event in (Connected(ONE), sent("1", "r"), acked("1", "r")):
        journal.event(event, 0.0)
    journal.changed([], 0.0)
    assert journal.complete(9.0) == []
