"""B17: what many routing keys cost a request, and what one more costs. Envoy is real; keys come and go under load.

The same Envoy first has few keys and then many, so the ratio of the two is of one run. A key that comes is looked for over one kept
connection, again and again; the time is from the rename of its file to the first answer of its fork.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Self

from tests.bench.rounds import row
from tests.e2e import test_sandboxes as sandboxes
from tests.e2e.load import Load, Target
from tests.waiting import wait_until

FEW, MANY = 10, 10_000
EACH = 1_000  # Sandboxes of a file
RATE = 500
HOST = "c.example.com"
Figures = dict[str, float]


class Probe:
    """One kept connection to a service that answers with its name."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def ask(self, key: str) -> str:
        self._writer.write(f"GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Route-Key: {key}\r\n\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        return (await self._reader.readexactly(length)).decode()


def write(at: sandboxes.World, first: int, last: int) -> None:
    """Sandboxes k<first> … of the last service in the row."""
    for start in range(first, last, EACH):
        some = (sandboxes.SANDBOX.format(key=f"k{number}", service="c", target="c-bob") for number in range(start, min(start + EACH, last)))
        at.folder.save(f"keys-{start}", "---".join(some))


async def latencies(port: int, keys: int, requests: int) -> list[float]:
    """Milliseconds, one request after the other, with keys that have a fork."""
    found = []
    async with Probe(port) as probe:
        for number in range(requests):
            start = time.perf_counter()
            assert await probe.ask(f"k{number % keys}") == "c-bob"
            found.append((time.perf_counter() - start) * 1e3)
    return found


async def turns(at: sandboxes.World, count: int) -> Figures:
    """A key comes and goes, while others ask at RATE."""
    taken = []
    targets = [Target(at.port, host=host) for host in (HOST, f"k1.{HOST}", f"nobody.{HOST}")]
    async with Probe(at.port) as probe, Load(targets, RATE) as load:
        for _ in range(count):
            for change, wanted in ((lambda: at.sandbox("guest", "c", "c-bob"), "c-bob"), (lambda: at.folder.delete("sandbox-guest"), "c")):
                start = time.perf_counter()
                change()

                async def answers(name: str = wanted) -> bool:
                    return await probe.ask("guest") == name

                await wait_until(answers, 60, "a key to come or to go")
                taken += [(time.perf_counter() - start) * 1e3] if wanted == "c-bob" else []
    for failure in load.failed[:5]:
        print(failure)
    return {"requests": load.sent, "failed": len(load.failed), "p50 ms to effect": statistics.median(taken)}


async def measure(few: int, many: int, requests: int, count: int) -> dict[str, Figures]:
    with tempfile.TemporaryDirectory() as scratch:
        async with sandboxes.world(Path(scratch)) as at:
            route = sandboxes.ROUTE.format(name="c", host=f"*.{HOST}")
            at.folder.save("route-of-keys", route.replace("metadata: {name: c}", "metadata: {name: of-keys}"))
            found: dict[str, Figures] = {}
            for first, keys in ((0, few), (few, many)):
                write(at, first, keys)
                async with Probe(at.port) as probe:

                    async def there(name: str = f"k{keys - 1}", probe: Probe = probe) -> bool:
                        return await probe.ask(name) == "c-bob"

                    await wait_until(there, 300, f"{keys} keys")
                await latencies(at.port, keys, requests // 4)
                times = sorted(await latencies(at.port, keys, requests))
                quantiles = {"p50 ms": times[len(times) // 2], "p99 ms": times[len(times) * 99 // 100]}
                found[f"{keys:,} keys"] = {**quantiles, **await turns(at, count)}
            return found


def many_keys(few: int = FEW, many: int = MANY, requests: int = 8_000, count: int = 40) -> None:
    print(f"\nB17  requests with a key, and a key that comes and goes at {RATE} requests a second (limits: p99 1.05 of few, 0 failed)")
    found = asyncio.run(measure(few, many, requests, count))
    for name, figures in found.items():
        print(row(name, figures), flush=True)
    first, last = found.values()
    print(f"p99 of many to few: {last['p99 ms'] / first['p99 ms']:.3f}")
