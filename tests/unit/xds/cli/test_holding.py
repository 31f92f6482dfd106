"""`sandbox connect` while it runs: what is said of its tunnels, and when it dials anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.ports import free_port
from xds.cli import holding
from xds.cli.holding import Watch, tunnels_of
from xds.laptops.heartbeat import Heart

WHAT = "cart of Sandbox alice is port 3000"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "LOOK", 0.01)
    monkeypatch.setattr(holding, "PATIENCE", 0.02)


class Admin:
    """Of an Envoy: says how many tunnels there are each time that it is asked, and the last for ever."""

    def __init__(self, *tunnels: int) -> None:
        self.tunnels, self.asked = [*tunnels], 0
        self.enough = asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                there = self.tunnels[min(self.asked, len(self.tunnels) - 1)]
                self.asked += 1
                if self.asked > 10 + len(self.tunnels):
                    self.enough.set()
                said = f"http.tunnel.downstream_cx_active: {there}\ncluster.gateway.membership_total: 1\n".encode()
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


async def stuck(admin: Admin, watch: Watch) -> bool:
    """Whether it gives up before it has looked for a good while."""
    async with serving(admin) as address, asyncio.timeout(30):
        looking, enough = asyncio.create_task(watch.until_stuck(address)), asyncio.create_task(admin.enough.wait())
        await asyncio.wait((looking, enough), return_when=asyncio.FIRST_COMPLETED)
        found = looking.done()
        for task in (looking, enough):
            task.cancel()
        await asyncio.gather(looking, enough, return_exceptions=True)
        return found


@pytest.mark.parametrize(
    ("stats", "found"),
    [
        ("", (0, 0)),
        ("http.tunnel.downstream_cx_active: 0\n", (0, 0)),
        ("http.tunnel.downstream_cx_active: 1\ncluster.gateway.membership_total: 2\n", (1, 8)),
    ],
)
def test_tunnels_are_counted_over_which_requests_can_come(stats: str, found: tuple[int, int]) -> None:
    assert tunnels_of(stats) == found


def test_who_has_too_few_tunnels_is_told_so() -> None:
    watch = Watch(WHAT, ("a:1", "b:1"), None)
    assert [watch.said(there, 8) for there in (0, 4, 8)] == [
        "… no tunnel to a:1, b:1: the baseline answers until there is one",
        "✓ connected: cart of Sandbox alice is port 3000 here, over 4 of 8 tunnels: the baseline answers where there is none",
        "✓ connected: cart of Sandbox alice is port 3000 here",
    ]


async def test_who_could_have_a_tunnel_and_has_none_dials_anew() -> None:
    async with serving(Admin(0)) as gateway:
        assert await stuck(Admin(4, 0), Watch(WHAT, (gateway,), None))


async def test_who_has_a_tunnel_goes_on() -> None:
    async with serving(Admin(0)) as gateway:
        assert not await stuck(Admin(4), Watch(WHAT, (gateway,), None))


async def test_who_has_nobody_to_dial_goes_on() -> None:
    assert not await stuck(Admin(0), Watch(WHAT, (f"127.0.0.1:{free_port()}",), None))


async def test_change_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    await stuck(Admin(0, 4, 4, 0, 4), Watch(WHAT, (f"127.0.0.1:{free_port()}",), None))
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
    await stuck(Admin(4, 3, 4, 0, 4), Watch(WHAT, (f"127.0.0.1:{free_port()}",), heart))
    assert len(set(heart.seen)) == 2
    assert heart.seen[0] == heart.seen[2] != heart.seen[3]


async def test_dials_in_vain_are_counted_until_there_is_a_tunnel() -> None:
    async with serving(Admin(0)) as gateway:
        watch = Watch(WHAT, (gateway,), None)
        for there, tries in ((0, 1), (0, 2), (4, 0)):
            await stuck(Admin(there), watch)
            assert watch._tries == tries
