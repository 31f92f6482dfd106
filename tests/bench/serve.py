"""`python -m tests.bench.serve`: our server as it runs, with all that listens to its streams, only that what the engine settles
is made here. Speaks the lines of JSON that the peers speak.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.bench import made
from tests.bench.identities import POLICY
from xds.app import App
from xds.settings import Settings
from xds.store import Change
from xds.telemetry import logger


class Commands:
    """Lines of JSON on stdin, each answered on stdout, until stdin ends."""

    def __init__(self, answer: Callable[[dict[str, Any]], dict[str, int]]) -> None:
        self._answer, self._rest, self._ended = answer, b"", asyncio.Event()

    async def serve(self, address: str) -> None:
        """Say where to find the server, then answer."""
        asyncio.get_running_loop().add_reader(0, self._read)
        say({"address": address})
        await self._ended.wait()

    def _read(self) -> None:
        """Whatever came on stdin, without a stream around it: what a command costs is counted as the server's."""
        data = os.read(0, 1 << 16)
        if not data:
            asyncio.get_running_loop().remove_reader(0)
            self._ended.set()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            say(self._answer(json.loads(line)))


def change(app: App, command: dict[str, Any]) -> dict[str, int]:
    if command["do"] == "rest":
        return {}
    settled, since = made.changed(command)
    app.journal.changed([Change("Bench", str(command["number"]), None)], time.monotonic())
    app._settled(settled)
    return {"since": since}


def say(what: dict[str, Any]) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


async def serve(size: int, secrets: int, tls: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = App(Settings(files=folder, xds="127.0.0.1:0", tls=tls, policy=POLICY), logger("json"))
        await app.start()
        await app.synced.wait()
        app._settled(made.fill(size, secrets))
        app.translation._freeze()
        await Commands(partial(change, app)).serve(app.xds)
        await app.stop()


def arguments(description: str | None) -> argparse.Namespace:
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--resources", type=int, default=100)
    options.add_argument("--secrets", type=int, default=0)
    options.add_argument("--tls", default="", help="folder of the server's certificate; empty: plain text")
    return options.parse_args()


if __name__ == "__main__":
    chosen = arguments(sys.modules[__name__].__doc__)
    asyncio.run(serve(chosen.resources, chosen.secrets, chosen.tls))
