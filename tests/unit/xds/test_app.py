"""The wiring: what one part tells reaches the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import certificates
from translator.ir.tables import OUT_LISTENER
from xds.app import App
from xds.demo.writing import write
from xds.events import Acked, Connected, Disconnected, GateExpired, Nacked, NeedsView, Proxy, Refused, Sent
from xds.journal import Line
from xds.kinds import CLUSTER, LISTENER
from xds.settings import Listener, Settings
from xds.store import Change
from xds.telemetry import logger
from xds.traffic.reports import Answered

PROXY = Proxy("n", "local", "local~flat", "envoy", 1, 0.0)


class World:
    def __init__(self, folder: Path) -> None:
        write(folder / "files")
        self.folder = folder / "files"
        self.lines: list[Line] = []
        self.refused: list[Refused] = []
        self.moved = asyncio.Event()
        listener = Listener(line=self.take, refused=self.refused.append)
        self.app = App(Settings(files=str(self.folder), xds=f"unix:{folder}/xds"), logger("none"), listener)

    def take(self, line: Line) -> None:
        self.lines.append(line)
        self.moved.set()

    def metric(self, text: str) -> bool:
        return text in self.app.metrics.text().decode()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    await world.app.start()
    async with asyncio.timeout(30):
        await world.app.synced.wait()
    yield world
    await world.app.stop()


async def test_after_the_first_sync_the_snapshots_may_be_answered(world: World) -> None:
    assert world.app.snapshots.synced
    assert world.app.snapshots.of("local", LISTENER).live
    assert not world.app.snapshots.complete("local~flat")


async def test_an_envoy_without_the_module_has_its_view_made(world: World) -> None:
    world.app._event(Connected(PROXY))
    world.app._event(NeedsView(PROXY, "local~flat"))
    async with asyncio.timeout(30):
        while not world.app.snapshots.complete("local~flat"):  # noqa: ASYNC110 - each turn lets the translation go on
            await asyncio.sleep(0)
    assert ("local~flat", "local/8080") in world.app.engine.rows(OUT_LISTENER)


async def test_plain_text_is_warned_of_at_every_start(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "files")
    for address, tls, warned in (("127.0.0.1:0", "", True), (f"unix:{tmp_path}/xds", "", False), ("127.0.0.1:0", "tls", False)):
        folder = str(certificates.write(tmp_path / tls, certificates.serving())) if tls else ""
        app = App(Settings(files=str(tmp_path / "files"), xds=address, tls=folder), logger("console"))
        await app.start()
        await app.stop()
        assert ("server.plain-text" in capfd.readouterr().err) is warned, address


async def test_a_view_of_somebody_else_is_not_made(world: World) -> None:
    world.app._event(NeedsView(PROXY, "other~flat"))
    assert len(world.app.store) == 0


async def test_a_change_without_a_proxy_has_its_line(world: World) -> None:
    shop = world.folder / "shop.yaml"
    shop.write_text(shop.read_text().replace("weight: 90", "weight: 50"))
    async with asyncio.timeout(30):
        await world.moved.wait()
    [line] = world.lines
    assert str(line) == "~ HTTPRoute default/shop  spec.rules[0].backendRefs[0].weight 90 → 50   nothing to send"


async def test_what_streams_tell_is_counted(world: World) -> None:
    url = LISTENER.type_url
    for event in (
        Connected(PROXY),
        Sent(PROXY, url, "1", ("l",), (), 100),
        Acked(PROXY, url, "1", ("l",), (), 0.004),
        Nacked(PROXY, url, "2", ("l",), "no"),
        Refused(PROXY, url, "l", "v", "no", b"", doubted=False),
        GateExpired(PROXY, url, ("c",)),
    ):
        world.app._event(event)
    label = f'{{type="{url}"}}'
    assert world.metric('pointsman_proxies{group="local"} 1.0')
    for name, value in (("sent", 1), ("sent_bytes", 100), ("nacked", 1), ("refused", 1), ("gate_expired", 1)):
        assert world.metric(f"pointsman_xds_{name}_total{label} {value}.0")
    assert world.metric(f"pointsman_xds_ack_seconds_count{label} 1.0")
    assert [one.message for one in world.refused] == ["no"]
    world.app._event(Disconnected(PROXY))
    assert world.metric('pointsman_proxies{group="local"} 0.0')


async def test_what_a_proxy_refuses_is_told_to_its_object_and_heals_with_it(world: World) -> None:
    app = world.app
    resources = app.snapshots.of("local", CLUSTER)
    [name] = [name for name in resources.live if "alice" in name]
    app._event(Refused(PROXY, CLUSTER.type_url, name, resources.live[name].version, "no such thing", b"", doubted=False))
    async with asyncio.timeout(30):
        while not any(one.finding.code == "PM0605" for one in app.findings):  # noqa: ASYNC110 - each turn lets the translation go on
            await asyncio.sleep(0)
    assert name not in resources.live
    [found] = [one.finding for one in app.findings]
    assert (found.kind, found.key) == ("Backend", "default/alice")
    status = app.statuses.get("Backend", "default/alice")
    assert status is not None
    [programmed] = [one for one in status["conditions"] if one["type"] == "Programmed"]
    assert (programmed["status"], programmed["reason"]) == ("False", "RefusedByProxy")
    assert "no such thing" in programmed["message"]
    assert world.metric(f'pointsman_xds_refused_total{{type="{CLUSTER.type_url}"}} 1.0')
    assert world.metric("pointsman_quarantined 1.0")
    file = world.folder / "backends.yaml"
    head, alice, rest = file.read_text().partition("  name: alice\n")
    file.write_text(head + alice + rest.replace("spec:\n", "spec:\n  appProtocol: kubernetes.io/h2c\n"))
    async with asyncio.timeout(30):
        while name not in resources.live:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
    assert not app.feedback.rows


async def test_a_task_that_fails_is_told(world: World) -> None:
    world.app._tasks[0].cancel()
    async with asyncio.timeout(30):
        assert await world.app.failed() == ""


async def test_a_port_that_is_taken_is_an_error_at_the_start(tmp_path: Path) -> None:
    app = App(Settings(files=str(tmp_path), xds="unix:/nowhere/at/all"), logger("none"))
    with pytest.raises(RuntimeError):
        await app.start()
    await app.stop()


# What proxies count ----------------------------------------------------------------------------------------------------------

RULE = "HTTPRoute/default/shop/rule/0"


async def test_requests_that_a_proxy_counted_are_metrics_of_the_rule_until_it_goes(world: World) -> None:
    await world.app.server.companions.counted([Answered("httproute/default/shop/0/0", "200", "-", 3)], "local")
    series = f'proxy_requests_total{{path="{RULE}",status_code="200"}} 3.0'
    assert series in world.app.scrape().decode()
    world.app.store.put([Change("HTTPRoute", "default/shop", None)])
    await world.app.translation.drain()
    assert RULE not in world.app.scrape().decode()


async def test_rules_are_not_asked_for_while_they_are_half_new(world: World) -> None:
    told = [Answered("httproute/default/shop/0/0", "200", "-", 3)]
    async with world.app.translation.calm:
        waiting = asyncio.create_task(world.app.server.companions.counted(told, ""))
        assert RULE not in world.app.scrape().decode(), "who scrapes does not wait"
        assert not waiting.done()
    await waiting
    assert RULE in world.app.scrape().decode()
