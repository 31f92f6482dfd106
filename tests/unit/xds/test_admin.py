"""The admin port: what it answers, whom it refuses, and what it never tells."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import grpc.aio
import pytest
from aiohttp.test_utils import TestClient, TestServer
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.unit.xds.test_loads import stats
from xds.admin import Admin
from xds.app import App
from xds.demo.writing import write
from xds.settings import Settings
from xds.telemetry import logger

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: canary}\n"


@pytest.fixture
def app(tmp_path: Path) -> App:
    write(tmp_path / "files")
    (tmp_path / "files" / "secret.yaml").write_text(SECRET)
    return App(Settings(files=str(tmp_path / "files"), xds=f"unix:{tmp_path}/xds"), logger("none"))


@pytest.fixture
async def client(app: App) -> AsyncIterator[TestClient[Any, Any]]:
    async with TestClient(TestServer(Admin(app).application(), host="127.0.0.1")) as client:
        yield client


@pytest.fixture
async def synced(app: App) -> AsyncIterator[App]:
    await app.start()
    async with asyncio.timeout(30):
        await app.synced.wait()
    yield app
    await app.stop()


async def test_it_is_alive_at_once_and_ready_after_the_first_full_sync(client: TestClient[Any, Any], app: App) -> None:
    assert (await client.get("/healthz")).status == 200
    assert (await client.get("/readyz")).status == 503
    await app.start()
    async with asyncio.timeout(30):
        await app.synced.wait()
    assert (await client.get("/readyz")).status == 200
    await app.stop()


async def test_status_has_every_object_and_finding(client: TestClient[Any, Any], synced: App) -> None:
    body = await (await client.get("/status")).json()
    assert {one["kind"] for one in body["objects"]} == {
        "Backend",
        "Gateway",
        "GatewayClass",
        "HTTPRoute",
        "RouteGroup",
        "Sandbox",
        "Secret",
    }
    [gateway] = [one for one in body["objects"] if one["kind"] == "Gateway"]
    assert gateway["status"]["listeners"][0]["attachedRoutes"] == 2
    assert body["findings"] == []


async def test_config_has_resources_with_version_and_origin(client: TestClient[Any, Any], synced: App) -> None:
    body = await (await client.get("/config")).json()
    assert list(body) == ["listeners", "routes", "scopedRoutes", "clusters", "endpoints", "secrets"]
    assert "HTTPRoute default/shop" in body["routes"][0]["from"]
    assert (await (await client.get("/config?view=flat")).json())["listeners"] == []


async def test_metrics_are_those_of_this_server(client: TestClient[Any, Any], synced: App) -> None:
    answer = await client.get("/metrics")
    text = await answer.text()
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert 'pointsman_objects{kind="HTTPRoute"} 2.0' in text
    assert "pointsman_synced 1.0" in text


async def test_without_a_proxy_there_are_none(client: TestClient[Any, Any], synced: App) -> None:
    assert await (await client.get("/proxies")).json() == []


async def test_load_that_proxies_report_is_told_by_cluster_and_counted(client: TestClient[Any, Any], synced: App) -> None:
    companions = synced.server.companions
    companions.measured(*companions.loads.reporter().take([stats("a", (3, 1, 2), dropped=1)]))
    body = await (await client.get("/loads")).json()
    load = {"succeeded": 3, "failed": 1, "dropped": 1, "issued": 4, "in_progress": 2, "reports": 1}
    assert body == {"clusters": {"a": load}, "passed_over": 0, "counted": False, "forks": {}}
    text = await (await client.get("/metrics")).text()
    assert 'pointsman_load_requests_total{result="failed"} 1.0' in text
    assert "pointsman_load_reports_total 1.0" in text


async def test_health_over_grpc_follows_the_first_full_sync(app: App) -> None:
    await app.start()
    async with grpc.aio.insecure_channel(app.xds) as channel, asyncio.timeout(30):
        watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        while (await watching.read()).status != health_pb2.HealthCheckResponse.SERVING:
            assert not app.synced.is_set() or app.snapshots.synced
        assert app.synced.is_set()
        watching.cancel()
    await app.stop()


async def test_what_a_secret_holds_is_told_nowhere(client: TestClient[Any, Any], synced: App) -> None:
    for path in ("/status", "/config", "/metrics", "/proxies", "/loads"):
        text = await (await client.get(path)).text()
        assert "canary" not in text
        assert "Y2FuYXJ5" not in text
    [secret] = [one for one in (await (await client.get("/status")).json())["objects"] if one["kind"] == "Secret"]
    assert secret["data"]["password"].startswith("redacted, sha256:")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:19000", "127.0.0.1.evil.example", "", "10.0.0.1", "[::2]:1"])
async def test_a_foreign_host_is_refused(client: TestClient[Any, Any], host: str) -> None:
    assert (await client.get("/healthz", headers={"Host": host})).status == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:19000", "127.0.0.1", "127.0.0.1:1", "[::1]:1"])
async def test_loopback_by_any_of_its_names_is_served(client: TestClient[Any, Any], host: str) -> None:
    assert (await client.get("/healthz", headers={"Host": host})).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_nothing_can_be_changed(client: TestClient[Any, Any], method: str) -> None:
    assert (await client.request(method, "/status")).status == 405


async def test_it_listens_where_it_says(app: App) -> None:
    admin = Admin(app)
    address = await admin.start("127.0.0.1:0")
    assert address.startswith("127.0.0.1:")
    assert admin.address == address
    await admin.stop()


async def test_findings_of_files_and_of_translation_are_told_and_cleared(app: App, tmp_path: Path) -> None:
    found: list[str] = []
    cleared: list[str] = []
    seen = asyncio.Event()

    def note(into: list[str]) -> Any:
        def take(one: Any) -> None:
            into.append(f"{one.file}:{one.at.line} {one.finding.code}")
            seen.set()

        return take

    app._listener.found, app._listener.cleared = note(found), note(cleared)
    shop = tmp_path / "files" / "shop.yaml"
    good = shop.read_text()
    await app.start()
    async with asyncio.timeout(30):
        await app.synced.wait()
        for text, into, expected in (
            (good.replace("name: shop, weight", "name: shpo, weight"), found, "shop.yaml:13 PM0201"),
            (good, cleared, "shop.yaml:13 PM0201"),
            (good + "x: [\n", found, "shop.yaml:16 PM0101"),
            (good, cleared, "shop.yaml:16 PM0101"),
        ):
            shop.write_text(text)
            while expected not in into:
                seen.clear()
                await seen.wait()
    await app.stop()
    assert json.dumps(found).count("PM0201") == 1


async def test_health_and_metrics_alone_are_told_to_others_under_any_name(app: App) -> None:
    admin = Admin(app)
    try:
        await admin.start("127.0.0.1:0", "127.0.0.1:0")
        async with aiohttp.ClientSession() as session:

            async def asked(path: str) -> int:
                async with session.get(f"http://{admin.pages}{path}", headers={"Host": "pod.example"}) as answer:
                    return answer.status

            assert [await asked(path) for path in ("/healthz", "/readyz", "/metrics")] == [200, 503, 200]
            assert [await asked(path) for path in ("/status", "/proxies", "/config", "/loads")] == [404] * 4
            async with session.get(f"http://{admin.address}/healthz", headers={"Host": "pod.example"}) as answer:
                assert answer.status == 403
    finally:
        await admin.stop()
