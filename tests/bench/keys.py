"""B17: what many routing keys cost a request, and what one more costs. Envoy is real; keys come and go under load.

Gateways with few keys and with many stand beside each other and are asked in turns (paired.py); with few there are two, so that the
method is seen to find no difference where there is none. Requests are drawn from ten keys, the same on all sides, or from all that a
side has; or they have none. What it costs that a key comes is looked at where nobody asks for anything.

From the rename of a file to the first answer of its fork passes the time of the source as well, which collects the moves of a save. It
is measured beside it: another source of the same kind, in this process, watches the same folder.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.forks import BASE, FORK, HOST, Side, answering, side
from tests.bench.paired import Asker, Keys, Rounds, quantile, ratio, rounds
from tests.bench.programs import cpu
from tests.bench.rounds import row
from tests.e2e.load import Load, Target
from tests.e2e.running import envoy as answers
from xds.offline import door
from xds.sources.files import Files
from xds.sources.folder import Folder

FEW, MANY = 10, 10_000
ROUNDS, REQUESTS = 60, 600  # of each side in a round
TURNS = 100  # of a key that comes and goes
ADDED = 30  # keys, one after the other, where nobody asks
RATE = 500
AT_ONCE = 100  # requests under way: where a machine is so slow that there would be more, they are not sent, and counted
WAIT = 0.25  # seconds in which all that one key causes is over; as many pass for nothing, and what that costs is taken off
SOON = 60.0
FIRST, SAME, LAST = "few", "few again", "many"
Figures = dict[str, float]


# Requests --------------------------------------------------------------------------------------------------------------


def drawn(keys: int) -> Keys:
    return lambda chance: f"k{chance.randrange(keys)}"


def kinds(sides: dict[str, Side]) -> dict[str, tuple[dict[str, Keys], str]]:
    """By name: which keys each side is asked with, and who is to answer."""
    least = min(one.keys for one in sides.values())
    return {
        "ten keys in use": (dict.fromkeys(sides, drawn(least)), FORK),
        "all keys in use": ({name: drawn(one.keys) for name, one in sides.items()}, FORK),
        "no key": (dict.fromkeys(sides, lambda _: ""), BASE),
    }


def latencies(sides: dict[str, Side], count: int, requests: int) -> dict[str, Figures]:
    with ExitStack() as stack:
        askers = {name: stack.enter_context(Asker(one.port, HOST)) for name, one in sides.items()}
        for name, one in sides.items():  # each fork has a connection of its own, which is there from now on
            askers[name].timed([f"k{number}" for number in range(one.keys)], FORK)
        found = {}
        for kind, (keys, wanted) in kinds(sides).items():
            rounds(askers, keys, wanted, 2, requests)
            found[kind] = told(kind, rounds(askers, keys, wanted, count, requests))
        return found


def told(kind: str, times: Rounds) -> Figures:
    many, same, middle = ratio(times, LAST, FIRST), ratio(times, SAME, FIRST), ratio(times, LAST, FIRST, 0.5)
    print(f"{kind:16} p99 of many to few {many}; p50 {middle}; p99 of few to few {same}", flush=True)
    for name in (FIRST, LAST):
        each = [time for one in times for time in one[name]]
        print(row(f"  {name}", {"p50 ms": quantile(each, 0.5), "p99 ms": quantile(each, 0.99)}), flush=True)
    return {"p99": many.median, "p50": middle.median, "p99 of the same": same.median}


# A key that comes ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def watching(folder: Path) -> AsyncIterator[asyncio.Queue[float]]:
    """When a source like the server's had each change of the folder."""
    moments: asyncio.Queue[float] = asyncio.Queue()

    async def watch() -> None:
        async with aclosing(Files(str(folder), Folder(door()), time.monotonic).updates()) as updates:
            async for update in updates:
                if update.changes:
                    moments.put_nowait(time.perf_counter())

    task = asyncio.create_task(watch())
    try:
        await asyncio.wait_for(moments.get(), SOON)  # all that was there
        yield moments
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Probe:
    """One kept connection, asked without a pause between two requests of more than a millisecond."""

    def __init__(self, port: int, host: str = HOST) -> None:
        self._port, self._host = port, host
        self._pair: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, key: str) -> str:
        self._pair = self._pair or await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._pair
        writer.write(f"GET / HTTP/1.1\r\nHost: {self._host}\r\nX-Route-Key: {key}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        return (await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))).decode()

    async def until(self, key: str, name: str, before: str = "") -> float:
        """When it was first answered by this; what `before` names and nothing else may have answered till then."""
        async with asyncio.timeout(SOON):
            while (found := await self.ask(key)) != name:
                assert before in ("", found), f"{key}: {found}"
                await asyncio.sleep(0.001)
        return time.perf_counter()

    def close(self) -> None:
        if self._pair:
            self._pair[1].close()


async def turns(at: Side, count: int) -> Figures:
    """A key comes and goes, while others ask at RATE."""
    whole, source, over = [], [], []
    targets = [Target(at.port, host=host) for host in (HOST, f"k1.{HOST}", f"nobody.{HOST}", f"guest.{HOST}")]
    probe = Probe(at.port)
    async with watching(at.folder.path) as moments, Load(targets, RATE, patience=30, most=AT_ONCE) as load:
        for _ in range(count):
            start = time.perf_counter()
            at.come("guest")
            served = await probe.until("guest", FORK)
            read = await asyncio.wait_for(moments.get(), SOON)
            whole.append((served - start) * 1e3)
            source.append((read - start) * 1e3)
            over.append((served - read) * 1e3)
            at.go("guest")
            await probe.until("guest", BASE)
            await asyncio.wait_for(moments.get(), SOON)
    probe.close()
    for failure in load.failed[:5]:
        print(failure)
    assert set(load.answers) <= {BASE, FORK}
    times = {"p50 ms": whole, "p50 ms of the source": source, "p50 ms behind it": over}
    counts = {"requests": load.sent, "kept back": load.kept_back, "failed": len(load.failed)}
    return {**counts, **{name: statistics.median(each) for name, each in times.items()}, "p99 ms": quantile(whole, 0.99)}


async def cost(at: Side, count: int) -> Figures:
    """What each of so many keys costs, that come one after the other: medians, and of memory the mean."""

    async def spent() -> tuple[float, float, int]:
        return cpu(at.server.pid) * 1e3, cpu(at.envoy.pid) * 1e3, await at.received()

    async def change(number: int | None) -> list[float]:
        before = await spent()
        if number is not None:
            at.come(f"added{number}")
        await asyncio.sleep(WAIT)
        return [now - then for now, then in zip(await spent(), before, strict=True)]

    await change(-1)
    memory = await at.memory()
    came, idle = [await change(number) for number in range(count)], [await change(None) for _ in range(count)]
    grown = (await at.memory() - memory) / count
    await at.becomes(f"added{count - 1}", FORK)
    each = [
        statistics.median(some) - statistics.median(none)
        for some, none in zip(zip(*came, strict=True), zip(*idle, strict=True), strict=True)
    ]
    return dict(zip(("server ms", "Envoy ms", "bytes", "Envoy KiB"), (*each, grown), strict=True))


@dataclass
class Found:
    """By the name of a side, but for the ratios, which are by the kind of request."""

    cost: dict[str, Figures] = field(default_factory=dict)
    latencies: dict[str, Figures] = field(default_factory=dict)
    turns: dict[str, Figures] = field(default_factory=dict)


async def measure(few: int, many: int, count: int, requests: int, comings: int, added: int) -> Found:
    async with AsyncExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        behind = stack.enter_context(answers([answering(BASE), answering(FORK)], scratch)).ports
        sizes = {FIRST: few, SAME: few, LAST: many}
        made = await asyncio.gather(*(side(stack, scratch / name, behind, size) for name, size in sizes.items()))
        sides = dict(zip(sizes, made, strict=True))
        found = Found()
        for name in (FIRST, LAST):
            found.cost[name] = await cost(sides[name], added)
            print(row(f"a key to {sizes[name]:,}", found.cost[name]), flush=True)
        found.latencies = latencies(sides, count, requests)
        for name in (FIRST, LAST):
            found.turns[name] = await turns(sides[name], comings)
            print(row(f"comes to {sizes[name]:,}", found.turns[name]), flush=True)
        return found


def many_keys(few: int = FEW, many: int = MANY, count: int = ROUNDS, requests: int = REQUESTS) -> None:
    held = f"held to: p99 1.05; at {RATE} requests a second 0 failed, p50 15 ms behind the source"
    print(f"\nB17  {many:,} keys beside {few} ({held})")
    asyncio.run(measure(few, many, count, requests, TURNS, ADDED))
