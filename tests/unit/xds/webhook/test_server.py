"""The webhook over real HTTPS: what it answers, what it does not, and with which certificate."""

from __future__ import annotations

import asyncio
import json
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509

from tests.certificates import TRUST
from tests.unit.translator.injection.test_admission import applied, pod, review
from translator.ir.inbound import Pods
from translator.ir.tables import OUT_SIDECARS
from xds.planes.settings import DataPlanes
from xds.security.issuing import authority, server
from xds.webhook import server as module
from xds.webhook.server import Webhook
from xds.webhook.sidecars import Sidecars
from xds.webhook.start import started

NAME = "pointsman.home.svc"
CART = Pods(selector=(("app", "cart"),), ports=("web",))


class World:
    def __init__(self, folder: Path) -> None:
        self.folder, self.sidecars, self.ready = folder, Sidecars(), True
        self.signer = authority("test", TRUST, datetime.now(UTC), 10)
        self.sign(1)
        self.address = ""

    def sign(self, days: int) -> None:
        made = server(self.signer, [NAME], datetime.now(UTC), days)
        (self.folder / "tls.key").write_bytes(made.key)
        (self.folder / "tls.crt").write_bytes(made.pem)

    def knows(self, key: str = "shop/cart", row: Pods | None = CART) -> None:
        self.sidecars.settled({(OUT_SIDECARS, key): row})

    async def asked(self, body: bytes, name: str = NAME) -> tuple[int, bytes]:
        """As an API server asks: by the name of a Service, and trusting the CA alone."""
        trusted = ssl.create_default_context(cadata=self.signer.pem.decode())
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"https://{self.address}/inject", data=BytesIO(body), ssl=trusted, server_hostname=name) as found,
        ):
            return found.status, await found.read()

    async def answered(self, document: object) -> dict[str, Any]:
        status, body = await self.asked(json.dumps(document).encode())
        assert status == 200, body
        return dict(json.loads(body)["response"])

    def end(self) -> datetime:
        """Of the certificate that is shown."""
        host, port = self.address.split(":")
        return x509.load_pem_x509_certificate(ssl.get_server_certificate((host, int(port))).encode()).not_valid_after_utc


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[World]:
    world = World(folder)
    webhook = Webhook(world.sidecars, folder, "pointsman:1", started(DataPlanes("pointsman:1", f"{NAME}:18000", "")), lambda: world.ready)
    world.address = await webhook.start("127.0.0.1:0")
    try:
        yield world
    finally:
        await webhook.stop()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with serving(tmp_path) as one:
        yield one


async def test_pod_is_given_the_sidecar_of_its_service(world: World) -> None:
    world.knows()
    said = await world.answered(review(pod()))
    made = applied(pod(), json.loads(b64decode(said["patch"])))
    intercept, sidecar = made["spec"]["initContainers"]
    assert (said["allowed"], said["uid"], intercept["command"][-1], sidecar["image"]) == (True, "u1", "8080", "pointsman:1")
    assert "PRIVATE" not in json.dumps(made)


@pytest.mark.parametrize("document", [review(pod(hostNetwork=True)), review(pod(), operation="DELETE")], ids=["left", "another-question"])
async def test_everything_else_is_let_through_as_it_is(world: World, document: dict[str, Any]) -> None:
    world.knows()
    assert await world.answered(document) == {"uid": "u1", "allowed": True}


async def test_pod_is_made_and_told_why_where_it_cannot_be_known_whose_sidecar(world: World) -> None:
    world.knows()
    world.knows("shop/kart")
    said = await world.answered(review(pod()))
    assert (said["allowed"], "patch" in said, len(said["warnings"])) == (True, False, 1)


async def test_service_that_is_known_a_moment_later_is_waited_for_and_none_for_ever(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    assert await world.answered(review(pod())) == {"uid": "u1", "allowed": True}
    monkeypatch.setattr(module, "PATIENCE", 60.0)

    async def comes() -> None:
        world.knows("shop/other", Pods(selector=(("app", "other"),), ports=(1,)))
        world.knows()

    monkeypatch.setattr(world.sidecars, "moved", comes)
    assert "patch" in await world.answered(review(pod()))


async def test_who_waits_for_something_different_is_told_of_it() -> None:
    sidecars = Sidecars()
    waiting = asyncio.create_task(sidecars.moved())
    await asyncio.sleep(0)
    sidecars.settled({})
    await asyncio.sleep(0)
    assert not waiting.done()
    sidecars.settled({(OUT_SIDECARS, "a/b"): CART})
    await waiting


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[1]", 400),
        (b"[" * 100_000, 400),
        (b"\xff\xfe", 400),
        (json.dumps({"kind": "AdmissionReview"}).encode(), 400),
        (json.dumps(review({"spec": {"containers": 7}})).encode(), 400),
        (b" " * (module.LONGEST + 1), 413),
    ],
)
async def test_what_is_no_question_gets_one_clean_line(world: World, body: bytes, status: int) -> None:
    found, text = await world.asked(body)
    assert found == status
    assert b"Traceback" not in text
    assert text.count(b"\n") <= 1


async def test_nothing_is_answered_before_all_services_are_known(world: World) -> None:
    world.ready = False
    assert (await world.asked(json.dumps(review(pod())).encode()))[0] == 503


async def test_certificate_that_was_made_anew_is_shown_without_a_restart_and_half_of_a_pair_never(world: World) -> None:
    before = await asyncio.to_thread(world.end)
    key = (world.folder / "tls.key").read_bytes()
    world.sign(7)
    new = (world.folder / "tls.key").read_bytes()
    (world.folder / "tls.key").write_bytes(key)
    assert await asyncio.to_thread(world.end) == before
    (world.folder / "tls.key").write_bytes(new)
    assert await asyncio.to_thread(world.end) > before + timedelta(days=5)
    (world.folder / "tls.crt").unlink()
    assert (await world.asked(b""))[0] == 400


async def test_who_expects_another_name_is_not_answered(world: World) -> None:
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await world.asked(b"", "other.home.svc")


def test_services_that_go_leave_nothing() -> None:
    sidecars = Sidecars()
    sidecars.settled({(OUT_SIDECARS, "a/b"): CART, (OUT_SIDECARS, "a/c"): CART})
    assert (sorted(sidecars.services()), sidecars.get("a/b"), sidecars.get("b/a")) == (["a/b", "a/c"], CART, None)
    sidecars.settled({(OUT_SIDECARS, "a/b"): None, (OUT_SIDECARS, "a/c"): None, (OUT_SIDECARS, "x/y"): None})
    assert sidecars.services() == []
    assert sidecars._held == {}
