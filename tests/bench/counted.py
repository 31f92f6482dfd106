"""B18: what it costs to count requests by rule: Envoy's CPU a request, its memory a rule, and the server's CPU a report.

Two gateways with the same files in one run, of which one counts: turn by turn, A B A B. Requests go one after the other over one kept
connection to each, through all rules in turn, so every rule has some; a report then has all of them, which is the most that it can.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from protos.v3 import ExportMetricsServiceRequest
from tests.bench.programs import cpu
from tests.bench.rounds import row
from tests.e2e.backends import WITH_MODULES, answer
from tests.e2e.envoy import Envoy
from tests.e2e.folder import BASE, Folder
from tests.e2e.server import Server
from tests.objects import changes, objects
from tests.ports import free_port
from tests.unit.xds.traffic.told import answered, export, took
from tests.waiting import wait_until
from translator.ir.output import Group
from translator.ir.tables import GROUP
from translator.program import engine
from xds.bootstrap import Bootstrap, bootstrap
from xds.traffic.counts import Traffic
from xds.traffic.reports import points
from xds.traffic.rules import Rules

EACH = 16  # rules of a route: as many as the API takes
ROUTE = (
    "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: r{0}}}\nspec:\n  parentRefs: [{{name: edge}}]\n  rules:\n"
)
RULE = "  - {{matches: [{{path: {{value: /r{0}}}}}], backendRefs: [{{group: pointsman.io, kind: Backend, name: a}}]}}\n"
Figures = dict[str, float]


@dataclass
class Side:
    """A gateway, and one connection to it."""

    counts: bool
    server: Server
    envoy: Envoy
    port: int
    cpus: list[float] = field(default_factory=list)  # seconds a request
    before: int = 0  # bytes of Envoy without a request

    async def ask(self, numbers: range) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(5 + len(numbers)):
                for number in numbers:
                    writer.write(f"GET /r{number} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
                    await reader.readexactly(1)
        finally:
            writer.close()

    async def answers(self, last: int) -> bool:
        try:
            await self.ask(range(last, last + 1))
        except (OSError, EOFError, TimeoutError, AssertionError):
            return False
        return True

    async def bytes(self) -> int:
        return int(json.loads((await self.envoy.admin("/memory")).body)["allocated"])

    async def turn(self, rules: int, rounds: int) -> None:
        start = cpu(self.envoy.pid)
        for _ in range(rounds):
            await self.ask(range(rules))
        self.cpus.append((cpu(self.envoy.pid) - start) / (rules * rounds))


@asynccontextmanager
async def sides(at: Path, rules: int) -> AsyncIterator[list[Side]]:
    async with AsyncExitStack() as stack:
        backend = await asyncio.start_server(partial(answer, "a"), "127.0.0.1", 0)
        stack.callback(backend.close)
        found = []
        for name, counts in (("plain", False), ("counted", True)):
            (at / name).mkdir()
            folder, port = Folder(at / name / "config"), free_port()
            folder.backend("a", backend.sockets[0].getsockname()[1])
            folder.save("base", BASE.format(http=port, https=free_port()))
            for first in range(0, rules, EACH):
                folder.save(f"r{first}", ROUTE.format(first) + "".join(RULE.format(one) for one in range(first, min(first + EACH, rules))))
            options = ("--request-metrics",) if counts else ()
            server = await stack.enter_async_context(Server(folder.path, at / name / "server.log", *options))
            config = bootstrap(Bootstrap(xds=server.xds, admin="127.0.0.1:0", modules=("shard",), request_metrics=counts))
            if counts:
                config["stats_flush_interval"] = "1s"
            envoy = await stack.enter_async_context(Envoy(config, at / name, env=WITH_MODULES))
            await envoy.ready()
            side = Side(counts, server, envoy, port)
            await wait_until(partial(side.answers, rules - 1), 120, f"the {name} gateway")
            side.before = await side.bytes()
            found.append(side)
        yield found


def report(rules: int) -> float:
    """Milliseconds of CPU to take a report in which every rule has requests, as the server does it; the best of five."""
    core = engine()
    text = "---\n".join(ROUTE.format(one) + "".join(RULE.format(each) for each in range(EACH)) for one in range(rules // EACH or 1))
    core.apply([(GROUP, "local", Group(counted=True)), *changes(objects(f"{text}---\n{BASE.format(http=8080, https=8443)}"))])
    names = [f"httproute/default/r{one}/{each}/0" for one in range(rules // EACH or 1) for each in range(EACH)]
    body = export(*(made(name) for name in names for made in (answered, took))).SerializeToString()
    traffic, times = Traffic(Rules(core)), []
    for _ in range(5):
        start = time.process_time()
        for one in points(ExportMetricsServiceRequest.FromString(body)):
            traffic.take(one, "local")
        times.append((time.process_time() - start) * 1e3)
    assert (len(traffic.there()), traffic.passed_over) == (len(names), 0)
    return min(times)


async def measure(rules: int, rounds: int, turns: int) -> dict[str, Figures]:
    with tempfile.TemporaryDirectory() as scratch:
        async with sides(Path(scratch), rules) as found:
            for _ in range(turns):
                for side in found:
                    await side.turn(rules, rounds)
            return {
                "counted" if side.counts else "plain": {
                    "us of Envoy a request": median(side.cpus) * 1e6,
                    "with itself": median(side.cpus[::2]) / median(side.cpus[1::2] or side.cpus),
                    "bytes of Envoy a rule": (await side.bytes() - side.before) / rules,
                }
                for side in found
            }


def requests(rules: int = 1_000, rounds: int = 3, turns: int = 9) -> None:
    print(f"\nB18  requests counted by rule, {rules:,} rules that all have some")
    found = asyncio.run(measure(rules, rounds, turns))
    for name, figures in found.items():
        print(row(name, figures), flush=True)
    plain, counted = found["plain"], found["counted"]
    print(f"Envoy's CPU of counted to plain: {counted['us of Envoy a request'] / plain['us of Envoy a request']:.3f}")
    print(f"a report of all of them: {report(rules):.1f} ms of the server")
