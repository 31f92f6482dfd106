"""Real Envoy 1.40 against the server with hand-made resources."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import pytest
from aiohttp import web

from tests.e2e.envoy import Envoy, binary, bootstrap
from tests.e2e.made import changes, cluster, endpoints, listener, routes, scope
from tests.ports import free_port
from tests.waiting import wait_until
from xds.events import Acked, Event, GateExpired, Nacked, Sent
from xds.server import Server
from xds.snapshot import Changes, Snapshots

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(binary() is None, reason="no Envoy binary is installed")]
VARIANTS = pytest.mark.parametrize("sotw", [False, True], ids=["delta", "sotw"])


@contextlib.asynccontextmanager
async def backend(answer: str) -> AsyncIterator[int]:
    """A server that always answers this; its port."""
    app = web.Application()

    async def reply(_: web.Request) -> web.Response:
        return web.Response(text=answer)

    app.router.add_route("*", "/{path:.*}", reply)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


class Rig:
    """A server with its snapshots, what its streams told, and one Envoy."""

    def __init__(self, first: Changes, directory: Path, modules: tuple[str, ...] = ("shard",), *, sotw: bool = False) -> None:
        self.snapshots, self.events = Snapshots(), list[Event]()
        self.snapshots.apply(first)
        self.snapshots.synced = True
        self.server = Server(self.snapshots, self.events.append)
        self._directory, self._options = directory, {"modules": modules, "sotw": sotw}

    async def __aenter__(self) -> Self:
        self.address = await self.server.start("127.0.0.1:0")
        self.envoy = await Envoy(self.config(self.address), self._directory).__aenter__()
        await self.envoy.ready()
        return self

    def config(self, address: str) -> dict[str, Any]:
        return bootstrap(address, **self._options)

    async def __aexit__(self, *_: object) -> None:
        await self.envoy.__aexit__()
        await self.server.stop(0)
        assert not self.of(Nacked)
        assert not self.of(GateExpired)

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    async def change(self, new: Changes) -> None:
        """Publish, and wait until this Envoy has taken all of it."""
        self.snapshots.apply(new)
        self.server.publish()
        await self.settled()

    async def settled(self) -> None:
        def quiet() -> bool:
            return len(self.of(Sent)) == len(self.of(Acked)) and all(
                t.state == "SYNCED" for one in self.server.proxies() for t in one.types
            )

        await wait_until(quiet, what="all types to be SYNCED")


@VARIANTS
async def test_envoy_starts_changes_and_removes(tmp_path: Path, sotw: bool) -> None:
    port = free_port()
    async with backend("one") as one, backend("two") as two:
        first = changes(
            cds={"a": cluster("a")},
            eds={"a": endpoints("a", one)},
            rds={"r": routes("r", cluster="a")},
            lds={"l": listener("l", port, "r")},
        )
        async with Rig(first, tmp_path, sotw=sotw) as rig:
            assert await rig.envoy.fetch(port) == (200, "one")
            await rig.settled()

            await rig.change(changes(eds={"a": endpoints("a", two)}))
            assert await rig.envoy.fetch(port) == (200, "two")
            assert [event.names for event in rig.of(Sent)][-1] == ("a",)

            await rig.change(
                changes(cds={"a": None, "b": cluster("b")}, eds={"a": None, "b": endpoints("b", one)}, rds={"r": routes("r", cluster="b")})
            )
            assert await rig.envoy.fetch(port) == (200, "one")
            await wait_until(lambda: gone(rig.envoy, "cluster_manager.active_clusters", 2), what="cluster a to go")

            await rig.change(changes(cds={"b": None}, eds={"b": None}, rds={"r": None}, lds={"l": None}))
            await wait_until(lambda: gone(rig.envoy, "listener_manager.total_listeners_active", 0), what="the listener to go")


async def gone(envoy: Envoy, stat: str, left: int) -> bool:
    return await envoy.stat(stat) == left


@VARIANTS
async def test_no_request_fails_while_routes_and_clusters_flip(tmp_path: Path, sotw: bool) -> None:
    port = free_port()
    async with backend("0") as one, backend("1") as two:
        ports = (one, two)
        first = changes(
            cds={"c0": cluster("c0")},
            eds={"c0": endpoints("c0", one)},
            rds={"r": routes("r", cluster="c0")},
            lds={"l": listener("l", port, "r")},
        )
        async with Rig(first, tmp_path, sotw=sotw) as rig:
            seen: list[tuple[int, str]] = []
            stop = asyncio.Event()

            async def load() -> None:
                while not stop.is_set():
                    seen.append(await rig.envoy.fetch(port))

            loads = [asyncio.create_task(load()) for _ in range(3)]
            for number in range(1, 60):
                new, old = f"c{number}", f"c{number - 1}"
                await rig.change(
                    changes(
                        cds={new: cluster(new), old: None},
                        eds={new: endpoints(new, ports[number % 2]), old: None},
                        rds={"r": routes("r", cluster=new)},
                    )
                )
                assert await rig.envoy.fetch(port) == (200, str(number % 2))
            stop.set()
            await asyncio.gather(*loads)
            assert len(seen) > 100
            assert {status for status, _ in seen} == {200}


@VARIANTS
async def test_cluster_update_does_not_wait_for_the_warming_timeout(tmp_path: Path, sotw: bool) -> None:
    """Without endpoints pushed again Envoy withholds the ACK for 15 s."""
    port = free_port()
    async with backend("one") as one:
        first = changes(
            cds={"a": cluster("a")},
            eds={"a": endpoints("a", one)},
            rds={"r": routes("r", cluster="a")},
            lds={"l": listener("l", port, "r")},
        )
        async with Rig(first, tmp_path, sotw=sotw) as rig:
            await rig.change(changes(cds={"a": cluster("a", seconds=6)}))
            acked = [event for event in rig.of(Acked) if event.type_url.endswith(".Cluster")]
            assert acked[-1].seconds < 5
            assert await rig.envoy.fetch(port) == (200, "one")


@VARIANTS
async def test_number_of_route_configurations_changes_under_load_without_a_wrong_answer(tmp_path: Path, sotw: bool) -> None:
    port, slots = free_port(), range(16)
    first = changes(
        lds={"t": listener("t", port)},
        srds={"warm/1/0": scope("warm/1/0", "t/1/0"), **{str(slot): scope(str(slot), "t/1/0") for slot in slots}},
        rds={"t/1/0": routes("t/1/0", answer="1")},
    )
    async with Rig(first, tmp_path, sotw=sotw) as rig:
        seen: list[tuple[int, str]] = []
        stop = asyncio.Event()

        async def load() -> None:
            slot = 0
            while not stop.is_set():
                slot = (slot + 1) % len(slots)
                seen.append(await rig.envoy.fetch(port, x_shard=str(slot)))

        task = asyncio.create_task(load())
        before = 1
        for shards in (4, 8, 2, 16, 1):
            await rig.change(reshard(before, shards, slots))
            assert (await rig.envoy.fetch(port, x_shard="15")).body == str(shards)
            before = shards
        stop.set()
        await task
        assert {status for status, _ in seen} == {200}
        assert len(seen) > 20


def reshard(before: int, shards: int, slots: range) -> Changes:
    """As the translator does it: warm scopes of the new generation come, all scopes move, the old generation goes."""
    name = "t/{}/{}".format
    return changes(
        srds={
            **{f"warm/{before}/{shard}": None for shard in range(before)},
            **{f"warm/{shards}/{shard}": scope(f"warm/{shards}/{shard}", name(shards, shard)) for shard in range(shards)},
            **{str(slot): scope(str(slot), name(shards, slot % shards)) for slot in slots},
        },
        rds={
            **{name(before, shard): None for shard in range(before)},
            **{name(shards, shard): routes(name(shards, shard), answer=str(shards)) for shard in range(shards)},
        },
    )


async def test_second_scoped_listener_never_answers_404(tmp_path: Path) -> None:
    one, two = free_port(), free_port()
    first = changes(lds={"l": listener("l", one)}, srds={"l/0": scope("l/0", "r")}, rds={"r": routes("r", answer="one")})
    async with Rig(first, tmp_path) as rig:
        second = changes(lds={"m": listener("m", two)}, srds={"m/0": scope("m/0", "s")}, rds={"s": routes("s", answer="two")})
        rig.snapshots.apply(second)
        rig.server.publish()
        reply = await wait_until(lambda: answered(rig.envoy, two, "m/0"))
        assert reply == (200, "two")


async def answered(envoy: Envoy, port: int, shard: str) -> tuple[int, str] | None:
    reply = await envoy.fetch(port, x_shard=shard)
    return reply if reply.status else None


async def test_envoy_without_the_module_gets_the_flat_view(tmp_path: Path) -> None:
    port = free_port()
    first = {
        **changes(lds={"l": listener("l", port)}, srds={"0": scope("0", "t")}, rds={"t": routes("t", answer="sharded")}),
        **changes("local~flat", lds={"l": listener("l", port, "flat")}, rds={"flat": routes("flat", answer="flat")}),
    }
    async with Rig(first, tmp_path, modules=()) as rig:
        assert await rig.envoy.fetch(port) == (200, "flat")
        assert [proxy.view for proxy in rig.server.proxies()] == ["local~flat"]
