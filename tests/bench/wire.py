"""B13: how many bytes come over the connections of a proxy when one object changes, against the resources that changed.

The server reads files as it does for users; the client is an Envoy with our native module, as far as a server can tell.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import yaml

from tests.bench import files, programs, world
from tests.bench.programs import Program
from tests.bench.rounds import NEVER, row
from tests.e2e.folder import Folder
from tests.e2e.server import Server
from tests.ports import free_port
from xds.kinds import CLUSTER, ENDPOINT, KINDS, ROUTE, Kind


def saved(folder: Folder, *, path: str = "", last: int = 1, many: int = 3) -> None:
    """The first file of the world again, with another path in its first route or other endpoints in its first slice."""
    documents: list[dict[str, Any]] = [world.route(0, path), world.service(0), world.endpoint_slice(0, last, many)]
    documents += [make(number) for number in range(1, files.EACH) for make in (world.route, world.service, world.endpoint_slice)]
    folder.save("world-0", yaml.dump_all(map(files.at_home, documents), Dumper=files.Plain))


async def measure(size: int) -> dict[str, dict[str, float]]:
    async with AsyncExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder = Folder(scratch / "config")
        folder.base(free_port(), free_port())
        files.write(folder, size)
        server = await stack.enter_async_context(Server(folder.path, scratch / "log"))
        clients = {kind: stack.enter_context(client(server.xds, kind)) for kind in KINDS}
        clients[CLUSTER].ask("await", each=size, seconds=60)
        clients[ENDPOINT].ask("await", each=size, seconds=60)
        clients[ROUTE].ask("await", each=1, seconds=60)
        rest(clients)
        found: dict[str, dict[str, float]] = {}
        for what, kind, changes in (
            ("route", ROUTE, [{"path": f"/new{turn}"} for turn in range(5)]),
            ("slice of 3", ENDPOINT, [{"path": "/new4", "last": 10 + turn} for turn in range(5)]),
            ("slice of 20", ENDPOINT, [{"path": "/new4", "last": 20 + turn, "many": 20} for turn in range(5)]),
        ):
            counts: list[tuple[Kind, dict[str, int]]] = []
            for change in changes:
                saved(folder, **change)  # type: ignore[arg-type]
                counts.append((kind, clients[kind].ask("await", each=1, seconds=20)["counts"]))
            found[what] = told([*counts, *rest(clients)], kind, len(changes))
        return found


def client(address: str, kind: Kind) -> Program:
    one = Program(programs.built() / "client", f"-address={address}", "-module=shard")
    one.ask("open", streams=1, type=kind.type_url, names=["*"])
    return one


def rest(clients: dict[Kind, Program]) -> list[tuple[Kind, dict[str, int]]]:
    """What each was sent since it was last asked, once nothing comes any more."""
    NEVER.wait(0.5)
    return [(kind, one.ask("mark")["counts"]) for kind, one in clients.items()]


def told(counts: list[tuple[Kind, dict[str, int]]], kind: Kind, changes: int) -> dict[str, float]:
    over, bodies = sum(one["wire"] for _, one in counts), sum(one["bodies"] for _, one in counts)
    return {
        "B on the wire": over / changes,
        "B of resources": bodies / changes,
        "ratio": over / bodies,
        "of other types": sum(one["resources"] for other, one in counts if other is not kind),
    }


def one_object(sizes: tuple[int, ...] = (100, 1_000, 10_000)) -> None:
    print("\nB13  bytes to one proxy when one object changes")
    for size in sizes:
        for what, figures in asyncio.run(measure(size)).items():
            print(row(f"{size:>6} one {what}", figures), flush=True)
