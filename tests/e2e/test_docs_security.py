"""The commands of docs/security.md, as they stand there, on other ports: a server, and an Envoy that it lets in."""

from __future__ import annotations

import asyncio
import re
import shlex
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.backends import WITH_MODULES
from tests.e2e.envoy import binary
from tests.ports import free_port
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(binary() is None, reason="no Envoy binary is installed")]
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"
SECTION = "Certificates in a minute"


def commands() -> list[str]:
    section = PAGE.read_text().partition(f"## {SECTION}\n")[2].partition("\n## ")[0]
    block = section.partition("\n    ")[2].partition("\n\n")[0]
    return [line.strip() for line in block.splitlines()]


def programs() -> dict[str, str]:
    return {"pointsman": f"{shlex.quote(sys.executable)} -m xds", "envoy": shlex.quote(str(binary()))}


async def start(line: str, at: Path, *more: object) -> asyncio.subprocess.Process:
    """Through a shell, as a user would. `more` stands before what is redirected."""
    command, redirect, target = line.removesuffix(" &").partition(" > ")
    program, _, rest = command.partition(" ")
    words = f"exec {programs()[program]} {rest} {shlex.join(map(str, more))}"
    with (at / "log").open("ab") as log:
        return await asyncio.create_subprocess_shell(f"{words}{redirect}{target}", cwd=at, stdout=log, stderr=log, env=WITH_MODULES)


async def stay(stack: AsyncExitStack, line: str, at: Path, *more: object) -> None:
    process = await start(line, at, *more)

    async def end() -> None:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()

    stack.push_async_callback(end)


async def proxies(admin: str) -> Any:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://{admin}/proxies") as response:
            return await response.json()
    except aiohttp.ClientConnectionError:
        return []


async def in_step(admin: str) -> Any:
    found = await proxies(admin)
    states = {one["type"].rpartition(".")[2]: one["state"] for one in found[0]["types"]} if found else {}
    return found if states.get("Listener") == "SYNCED" and set(states.values()) == {"SYNCED"} else None


async def test_commands_of_the_page_make_a_server_and_an_envoy_that_it_lets_in(tmp_path: Path) -> None:
    demo, certs, serve, export, bootstrap, envoy = commands()
    assert export.replace("$PWD", str(ROOT)) in {f"export {name}={value}" for name, value in WITH_MODULES.items()}
    xds, admin = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    async with AsyncExitStack() as stack:
        for line in (demo, certs):
            assert await (await start(line, tmp_path)).wait() == 0, (tmp_path / "log").read_text()
        await stay(stack, serve.replace("127.0.0.1:18000", xds), tmp_path, "--admin", admin, "--port-offset", free_port() - 8080)
        made = await start(bootstrap.replace("127.0.0.1:18000", xds), tmp_path, "--admin", "127.0.0.1:0")
        assert await made.wait() == 0, (tmp_path / "log").read_text()
        await stay(stack, envoy, tmp_path, "--use-dynamic-base-id", "--concurrency", 1, "-l", "warning")
        [proxy] = await wait_until(lambda: in_step(admin), 30, "Envoy to be given all, and to take it")
        assert proxy["group"] == "default/edge"


def test_every_command_of_the_page_has_the_options_that_it_names() -> None:
    from typer.main import get_command

    from xds.cli.commands import app

    known = {name: {word for one in each.params for word in one.opts} for name, each in get_command(app).commands.items()}  # type: ignore[attr-defined]
    named = re.findall(r"(?:^    pointsman |`)(certs|serve|bootstrap)((?: [^`\n>#]+)?)", PAGE.read_text(), re.MULTILINE)
    assert len(named) >= 8
    for command, rest in named:
        assert set(re.findall(r"--[\w-]+", rest)) <= known[command], (command, rest)
