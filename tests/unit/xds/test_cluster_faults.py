"""F6, F18: what proxies are sent while an API server tells only a part, or tells two replicas different things."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from tests.clients import RawClient
from tests.unit.xds.sources.kube.fake import Fake, Reply, recorded
from tests.unit.xds.sources.kube.lines import bookmark, line
from tests.waiting import wait_until
from xds.app import App
from xds.kinds import LISTENER, Variant
from xds.settings import Cluster, Settings
from xds.sources.kube import reflector
from xds.telemetry import logger

CLASS = {"metadata": {"name": "c", "resourceVersion": "1"}, "spec": {"controllerName": "pointsman.io/gateway-controller"}}


def gateway(port: int) -> dict[str, Any]:
    spec = {"gatewayClassName": "c", "listeners": [{"name": "http", "port": port, "protocol": "HTTP"}]}
    return {"metadata": {"name": "edge", "namespace": "default", "generation": port, "resourceVersion": str(port)}, "spec": spec}


def listed(*objects: dict[str, Any]) -> Reply:
    """All there are, with the end of the list, and nothing more."""
    return Reply(200, b"".join(line("ADDED", one) for one in objects) + bookmark(9, ends_list=True), stays=True)


def later(*objects: dict[str, Any]) -> Reply:
    """The same, and then a watch that fails at once: what is told next comes by another."""
    return Reply(200, b"".join(line("ADDED", one) for one in objects) + bookmark(9, ends_list=True))


@asynccontextmanager
async def following(folder: Path, fake: Fake) -> AsyncIterator[App]:
    config = folder.with_suffix(".kubeconfig")
    document = {
        "apiVersion": "v1", "kind": "Config", "current-context": "t", "users": [{"name": "u", "user": {}}],
        "clusters": [{"name": "c", "cluster": {"server": f"http://{fake.address}"}}],
        "contexts": [{"name": "t", "context": {"cluster": "c", "user": "u"}}],
    }  # fmt: skip
    config.write_text(json.dumps(document))
    app = App(Settings(cluster=Cluster(str(config)), xds=f"unix:{folder}.xds"), logger("none"))
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


@asynccontextmanager
async def client(app: App, have: dict[str, str] | None = None) -> AsyncIterator[RawClient]:
    async with grpc.aio.insecure_channel(app.xds) as channel:
        one = RawClient(channel, Variant.DELTA, LISTENER)
        await one.ask(have=have)
        await wait_until(lambda: bool(app.server.proxies()))
        yield one
        one.call.cancel()


def states(app: App) -> list[str]:
    return [one.state for proxy in app.server.proxies() for one in proxy.types]


async def test_proxy_is_sent_nothing_rather_than_a_part_while_a_kind_is_forbidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflector, "PARKED", 0.2)
    async with Fake() as fake:
        fake.replies["gatewayclasses"].append(listed(CLASS))
        fake.replies["gateways"].extend([recorded("forbidden"), recorded("forbidden"), listed(gateway(80))])
        async with following(tmp_path / "a", fake) as app, client(app) as one:
            await wait_until(lambda: any(located.finding.code == "PM0131" for located in app.findings))
            assert not app.snapshots.synced
            assert set(states(app)) <= {"NOT_SENT"}
            response = await one.take()
            assert [resource.name for resource in response.resources] == ["local/80"]


async def test_kind_that_the_cluster_lacks_is_told_by_the_class_until_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflector, "PARKED", 0.2)
    async with Fake() as fake:
        fake.replies["gatewayclasses"].append(listed(CLASS))
        fake.replies["grpcroutes"].extend([Reply(404, b"{}")] * 3)
        async with following(tmp_path / "a", fake) as app:
            await wait_until(lambda: followed(app) == ("False", "KindMissing"))
            await wait_until(lambda: followed(app) == ("True", "AllFollowed"))


def followed(app: App) -> tuple[str, str]:
    """What the GatewayClass says of it."""
    status = app.statuses.get("GatewayClass", "c") or {}
    found = {one["type"]: (one["status"], one["reason"]) for one in status.get("conditions", ())}
    return found.get("pointsman.io/KindsFollowed", ("", ""))


async def test_replica_that_sees_the_same_sends_nothing_again(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        first, second = await two(stack, tmp_path, listed(gateway(80)), listed(gateway(80)))
        held = await taken(stack, first)
        async with client(second, held) as one:
            await one.ask(["local/nothing"])
            response: Any = await one.take()
            assert (list(response.resources), list(response.removed_resources)) == ([], ["local/nothing"])


async def test_replica_that_sees_less_is_right_when_its_watch_has_caught_up(tmp_path: Path) -> None:
    """It takes a proxy back for as long as it lags, and no longer."""
    async with AsyncExitStack() as stack:
        first, second = await two(stack, tmp_path, listed(gateway(81)), later(gateway(80)), listed(gateway(81)))
        held = await taken(stack, first)
        async with client(second, held) as one:
            names = set(held)
            reading = asyncio.create_task(read(one, names))
            await wait_until(lambda: second.snapshots.of("local", LISTENER).live.keys() == {"local/81"} == names)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        assert second.snapshots.versions("local")[LISTENER] == first.snapshots.versions("local")[LISTENER]


async def read(one: RawClient, names: set[str]) -> None:
    """What it holds, as it changes."""
    while True:
        response: Any = await one.take()
        names.update(resource.name for resource in response.resources)
        names.difference_update(response.removed_resources)


async def two(stack: AsyncExitStack, folder: Path, one: Reply, *other: Reply) -> tuple[App, App]:
    """Replicas, and what each is told of Gateways."""
    apps = []
    for name, replies in (("a", [one]), ("b", list(other))):
        fake = await stack.enter_async_context(Fake())
        fake.replies["gatewayclasses"].append(listed(CLASS))
        fake.replies["gateways"].extend(replies)
        app = await stack.enter_async_context(following(folder / name, fake))
        await app.synced.wait()
        apps.append(app)
    return apps[0], apps[1]


async def taken(stack: AsyncExitStack, app: App) -> dict[str, str]:
    """What a proxy of this replica holds: names and versions."""
    one = await stack.enter_async_context(client(app))
    return {resource.name: resource.version for resource in (await one.take()).resources}
