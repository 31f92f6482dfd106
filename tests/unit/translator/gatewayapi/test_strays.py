"""Claims about requests that took the connection of another listener: which hosts are answered with 421, and which with 404."""

from __future__ import annotations

import pytest

from translator.gatewayapi.hostnames import covers
from translator.gatewayapi.listeners import MANY, strays

HOSTS = {"", "a.example", "*.wild.example", "b.wild.example"}


def answer(own: str, hosts: set[str], asked: str) -> int:
    """As a route table does it: the most specific virtual host wins. 200 stands for the listener's own."""
    table = {own: 200} | dict.fromkeys(strays(own, hosts), 421)
    held = [host for host in table if covers(host, asked)]
    return table[max(held, key=lambda host: (host == asked, len(host)))] if held else 404


@pytest.mark.parametrize(
    ("own", "asked", "status"),
    [
        ("", "a.example", 421),
        ("", "other.example", 200),
        ("a.example", "a.example", 200),
        ("a.example", "b.wild.example", 421),
        ("a.example", "other.example", 421),
        ("*.wild.example", "x.wild.example", 200),
        ("*.wild.example", "b.wild.example", 421),
        ("b.wild.example", "x.wild.example", 421),
    ],
)
def test_host_of_another_listener_is_misdirected(own: str, asked: str, status: int) -> None:
    assert answer(own, HOSTS, asked) == status


def test_host_that_no_listener_knows_is_not_found() -> None:
    hosts = HOSTS - {""}
    assert answer("a.example", hosts, "other.example") == 404
    assert answer("a.example", hosts, "x.wild.example") == 421


def test_among_very_many_listeners_unknown_hosts_are_misdirected_too() -> None:
    hosts = {f"h{n}.example" for n in range(MANY + 1)}
    assert [*strays("h1.example", hosts)] == [""]


def test_lone_listener_has_no_strays() -> None:
    assert [*strays("a.example", {"a.example"})] == []
