"""Shares that are sticky, in the world of `test_sandboxes`: who is led to the fork is told by his value alone."""

from __future__ import annotations

from tests.e2e.sandbox_looks import Asked
from translator.envoy_v3.keyrules import number_of_value

HALF = 50
ROUTES = "".join(
    f"  - {{{{targetSandbox: bob, routingKey: {key}, weight: {HALF}, sticky: {{{{{by}}}}}}}}}\n"
    for key, by in (("user", "type: Header, name: X-User"), ("jar", "type: Cookie, name: uid"), ("near", "type: SourceIP"))
)
USERS = [f"user-{number}" for number in range(8)]
ADDRESSES = [f"127.0.0.{number}" for number in range(2, 10)]


async def look_at_sticky_shares(ask: Asked, port: int) -> None:
    async def says(key: str, *headers: tuple[str, str], source: str = "127.0.0.1") -> str:
        return (await ask(port, "c.example.com", [("X-Route-Key", key), *headers], source=source))[1]

    for user in USERS:
        assert await says("user", ("X-User", user)) == wanted("user", user), user
        assert await says("jar", ("Cookie", f"a=b; uid={user}")) == wanted("jar", user), user
    for address in ADDRESSES:
        assert await says("near", source=address) == wanted("near", address), address
        assert await says("near", ("X-Forwarded-For", "192.0.2.1"), source=address) == wanted("near", address), "nobody chooses his side"
    assert {await says("user") for _ in range(40)} == {"c", "c-bob"}, "who has no value is drawn"


def wanted(key: str, value: str) -> str:
    return "c-bob" if number_of_value(key, value.encode()) < HALF else "c"


async def look_at_sticky_shares_without_the_module(ask: Asked, port: int) -> None:
    """Another number, and as steady."""

    async def says(user: str) -> str:
        return (await ask(port, "c.example.com", [("X-Route-Key", "user"), ("X-User", user)]))[1]

    sides = [await says(user) for user in USERS * 2]
    assert sides[:8] == sides[8:]
    assert set(sides) == {"c", "c-bob"}
