"""Whatever goes wrong, and whatever is in the text of the error: keys are not told."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import grpc.aio
import pytest

from protos.v3 import ClientStatusRequest
from xds.admin import Admin
from xds.app import App
from xds.bootstrap import split
from xds.cli import commands
from xds.companions import CLIENT_STATUS
from xds.crash import told
from xds.settings import Settings
from xds.telemetry import Logger, logger

CANARY = "-----BEGIN PRIVATE KEY----- canary"


def fails(*_: Any, **__: Any) -> Any:
    raise ValueError(CANARY)


class Deaf:
    """A folder that cannot be gone on with."""

    async def open(self) -> None: ...

    updates = fails


def app(at: Path, log: Logger | None = None) -> App:
    (at / "files").mkdir()
    return App(Settings(files=str(at / "files"), xds=f"unix:{at}/xds"), log or logger("console"))


def test_bug_is_told_by_its_kind_and_its_place_in_our_code() -> None:
    with pytest.raises(ValueError, match="is not host:port") as caught:
        split(CANARY)
    assert told(caught.value).startswith("ValueError at xds/bootstrap.py:")
    assert told(caught.value).endswith(" in split")
    assert told(None) == "it ended without an error"
    assert told(KeyError(CANARY)) == "KeyError"


def test_command_that_meets_a_bug_tells_no_text_of_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("POINTSMAN_DEBUG", raising=False)
    monkeypatch.setattr(commands, "app", fails)
    assert commands.run(["status"]) == 1
    written = capsys.readouterr().err
    assert written.startswith("pointsman: ValueError at xds/cli/commands.py:")
    assert "canary" not in written


async def test_server_that_ends_by_a_bug_tells_no_text_of_it(tmp_path: Path) -> None:
    one = app(tmp_path)
    one.source = Deaf()  # type: ignore[assignment]
    await one.start()
    why = await one.failed()
    await one.stop()
    assert why.startswith("ValueError at xds/app.py:")
    assert "canary" not in why


async def test_bug_in_a_call_reaches_neither_client_nor_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    one = app(tmp_path)
    await one.start()
    monkeypatch.setattr("xds.companions.asked_for", fails)
    one.server._connections[object()] = None  # type: ignore[index]
    async with grpc.aio.insecure_channel(one.xds) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(f"/{CLIENT_STATUS}/FetchClientStatus")(ClientStatusRequest().SerializeToString())
    one.server._connections.clear()
    await one.stop()
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.INTERNAL, "this server has a bug")
    written = "".join(capfd.readouterr())
    assert "server.bug" in written
    assert "canary" not in written


async def test_bug_in_a_callback_is_told_without_its_arguments(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    one = app(tmp_path)
    await one.start()
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon(fails, CANARY)
    asyncio.get_running_loop().call_soon(done.set)
    await done.wait()
    await one.stop()
    written = "".join(capfd.readouterr())
    assert "server.bug" in written
    assert "canary" not in written


async def test_bug_in_a_page_of_the_admin_port_is_told_without_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("xds.app.App.scrape", fails)
    one = app(tmp_path)
    await one.start()
    admin = Admin(one)
    address = await admin.start("127.0.0.1:0")
    async with aiohttp.ClientSession() as session, session.get(f"http://{address}/metrics") as response:
        status, text = response.status, await response.text()
    await admin.stop()
    await one.stop()
    assert (status, text.startswith("this server has a bug: ValueError")) == (500, True)
    assert "canary" not in text + "".join(capfd.readouterr())
