"""`sandbox connect` while it runs: what is said of its tunnels, and when it dials anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.ports import free_port
from xds.cli import holding
from xds.cli.holding import At, Seen, Watch, seen, until
from xds.laptops.heartbeat import Heart

WHAT = "cart of Sandbox alice is port 3000"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "LOOK", 0.01)
    monkeypatch.setattr(holding, "PATIENCE", 0.02)


class Admin:
    """Of an Envoy: says how many tunnels there are each time that it is asked, and the last for ever; and how many it has made."""

    def __init__(self, *tunnels: int, made: int = 0) -> None:
        self.tunnels, self.asked, self.made = [*tunnels], 0, made
        self.enough = asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                there = self.tunnels[min(self.asked, len(self.tunnels) - 1)]
                self.asked += 1
                if self.asked > 10 + len(self.tunnels):
                    self.enough.set()
                tunnels = f"http.tunnel.downstream_cx_active: {there}\nhttp.tunnel.downstream_cx_total: {self.made or there}\n"
                said = f"{tunnels}cluster.gateway.membership_total: 1\n".encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said))
        except (asyncio.IncompleteReadError, OSError):
            writer.close()


@asynccontextmanager
async def serving(admin: Admin) -> AsyncIterator[str]:
    server = await asyncio.start_server(admin.answer, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def silent() -> int:
    """A gateway that does not say how many workers it has."""
    return 0


def watch(*reach: str, heart: Heart | None = None, ask: Callable[[], Awaitable[int]] = silent) -> Watch:
    return Watch(WHAT, reach or (f"127.0.0.1:{free_port()}",), heart, ask)


async def stuck(admin: Admin, one: Watch) -> str:
    """Which other Envoy it wants, before it has looked for a good while."""
    async with serving(admin) as address, asyncio.timeout(30):
        looking, enough = asyncio.create_task(one.until_stuck(At(address, 4))), asyncio.create_task(admin.enough.wait())
        await asyncio.wait((looking, enough), return_when=asyncio.FIRST_COMPLETED)
        found = {True: "beside", False: "in its place"}[looking.result()] if looking.done() else "none"
        for task in (looking, enough):
            task.cancel()
        await asyncio.gather(looking, enough, return_exceptions=True)
        return found


@pytest.mark.parametrize(
    ("stats", "found"),
    [
        ("", Seen()),
        ("http.tunnel.downstream_cx_active: 0\n", Seen()),
        ("http.tunnel.downstream_cx_active: 1\ncluster.gateway.membership_total: 2\n", Seen(1, 8)),
        ("http.tunnel.downstream_cx_total: 5\nhttp.tunnel.downstream_rq_active: 7\n", Seen(0, 0, 5, 7)),
    ],
)
def test_tunnels_are_counted_over_which_requests_can_come(stats: str, found: Seen) -> None:
    assert seen(stats, 4) == found


@pytest.mark.parametrize(("one", "whole"), [(Seen(), False), (Seen(3, 4), False), (Seen(4, 4), True), (Seen(5, 4), True)])
def test_tunnels_are_whole_where_none_is_missing(one: Seen, whole: bool) -> None:
    assert one.whole is whole


async def test_who_waits_for_tunnels_goes_on_when_they_are_there() -> None:
    admin = Admin(0, 3, 4)
    async with serving(admin) as address, asyncio.timeout(30):
        await until(At(address, 4), lambda now: now.whole)
    assert admin.asked == 3


def test_who_has_too_few_tunnels_is_told_so() -> None:
    one = watch("a:1", "b:1")
    assert [one.said(there, 8) for there in (0, 4, 8)] == [
        "… no tunnel to a:1, b:1: the baseline answers until there is one",
        "✓ connected: cart of Sandbox alice is port 3000 here, over 4 of 8 tunnels: the baseline answers where there is none",
        "✓ connected: cart of Sandbox alice is port 3000 here",
    ]


async def test_who_could_have_a_tunnel_and_has_none_dials_anew() -> None:
    async with serving(Admin(0)) as gateway:
        assert await stuck(Admin(4, 0), watch(gateway)) == "in its place"


async def test_who_has_its_tunnels_goes_on() -> None:
    async with serving(Admin(0)) as gateway:
        assert await stuck(Admin(4), watch(gateway)) == "none"


async def test_who_has_nobody_to_dial_goes_on() -> None:
    assert await stuck(Admin(0), watch()) == "none"


async def test_tunnel_that_came_again_may_lie_anywhere_so_another_envoy_makes_all_of_them() -> None:
    assert await stuck(Admin(4, made=5), watch()) == "beside"


async def test_tunnel_that_is_still_missing_is_waited_for_first() -> None:
    assert await stuck(Admin(3, made=5), watch()) == "none"


@pytest.mark.parametrize(("workers", "wanted"), [(0, "none"), (2, "none"), (4, "none"), (5, "beside")])
async def test_gateway_that_turns_out_to_have_more_workers_than_there_are_tunnels_gets_more(workers: int, wanted: str) -> None:
    asked = []

    async def ask() -> int:
        asked.append(workers)
        return workers

    assert await stuck(Admin(0, 4), watch(ask=ask)) == wanted
    assert len(asked) == 1, "once for each change"


async def test_gateway_that_did_not_say_its_workers_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "ASK", 0.0)
    said = [6, 0, 0]

    async def ask() -> int:
        return said.pop()

    assert await stuck(Admin(3), watch(ask=ask)) == "beside", "also while others are missing"
    assert said == []


async def test_change_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    await stuck(Admin(0, 4, 4, 0, 4), watch())
    assert [line[0] for line in capsys.readouterr().out.splitlines()] == ["…", "✓", "…", "✓"]


class Beats(Heart):
    """Says nothing to anybody, and keeps when the connection began of which it was to say so."""

    def __init__(self) -> None:
        super().__init__(None, "shop", "alice", "cart", "")  # type: ignore[arg-type]
        self.seen: list[str] = []

    async def beat(self, now: float, mark: str) -> str:
        assert now > 0
        self.since = self.since or mark
        self.seen.append(self.since)
        return ""


async def test_tunnel_that_comes_again_is_another_connection_and_one_more_is_not() -> None:
    heart = Beats()
    await stuck(Admin(4, 3, 4, 0, 4), watch(heart=heart))
    assert len(set(heart.seen)) == 2
    assert heart.seen[0] == heart.seen[2] != heart.seen[3]


async def test_dials_in_vain_are_counted_until_there_is_a_tunnel() -> None:
    async with serving(Admin(0)) as gateway:
        one = watch(gateway)
        for there, tries in ((0, 1), (0, 2), (4, 0)):
            await stuck(Admin(there), one)
            assert one._tries == tries
