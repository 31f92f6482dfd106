"""The Envoys of `sandbox connect`: which are started, with how many tunnels, and when each of them ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xds.bootstrap import Client
from xds.cli import lives
from xds.cli.holding import At, Seen
from xds.cli.lives import Lives
from xds.dataplane import NoEnvoyError
from xds.laptops.tunnel import Laptop

ALICE = Laptop(claim="cart.alice.shop", node="", gateways=("10.0.0.1:9000",), who=Client("/claim", "tunnels.example"), port=3000)


class Machine:
    """All Envoys, by number; what happened to them, in order. `waits` are those of which nothing is seen as it is wanted."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.nodes: list[str] = []
        self.broken: set[int] = set()
        self.waits: set[str] = set()

    def envoy(self, config: dict[str, Any], home: Path, program: Path, workers: int) -> One:
        assert (home.is_dir(), program, workers) == (True, Path("/envoy"), 1)
        address = config["static_resources"]["listeners"][0]["address"]["socket_address"]["address"]
        node, _, tunnels = address.removeprefix("rc://").partition(":")[0], "", address.rpartition(":")[2]
        self.nodes.append(node)
        return One(self, str(len(self.nodes)), tunnels)

    async def until(self, at: At, wanted: Callable[[Seen], bool]) -> None:
        """Of one that has all its tunnels and a request, or none of either."""
        what = "whole" if wanted(Seen(4, 4, 4, 1)) else "calm"
        if f"{at.admin} {what}" in self.waits:
            await asyncio.Event().wait()
        self.said.append(f"{at.admin} {what}")


class One:
    def __init__(self, of: Machine, admin: str, tunnels: str) -> None:
        self.of, self.admin, self.tunnels = of, admin, tunnels
        self.end = asyncio.Event()

    async def start(self) -> None:
        if int(self.admin) in self.of.broken:
            raise NoEnvoyError("it does not start")
        self.of.said.append(f"{self.admin} starts with {self.tunnels}")

    async def ended(self) -> str:
        await self.end.wait()
        return "Envoy ended"

    async def stop(self) -> None:
        self.of.said.append(f"{self.admin} stops")


class Watch:
    """Each life goes as it is scripted; behind the last it is all over."""

    def __init__(self, over: asyncio.Event, *script: bool, workers: tuple[int, ...] = (0,)) -> None:
        self.script, self.over, self.workers = [*script], over, [*workers]

    async def ask(self) -> int:
        return self.workers.pop(0) if len(self.workers) > 1 else self.workers[0]

    async def until_stuck(self, _: At) -> bool:
        if not self.script:
            self.over.set()
            await asyncio.Event().wait()
        return self.script.pop(0)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine()
    monkeypatch.setattr(lives, "Envoy", found.envoy)
    monkeypatch.setattr(lives, "until", found.until)
    return found


async def lived(*script: bool, workers: tuple[int, ...] = (0,)) -> None:
    over = asyncio.Event()
    async with asyncio.timeout(30):
        await Lives(ALICE, Path("/envoy"), Watch(over, *script, workers=workers), over).run()  # type: ignore[arg-type]


async def test_one_envoy_makes_as_many_tunnels_as_a_gateway_says_and_else_four(machine: Machine) -> None:
    await lived()
    await lived(workers=(6,))
    assert machine.said == ["1 starts with 4", "1 stops", "2 starts with 6", "2 stops"]


async def test_envoy_that_dials_in_vain_ends_before_another_starts(machine: Machine) -> None:
    await lived(False)
    assert machine.said == ["1 starts with 4", "1 stops", "2 starts with 4", "2 stops"]


async def test_envoy_that_takes_over_has_its_tunnels_before_the_other_is_calm_and_ends(machine: Machine) -> None:
    await lived(True, workers=(0, 8))
    assert machine.said == ["1 starts with 4", "2 starts with 8", "2 whole", "1 calm", "1 stops", "2 stops"]


async def test_gateway_that_is_silent_for_once_is_dialled_as_before(machine: Machine) -> None:
    await lived(True, workers=(8, 0))
    assert machine.said[:2] == ["1 starts with 8", "2 starts with 8"]


async def test_no_name_is_used_twice(machine: Machine) -> None:
    await lived(True, False, True)
    assert len(machine.nodes) == len({*machine.nodes}) == 4


async def test_requests_on_their_way_hold_up_nobody_for_ever(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lives, "GRACE", 0.01)
    monkeypatch.setattr(lives, "PATIENCE", 0.01)
    machine.waits = {"1 calm", "2 whole"}
    await lived(True)
    assert {*machine.said} == {"1 starts with 4", "2 starts with 4", "1 stops", "2 stops"}


async def test_end_waits_for_no_request(machine: Machine) -> None:
    machine.waits = {"1 calm"}
    await lived(True)
    assert {*machine.said[-2:]} == {"1 stops", "2 stops"}


async def test_envoy_that_does_not_start_ends_all(machine: Machine) -> None:
    machine.broken = {2}
    with pytest.raises(NoEnvoyError, match="does not start"):
        await lived(True)
    assert {*machine.said} == {"1 starts with 4", "1 stops", "2 stops"}


async def test_envoy_that_ends_by_itself_ends_all(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(self: One) -> str:
        return f"Envoy {self.admin} is gone"

    monkeypatch.setattr(One, "ended", gone)
    with pytest.raises(NoEnvoyError, match="Envoy 1 is gone"):
        await lived(True)
    assert machine.said == ["1 starts with 4", "1 stops"]
