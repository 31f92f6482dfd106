"""The server dies and comes back: Envoy goes on, and what it has is not sent again."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.envoy import Envoy, binary, bootstrap
from tests.e2e.test_stream import VARIANTS, backend
from tests.ports import free_port
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(binary() is None, reason="no Envoy binary is installed")]
ROOT = Path(__file__).parents[2]


@contextlib.asynccontextmanager
async def serving(*words: object) -> AsyncIterator[list[str]]:
    """A server process, and the lines that it has printed. Killed at the end, without a warning."""
    command = [sys.executable, "-m", "tests.e2e.serve", *map(str, words)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    lines: list[str] = []

    async def read() -> None:
        assert process.stdout
        while line := await process.stdout.readline():
            lines.append(line.decode().strip())

    reader = asyncio.create_task(read())
    try:
        yield lines
    finally:
        process.kill()
        await process.wait()
        await reader


@VARIANTS
async def test_killed_server_comes_back_and_sends_nothing_again(tmp_path: Path, sotw: bool) -> None:
    port, listening = free_port(), free_port()
    async with backend("up") as up:
        seen: list[int] = []
        async with contextlib.AsyncExitStack() as stack:
            async with serving(port, listening, up) as lines:
                envoy = await stack.enter_async_context(Envoy(bootstrap(f"127.0.0.1:{port}", sotw=sotw), tmp_path))
                await envoy.ready()
                await wait_until(lambda: settled(lines), what="Envoy to take all that it is sent")
                assert [line for line in lines if line.startswith("Sent")] != []
            assert await envoy.fetch(listening) == (200, "up")
            for _ in range(3):
                async with serving(port, listening, up) as lines:

                    async def subscribed(lines: list[str] = lines) -> bool:
                        seen.append((await envoy.fetch(listening)).status)
                        return (
                            any(line.startswith("Connected") for line in lines) and await envoy.stat("control_plane.connected_state") == 1
                        )

                    await wait_until(subscribed, what="Envoy to come back")
                    await wait_until(lambda: requests(envoy), what="Envoy to be done with subscribing")
                    assert [line for line in lines if line.startswith("Sent")] == ([] if not sotw else by_name(lines))
        assert set(seen) == {200}


def settled(lines: list[str]) -> bool:
    """Whether all that was sent is accepted."""
    assert not any(line.startswith(("Nacked", "GateExpired")) for line in lines), lines
    return sum(line.startswith("Sent") for line in lines) == sum(line.startswith("Acked") for line in lines)


def by_name(lines: list[str]) -> list[str]:
    """By state of the world what is asked for by name is sent again; all clusters and all listeners are not."""
    return [line for line in lines if line in ("Sent ClusterLoadAssignment a,b,c", "Sent RouteConfiguration r")]


async def requests(envoy: Envoy) -> bool:
    """Whether nothing waits to be asked for: all of Envoy's requests are on the wire."""
    return await envoy.stat("control_plane.pending_requests") == 0
