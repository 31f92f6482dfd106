"""A port of a laptop as the fork, over a tunnel that the laptop makes: the gateway of tunnels, `pointsman sandbox connect`, and an edge
that leads a key there. Nothing that is asked is ever answered by an error, whoever of them is missing.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import pytest

from tests.e2e.backends import WITH_MODULES
from tests.e2e.envoy import Envoy, bootstrap
from tests.e2e.folder import Folder
from tests.e2e.sandbox_looks import chat, grpc_backend, socket_backend, talk
from tests.e2e.server import Server
from tests.e2e.test_sandboxes import SERVICE, ask
from tests.ports import free_port
from tests.waiting import wait_until
from xds.bootstrap import Client
from xds.cli.commands import run
from xds.laptops.tunnel import WORKERS, Gateway, Laptop, gateway, laptop
from xds.security.issuing import load, server

SHOP = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: pointsman}}
spec: {{controllerName: pointsman.io/gateway-controller}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: edge}}
spec: {{gatewayClassName: pointsman, listeners: [{{name: http, port: {edge}, protocol: HTTP}}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: cart}}
spec: {{parentRefs: [{{name: edge}}], rules: [{{backendRefs: [{{name: cart, port: 80}}]}}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {{name: talk}}
spec: {{parentRefs: [{{name: edge}}], hostnames: [g.example.com], rules: [{{backendRefs: [{{name: talk, port: 80}}]}}]}}
---
apiVersion: pointsman.io/v1alpha1
kind: RouteGroup
metadata: {{name: previews}}
spec: {{parentRefs: [{{name: edge}}], admission: {{mode: All}}}}
---
apiVersion: pointsman.io/v1alpha1
kind: Sandbox
metadata: {{name: alice}}
spec:
  services:
  - {{name: cart, targetRef: {{kind: LocalWorkload, name: alices-laptop}}}}
  - {{name: talk, targetRef: {{kind: LocalWorkload, name: alices-calls}}}}
---
apiVersion: pointsman.io/v1alpha1
kind: LocalWorkload
metadata: {{name: alices-calls}}
spec: {{sandboxRef: {{name: alice}}, service: {{name: talk}}, connection: {{target: "127.0.0.1:{requests}"}}}}
---
apiVersion: sandbox.example.com/v1alpha1
kind: LocalWorkload
metadata: {{name: alices-laptop}}
spec:
  sandboxRef: {{name: alice}}
  service: {{name: cart, ports: [{{containerPort: 80, localPort: 3000}}]}}
  connection: {{target: "127.0.0.1:{requests}", timeout: 10}}
"""

BASELINES = {"cart": "baseline", "talk": "calls"}


@dataclass
class World:
    root: Path
    edge: int
    tunnels: str
    local: int
    calls: int  # the laptop's gRPC port
    envoy: Envoy
    requests: int
    statuses: set[int] = field(default_factory=set)

    async def says(self, key: str = "alice") -> str:
        reply = await self.envoy.fetch(self.edge, x_route_key=key)
        self.statuses.add(reply.status)
        return reply.body

    async def becomes(self, wanted: str) -> None:
        async def is_so() -> bool:
            return await self.says() == wanted

        await wait_until(is_so, 90, f"alice to be answered by {wanted}")

    @asynccontextmanager
    async def connected(self, *options: str, service: str = "cart") -> AsyncIterator[asyncio.subprocess.Process]:
        """As a developer does it: `pointsman sandbox connect`."""
        port, claim = (self.local, "claim") if service == "cart" else (self.calls, "calls")
        where = ["--reach", self.tunnels, "--tls", str(self.root / claim), *options]
        command = ["sandbox", "connect", "alice", service, str(port), *where]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "xds", *command, "--server-name", "tunnels.example", stdout=asyncio.subprocess.PIPE
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()

    def gateway(self, name: str, tunnels: str = "", requests: int = 0, workers: int = WORKERS) -> Envoy:
        """A gateway of tunnels, with a folder of its own for each life."""
        (self.root / name).mkdir()
        at, admin = f"127.0.0.1:{requests or self.requests}", f"127.0.0.1:{free_port()}"
        config = gateway(Gateway(tunnels=tunnels or self.tunnels, requests=at, tls=str(self.root / "gateway"), admin=admin))
        return Envoy(config, self.root / name, workers=workers)

    async def look_at_streams(self) -> None:
        """Over the tunnel, both ways, message by message."""
        await chat(self.edge, "laptop", X_Route_Key="alice")
        await chat(self.edge, "baseline")
        async with self.connected("--grpc", service="talk") as mine:
            await talk(self.edge, "calls")
            await told(mine, "connected: talk of Sandbox alice")
            await talk(self.edge, "alices-calls", ("x-route-key", "alice"))
            await talk(self.edge, "calls")
        await talk(self.edge, "calls", ("x-route-key", "alice"))


