"""A server in a process of its own, to be killed: `python -m tests.e2e.serve PORT LISTENER BACKEND` prints what it sends."""

from __future__ import annotations

import asyncio
import sys

from tests.e2e.made import changes, cluster, endpoints, listener, routes
from xds.events import Event, Sent
from xds.server import Server
from xds.snapshot import Snapshots


def told(event: Event) -> None:
    names = f"{event.type_url.rpartition('.')[2]} {','.join((*event.names, *event.gone))}" if isinstance(event, Sent) else ""
    print(type(event).__name__, names, flush=True)


async def main(port: str, listening: str, backend: str) -> None:
    snapshots = Snapshots()
    snapshots.apply(
        changes(
            cds={name: cluster(name) for name in "abc"},
            eds={name: endpoints(name, int(backend)) for name in "abc"},
            rds={"r": routes("r", cluster="a")},
            lds={"l": listener("l", int(listening), "r")},
        )
    )
    snapshots.synced = True
    print("Bound", await Server(snapshots, told).start(f"127.0.0.1:{port}"), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
