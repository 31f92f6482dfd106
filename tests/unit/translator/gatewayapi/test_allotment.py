"""Where ports of shared proxies are bound: each at one place of its own, the same whoever else is there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translator.gatewayapi import allotment
from translator.gatewayapi.allotment import FIRST, LAST, Wish, allotted
from translator.ir.listener import Port

PORTS = st.builds(
    Port, st.just("class:c"), st.just(""), st.integers(1, 3), st.sampled_from(["tcp", "udp"]), st.sampled_from(["a/a", "a/b"])
)
WISHES = st.lists(st.builds(Wish, st.sampled_from(["2026", "2027"]), PORTS), unique_by=lambda wish: wish.port).map(sorted)


def wish(gateway: str, port: int = 80, created: str = "2026", transport: str = "tcp") -> Wish:
    return Wish(created, Port("class:c", "", port, transport, gateway))  # type: ignore[arg-type]


@given(WISHES)
def test_each_has_a_place_and_no_two_the_same(wishes: list[Wish]) -> None:
    found = allotted(wishes)
    assert found.keys() == {one.port for one in wishes}
    assert all(FIRST <= place <= LAST for place in found.values())
    assert len({(port.transport, place) for port, place in found.items()}) == len(found)


@given(WISHES)
def test_older_ones_do_not_notice_younger_ones(wishes: list[Wish]) -> None:
    old = [one for one in wishes if one.created == "2026"]
    assert allotted(wishes).items() >= allotted(old).items()


def test_there_is_room_for_many_and_no_more_than_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allotment, "ROOM", 2)
    found = allotted([wish("a/a"), wish("a/b"), wish("a/c"), wish("a/c", transport="udp")])
    assert [port.gateway for port in found if port.transport == "tcp"] == ["a/a", "a/b"]
    assert [port.gateway for port in found if port.transport == "udp"] == ["a/c"]