async def told(process: asyncio.subprocess.Process, wanted: str) -> None:
    assert process.stdout
    async with asyncio.timeout(90):
        while wanted not in (line := (await process.stdout.readline()).decode()):
            assert line, f"it ended without saying: {wanted}"


def certificates(at: Path) -> None:
    """A CA, the gateway's own, and what alice and mallory may claim."""
    assert run(["certs", str(at / "ca")]) == 0
    bundle = (at / "ca" / "ca.crt").read_bytes()
    pair = server(load(bundle, (at / "ca" / "ca.key").read_bytes()), ["tunnels.example"], datetime.now(UTC), 1)
    (at / "gateway").mkdir()
    for name, content in (("tls.crt", pair.pem), ("tls.key", pair.key), ("ca.crt", bundle)):
        (at / "gateway" / name).write_bytes(content)
    for which, place in (("default/alice/cart", "claim"), ("default/alice/talk", "calls"), ("default/mallory/cart", "other")):
        assert run(["sandbox", "claim", which, str(at / place), "--ca", str(at / "ca")]) == 0


@asynccontextmanager
async def world(at: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        certificates(at)
        edge, requests, folder = free_port(), free_port(), Folder(at / "config")
        folder.save("shop", SHOP.format(edge=edge, requests=requests))
        for name, backend in (("cart", socket_backend), ("talk", grpc_backend)):
            port = await backend(stack, BASELINES[name])
            folder.save(name, SERVICE.format(name=name, port=port, endpoints="{addresses: [127.0.0.1]}"))
        local, calls = await socket_backend(stack, "laptop"), await grpc_backend(stack, "alices-calls")
        server = await stack.enter_async_context(Server(folder.path, at / "server.log"))
        (at / "edge").mkdir()
        envoy = await stack.enter_async_context(Envoy(bootstrap(server.xds), at / "edge", env=WITH_MODULES))
        await envoy.ready()
        found = World(at, edge, f"127.0.0.1:{free_port()}", local, calls, envoy, requests)
        await found.becomes("baseline")
        found.statuses.clear()
        yield found


def mallory(at: World, claim: str, node: str) -> Envoy:
    """Who has a certificate of his own, and says that he is alice, or calls himself by her name."""
    who = Client(str(at.root / "other"), "tunnels.example")
    config = laptop(Laptop(claim=claim, node=node, gateways=(at.tunnels,), who=who, port=at.local))
    (at.root / f"mallory-{node}").mkdir()
    return Envoy(config, at.root / f"mallory-{node}")


@pytest.mark.e2e
async def test_laptop_answers_while_it_is_connected_and_the_baseline_at_all_other_times(tmp_path: Path) -> None:
    async with world(tmp_path) as at:
        assert await at.says() == "baseline", "without any gateway of tunnels"
        async with at.gateway("first") as first:
            await at.becomes("baseline")
            async with at.connected() as mine:
                await at.becomes("laptop")
                assert await at.says("bob") == "baseline"
                await told(mine, "connected: cart of Sandbox alice is port")
                await at.look_at_streams()
                mine.kill()
                await mine.wait()
                await at.becomes("baseline")
            async with at.connected():
                await at.becomes("laptop")
                assert at.statuses == {200}
                await first.kill()
                await at.becomes("baseline")
                async with at.gateway("second"):
                    await at.becomes("laptop")
            async with at.gateway("third") as third, mallory(at, "cart.alice.default", "alice"):
                await wait_until(lambda: third.stat("reverse_tunnel.handshake.validation_failed"))
                async with mallory(at, "cart.mallory.default", "cart.alice.default") as let_in:
                    await wait_until(lambda: has(let_in, WORKERS))
                    assert await at.says() == "baseline"


@pytest.mark.e2e
async def test_laptop_dials_each_gateway_as_often_as_one_has_workers_and_requests_come_over_any(tmp_path: Path) -> None:
    certificates(tmp_path)
    async with AsyncExitStack() as stack:
        places = [(f"127.0.0.1:{free_port()}", free_port()) for _ in "ab"]
        (first, _), (second, requests) = places
        local = await socket_backend(stack, "laptop")
        at = World(tmp_path, 0, first, local, 0, Envoy({}, tmp_path), 0)
        await stack.enter_async_context(at.gateway("lasting", second, requests, workers=6))
        async with at.connected("--reach", second) as mine:
            await told(mine, "over 6 of 12 tunnels")
            await every_worker_answers(requests)
            async with at.gateway("passing", *places[0], workers=2):
                await told(mine, "here\n")
                await every_worker_answers(places[0][1])
            await told(mine, "over 6 of 12 tunnels")
            await every_worker_answers(requests)


@pytest.mark.e2e
async def test_every_worker_has_a_tunnel_whoever_was_connected_before_and_whichever_tunnel_was_cut(tmp_path: Path) -> None:
    """Envoy gives a tunnel to the worker that was given fewest of its node, and does not forget those that are gone."""
    certificates(tmp_path)
    async with AsyncExitStack() as stack:
        tunnels, requests = f"127.0.0.1:{free_port()}", free_port()
        local = await socket_backend(stack, "laptop")
        relay = await stack.enter_async_context(Relay(tunnels))
        at = World(tmp_path, 0, relay.address, local, 0, Envoy({}, tmp_path), requests)
        await stack.enter_async_context(at.gateway("ends", tunnels))
        for odd in (1, 2):
            async with alice(at, f"odd-{odd}", tunnels, odd) as one:
                await wait_until(lambda one=one, odd=odd: has(one, odd), 60, "the tunnels")
        async with at.connected() as mine:
            await told(mine, "here\n")
            await every_worker_answers(requests)
            for _ in range(2):
                relay.cut()
                await every_worker_answers(requests)


async def has(one: Envoy, tunnels: int) -> bool:
    return await one.stat("http.tunnel.downstream_cx_active") == tunnels


def alice(at: World, node: str, where: str, tunnels: int) -> Envoy:
    (at.root / node).mkdir()
    who = Client(str(at.root / "claim"), "tunnels.example")
    of = Laptop(claim="cart.alice.default", node=node, gateways=(where,), tunnels=tunnels, who=who, port=at.local)
    return Envoy(laptop(of), at.root / node)


class Relay:
    """Between a laptop and a gateway, with connections that can be cut one by one."""

    def __init__(self, to: str) -> None:
        self._to, self.address = to.rpartition(":"), ""
        self._open: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        while self._open:
            self.cut()

    def cut(self) -> None:
        """One that is there longest."""
        self._open[0].transport.abort()
        self._open.pop(0)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self._to
        try:
            there, back = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        self._open.append(writer)
        await asyncio.gather(passed(reader, back), passed(there, writer))
        if writer in self._open:
            self._open.remove(writer)


async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def every_worker_answers(port: int) -> None:
    """Requests for alice's `cart`, as proxies make them, over connections that all workers of the gateway have their part of."""

    async def all_of_many() -> bool:
        found = {await ask(port, "shop", [("x-pointsman-tunnel", "cart.alice.default")]) for _ in range(60)}
        return found == {(200, "laptop")}

    await wait_until(all_of_many, 90, "a tunnel to every worker")
