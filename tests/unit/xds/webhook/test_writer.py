"""What sidecars start with, and whom an API server is told to trust: applied by the leader alone, kept, renewed, left to others."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import TRUST
from tests.unit.xds.planes.server import Server
from tests.waiting import wait_until
from translator.ir.inbound import Pods
from translator.ir.tables import OUT_SIDECARS
from xds.planes.identity import Issuer
from xds.planes.settings import DataPlanes
from xds.reports import queue
from xds.security.issuing import authority
from xds.security.peer import peer
from xds.webhook import writer as module
from xds.webhook.sidecars import Sidecars
from xds.webhook.start import started
from xds.webhook.writer import CONFIGURATIONS, Companions, Place

CART = Pods(selector=(("app", "cart"),), ports=(8080,))
SHOP = "/api/v1/namespaces/shop"
SECRET, MAP, SERVICE = f"{SHOP}/secrets/pointsman-sidecar-cart", f"{SHOP}/configmaps/pointsman-sidecar-cart", f"{SHOP}/services/cart"
STARTED = started(DataPlanes("pointsman:1", "pointsman.home.svc:18000", ""))
HOOKS = f"{CONFIGURATIONS}/pointsman"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.05)
    monkeypatch.setattr(queue, "GAP", 0.0)
    monkeypatch.setattr(queue, "LONGEST_GAP", 0.0)
    monkeypatch.setattr(queue, "BACKOFF", (0.01, 0.01))


class World:
    def __init__(self, folder: Path) -> None:
        self.server, self.sidecars, self.folder, self.leading = Server(), Sidecars(), folder, True
        self.issue(datetime.now(UTC))
        self.server.objects[SERVICE] = {"metadata": {"name": "cart", "uid": "u1", "labels": {}}}
        self.server.objects[HOOKS] = {
            "metadata": {"name": "pointsman", "labels": {}},
            "webhooks": [{"name": "a", "clientConfig": {"url": "x"}}, {"name": "b", "clientConfig": {"url": "y"}}],
        }
        self.one = Companions(
            self.server, self.sidecars, Place(STARTED, folder), Issuer(folder, TRUST), lambda: self.leading,
            asyncio.get_running_loop().time,
        )  # fmt: skip

    def issue(self, since: datetime) -> None:
        made = authority("test", TRUST, since, 3650)
        (self.folder / "ca.crt").write_bytes(made.pem)
        (self.folder / "ca.key").write_bytes(made.key)

    def knows(self, row: Pods | None = CART) -> None:
        self.sidecars.settled({(OUT_SIDECARS, "shop/cart"): row})
        self.one.touch(["shop/cart"])

    def held(self, path: str) -> dict[str, Any]:
        return self.server.objects.get(path, {})

    async def looked(self) -> None:
        """Everything, twice more."""
        before = self.server.asked.count(("GET", HOOKS))
        await wait_until(lambda: self.server.asked.count(("GET", HOOKS)) > before + 2)


@asynccontextmanager
async def writing(folder: Path) -> AsyncIterator[World]:
    world = World(folder)
    task = asyncio.create_task(world.one.run())
    try:
        yield world
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with writing(tmp_path) as one:
        yield one


async def test_sidecars_of_a_service_have_what_they_start_with_and_the_service_owns_it(world: World) -> None:
    world.knows()
    await wait_until(lambda: SECRET in world.server.objects and MAP in world.server.objects)
    for path in (SECRET, MAP):
        metadata = world.held(path)["metadata"]
        assert metadata["ownerReferences"] == [{"apiVersion": "v1", "kind": "Service", "name": "cart", "uid": "u1"}]
        assert metadata["labels"] == {"app.kubernetes.io/managed-by": "pointsman", "pointsman.io/sidecar": "cart"}
    found = peer(b64decode(world.held(SECRET)["data"]["tls.crt"]), b"")
    assert found
    assert found.uris == (f"spiffe://{TRUST}/ns/shop/sa/sidecar/svc/cart",)
    assert set(world.held(MAP)["data"]) == {"bootstrap.json", "sds-own.yaml", "sds-cas.yaml"}


async def test_certificate_that_is_good_is_left_and_one_of_another_ca_is_made_anew(world: World) -> None:
    world.knows()
    await wait_until(lambda: SECRET in world.server.objects)
    first = world.held(SECRET)["data"]
    await world.looked()
    assert world.held(SECRET)["data"] == first
    world.issue(datetime.now(UTC) - timedelta(days=1))
    await wait_until(lambda: world.held(SECRET)["data"]["ca.crt"] != first["ca.crt"])


async def test_secret_that_somebody_else_brings_is_theirs(world: World) -> None:
    world.server.objects[SECRET] = {"metadata": {"name": "pointsman-sidecar-cart", "labels": {}}, "data": {"tls.crt": "eA=="}}
    world.knows()
    await wait_until(lambda: MAP in world.server.objects)
    await world.looked()
    assert world.held(SECRET)["data"] == {"tls.crt": "eA=="}


async def test_service_that_has_no_sidecars_any_more_keeps_what_pods_may_start_with(world: World) -> None:
    world.knows()
    await wait_until(lambda: SECRET in world.server.objects)
    world.knows(None)
    await world.looked()
    assert SECRET in world.server.objects


async def test_service_that_is_gone_gets_nothing(world: World) -> None:
    del world.server.objects[SERVICE]
    world.knows()
    await world.looked()
    assert SECRET not in world.server.objects
    assert world.one.problems.held == {}


async def test_api_server_is_told_to_trust_our_ca_and_nothing_else_of_the_webhook_is_said(world: World) -> None:
    bundle = b64encode((world.folder / "ca.crt").read_bytes()).decode()
    await wait_until(lambda: bool(world.server.applied))
    [(by, said)] = world.server.applied
    assert (by, said["webhooks"]) == ("pointsman", [{"name": name, "clientConfig": {"caBundle": bundle}} for name in "ab"])
    await world.looked()
    assert len(world.server.applied) == 1
    world.held(HOOKS)["webhooks"][0]["clientConfig"]["caBundle"] = "eA=="
    await wait_until(lambda: len(world.server.applied) == 2)


@pytest.mark.parametrize(
    ("plural", "problem"),
    [
        ("secrets", {"Service/shop/cart": "Secret: you may not"}),
        ("configmaps", {"Service/shop/cart": "ConfigMap: you may not"}),
        ("services", {"Service/shop/cart": "you may not"}),
        ("mutatingwebhookconfigurations", {"MutatingWebhookConfiguration/pointsman": "you may not"}),
    ],
)
async def test_what_is_refused_is_told_and_tried_again(world: World, plural: str, problem: dict[str, str]) -> None:
    world.server.refuse[plural] = (403, "you may not")
    world.knows()
    await wait_until(lambda: world.one.problems.held == problem)
    world.server.refuse.clear()
    await wait_until(lambda: world.one.problems.held == {} and SECRET in world.server.objects)


async def test_ca_without_its_key_is_told(world: World) -> None:
    (world.folder / "ca.key").unlink()
    world.knows()
    await wait_until(lambda: "no CA that can sign" in world.one.problems.held.get("Service/shop/cart", ""))


async def test_nobody_writes_who_does_not_lead(world: World) -> None:
    world.leading = False
    await wait_until(lambda: not world.one._rounds._put.is_set())
    before = len(world.server.writes())
    world.knows()
    await wait_until(lambda: not world.one._rounds._put.is_set())
    assert len(world.server.writes()) == before
    assert "another replica" in await world.one._apply("/x", {"kind": "Secret"})
