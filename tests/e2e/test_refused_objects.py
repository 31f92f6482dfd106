"""From an object to Envoy and back: what our checks let through and Envoy refuses is said of the object that caused it.

The checks are switched off here, in this process only: with them nearly nothing of this would ever reach Envoy.
"""

from __future__ import annotations

import contextlib
import json
import socket
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from protos.v3 import Cluster as EnvoyCluster
from protos.v3 import data
from tests.e2e.envoy import Envoy, binary, bootstrap
from tests.e2e.folder import Folder
from tests.e2e.test_stream import backend
from tests.objects import decoded
from tests.ports import free_port
from tests.property.pools import pair
from tests.waiting import wait_until
from translator.envoy_v3 import rules, upstreams
from translator.gatewayapi.rules import gateways
from translator.ir.cluster import Cluster
from xds.admin import Admin
from xds.app import App
from xds.settings import Settings
from xds.store import Change
from xds.telemetry import logger

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(binary() is None, reason="no Envoy binary is installed")]
GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}}}
spec: {{gatewayClassName: pointsman, listeners: [{{name: only, port: {port}, {more}}}]}}
"""
HTTP, HTTPS = "protocol: HTTP", "protocol: HTTPS, tls: {certificateRefs: [{name: cert}]}"
BASE = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: pointsman}
spec: {controllerName: pointsman.io/gateway-controller}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{name: http, port: 80}]}
"""
SLICE = """
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}, labels: {{kubernetes.io/service-name: cart}}}}
addressType: IPv4
ports: [{{name: http, port: {port}}}]
endpoints: [{{addresses: ["{address}"]}}]
"""
BACKEND = """
apiVersion: pointsman.io/v1alpha1
kind: Backend
metadata: {{name: far}}
spec: {{endpoints: [{{fqdn: {{hostname: {hostname}, port: 80}}}}]}}
"""
SECRET = """
apiVersion: v1
kind: Secret
metadata: {{name: cert}}
type: kubernetes.io/tls
data: {{tls.crt: {chain}, tls.key: {key}}}
"""
REGEX = "{{matches: [{{path: {{type: RegularExpression, value: '{value}'}}}}], backendRefs: [{{name: cart, port: 80}}]}}"
TO_CART = "{matches: [{path: {type: PathPrefix, value: /cart}}], backendRefs: [{name: cart, port: 80}]}"
TO_FAR = "{matches: [{path: {type: PathPrefix, value: /far}}], backendRefs: [{group: pointsman.io, kind: Backend, name: far}]}"
GOOD, OTHER = pair(), pair()


def never_warm(row: Cluster) -> bytes:
    """A bug of ours, for one host only."""
    made = EnvoyCluster.FromString(CLUSTER(row))
    if any(one.address == "odd.example.com" for one in row.endpoints):
        made.connect_timeout.seconds = 0
    return data(made)


CLUSTER = upstreams.cluster


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "entry_findings", lambda _: iter(()))
    monkeypatch.setattr(rules, "rule_findings", lambda *_: [])
    monkeypatch.setattr(upstreams, "endpoint_faults", lambda *_: {})
    for each in (rules, upstreams):
        monkeypatch.setattr(each, "broken", lambda *_: [])
    monkeypatch.setattr(upstreams, "cluster", never_warm)
    monkeypatch.setattr(gateways, "pair_problem", lambda _: "")


class World:
    def __init__(self, path: Path, cart: int) -> None:
        self.folder, self.port, self.cart = Folder(path / "files"), free_port(), cart
        self.app = App(Settings(files=str(self.folder.path), xds="127.0.0.1:0"), logger("none"))
        self.admin = Admin(self.app)

    def base(self) -> None:
        self.folder.save("base", BASE)
        self.folder.save("edge", GATEWAY.format(name="edge", port=self.port, more=HTTP))
        self.folder.save("secured", GATEWAY.format(name="secured", port=free_port(), more=HTTPS))
        self.folder.save("cart", SLICE.format(name="cart-good", port=self.cart, address="127.0.0.1"))
        self.folder.save("far", BACKEND.format(hostname="localhost"))
        self.folder.route("good", TO_CART)
        self.folder.route("far", TO_FAR)
        self.secret(GOOD, GOOD)

    def secret(self, chain: dict[str, bytes], key: dict[str, bytes]) -> None:
        told = {"chain": b64encode(chain["tls.crt"]).decode(), "key": b64encode(key["tls.key"]).decode()}
        self.folder.save("cert", SECRET.format(**told))

    def endpoint(self, address: str) -> None:
        """Past the door, which would not let it in."""
        one = decoded(yaml.safe_load(SLICE.format(name="cart-bad", port=self.cart, address=address)))
        self.app.store.put([Change("EndpointSlice", one.key, one)])
        self.app.translation.wake()

    async def status(self) -> dict[str, Any]:
        async with aiohttp.ClientSession() as session, session.get(f"http://{self.admin.address}/status") as answer:
            return dict(json.loads(await answer.text()))

    async def says(self, *wanted: tuple[str, str, str], condition: str = "", on: str = "") -> str:
        """Wait until the findings are these and no others, and no condition but of this type, of those objects, speaks of Envoy.

        What that condition says. `on`: the Gateway that has it, where the object itself has no conditions.
        """

        async def same() -> bool:
            return {(one["code"], one["kind"], one["key"]) for one in (await self.status())["findings"]} == set(wanted)

        try:
            await wait_until(same, what=f"findings {wanted}")
        except AssertionError as error:
            error.add_note(str((await self.status())["findings"]))
            raise
        told = [one for each in (await self.status())["objects"] for one in spoken(each)]
        objects = {("Gateway", on)} if on else {(kind, key) for _, kind, key in wanted}
        assert {one[:3] for one in told} == ({(*each, condition) for each in objects} if condition else set())
        return told[0][-1] if told else ""

    async def answers(self, envoy: Envoy, path: str, status: int) -> None:
        async def same() -> bool:
            return (await envoy.fetch(self.port, path, host="shop.example.com")).status == status

        await wait_until(same, what=f"{status} at {path}")


