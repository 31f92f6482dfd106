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
from typing import Any

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

    def gateway(self, name: str, tunnels: str = "", requests: int = 0) -> Envoy:
        """A gateway of tunnels, with a folder of its own for each life."""
        (self.root / name).mkdir()
        at = f"127.0.0.1:{requests or self.requests}"
        config = gateway(Gateway(tunnels=tunnels or self.tunnels, requests=at, tls=str(self.root / "gateway"), admin="127.0.0.1:0"))
        return Envoy(config, self.root / name, workers=WORKERS)

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


def mallory(at: World) -> dict[str, Any]:
    """Who has a certificate of his own, and says that he is alice."""
    who = Client(str(at.root / "other"), "tunnels.example")
    return laptop(Laptop(claim="cart.alice.default", gateways=(at.tunnels,), who=who, port=at.local))


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
            async with at.gateway("third") as third, Envoy(mallory(at), at.root / "other"):
                await wait_until(lambda: third.stat("reverse_tunnel.handshake.validation_failed"))
                assert await at.says() == "baseline"


@pytest.mark.e2e
async def test_laptop_dials_each_gateway_and_requests_come_over_any(tmp_path: Path) -> None:
    certificates(tmp_path)
    async with AsyncExitStack() as stack:
        places = [(f"127.0.0.1:{free_port()}", free_port()) for _ in "ab"]
        (first, _), (second, requests) = places
        local = await socket_backend(stack, "laptop")
        at = World(tmp_path, 0, first, local, 0, Envoy({}, tmp_path), 0)
        await stack.enter_async_context(at.gateway("lasting", second, requests))
        async with at.connected("--reach", second) as mine:
            await told(mine, f"over {WORKERS} of {2 * WORKERS} tunnels")
            await every_worker_answers(requests)
            async with at.gateway("passing", *places[0]):
                await told(mine, "here\n")
                await every_worker_answers(places[0][1])
            await told(mine, f"over {WORKERS} of {2 * WORKERS} tunnels")
            await every_worker_answers(requests)


async def every_worker_answers(port: int) -> None:
    """Requests for alice's `cart`, as proxies make them, over connections that all workers of the gateway have their part of."""
    for _ in range(10 * WORKERS):
        assert await ask(port, "shop", [("x-pointsman-tunnel", "cart.alice.default")]) == (200, "laptop")