def spoken(one: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Conditions of an object, on all its levels, that tell of a refusal."""
    status, key = one.get("status", {}), f"default/{one['metadata']['name']}"
    for level in (status, *status.get("listeners", ()), *status.get("parents", ())):
        for each in level.get("conditions", ()):
            if "PM060" in each["message"]:
                yield one["kind"], key, each["type"], each["message"]


@contextlib.asynccontextmanager
async def running(path: Path, *, sotw: bool) -> AsyncIterator[tuple[World, Envoy]]:
    async with backend("hello") as cart:
        world = World(path, cart)
        world.base()
        await world.app.start()
        await world.admin.start("127.0.0.1:0")
        try:
            await world.app.synced.wait()
            async with Envoy(bootstrap(world.app.xds, modules=(), sotw=sotw), path) as envoy:
                await envoy.ready()
                await world.answers(envoy, "/cart", 200)
                yield world, envoy
        finally:
            await world.admin.stop()
            await world.app.stop()


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("sotw", [False, True], ids=["delta", "sotw"])
async def test_object_that_envoy_refuses_says_so_alone_and_heals_when_it_changes(tmp_path: Path, sotw: bool) -> None:
    async with running(tmp_path, sotw=sotw) as (world, envoy):
        await a_route(world, envoy)
        await an_endpoint(world, envoy)
        await a_port(world)
        await an_upstream(world)
        await a_certificate(world)
        await world.answers(envoy, "/cart", 200)
        assert not world.app.feedback.rows
        text = world.app.metrics.text().decode()
        assert "pointsman_quarantined 0.0" in text
        assert 'pointsman_xds_refused_total{type="type.googleapis.com/envoy.config.route.v3.RouteConfiguration"} 2.0' in text


async def a_route(world: World, envoy: Envoy) -> None:
    """A new one is left out, and of a changed one the older state is served; the other rule of the object is in force."""
    bad = ("HTTPRoute", "default/bad")
    world.folder.route("bad", REGEX.format(value="/a(b"), TO_CART.replace("/cart", "/c"))
    said = await world.says(("PM0605", *bad), condition="PartiallyInvalid")
    assert "PM0605" in said
    assert "missing )" in said
    await world.answers(envoy, "/c", 200)
    world.folder.route("bad", REGEX.format(value="/a.b"))
    await world.says()
    await world.answers(envoy, "/axb", 200)
    world.folder.route("bad", REGEX.format(value="/a.b)"))
    assert (await world.says(("PM0606", *bad), condition="PartiallyInvalid")).startswith("Fall Back")
    await world.answers(envoy, "/axb", 200)
    world.folder.delete("route-bad")
    await world.says()


async def an_endpoint(world: World, envoy: Envoy) -> None:
    """Told to its slice, which has no conditions; the others of the Service are used."""
    world.endpoint("999.0.0.1")
    await world.says(("PM0605", "EndpointSlice", "default/cart-bad"))
    await world.answers(envoy, "/cart", 200)
    world.endpoint("127.0.0.1")
    await world.says()


async def a_port(world: World) -> None:
    """No check of ours could know that another program has it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        world.folder.save("other", GATEWAY.format(name="other", port=taken.getsockname()[1], more=HTTP))
        said = await world.says(("PM0608", "Gateway", "default/other"), condition="Programmed")
        assert "Address already in use" in said
        world.folder.save("other", GATEWAY.format(name="other", port=free_port(), more=HTTP))
        await world.says()


async def an_upstream(world: World) -> None:
    world.folder.save("far", BACKEND.format(hostname="odd.example.com"))
    assert "ConnectTimeout" in await world.says(("PM0606", "Backend", "default/far"), condition="Programmed")
    world.folder.save("far", BACKEND.format(hostname="localhost"))
    await world.says()


async def a_certificate(world: World) -> None:
    """A Secret has no conditions: the listener that presents it says that its reference is no good, and serves what it had."""
    world.secret(GOOD, OTHER)
    await world.says(("PM0606", "Secret", "default/cert"), condition="ResolvedRefs", on="default/secured")
    world.secret(OTHER, OTHER)
    await world.says()
