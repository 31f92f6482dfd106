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
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.backends import WITH_MODULES, answer
from tests.e2e.envoy import Envoy, bootstrap
from tests.e2e.folder import Folder
from tests.e2e.server import Server
from tests.ports import free_port
from tests.waiting import wait_until
from xds.bootstrap import Client
from xds.cli.commands import run
from xds.laptops.tunnel import Gateway, Laptop, gateway, laptop
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
apiVersion: v1
kind: Service
metadata: {{name: cart}}
spec: {{ports: [{{name: http, port: 80}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: cart-1, labels: {{kubernetes.io/service-name: cart}}}}
addressType: IPv4
ports: [{{name: http, port: {baseline}}}]
endpoints: [{{addresses: [127.0.0.1]}}]
---
apiVersion: pointsman.io/v1alpha1
kind: RouteGroup
metadata: {{name: previews}}
spec: {{parentRefs: [{{name: edge}}], admission: {{mode: All}}}}
---
apiVersion: pointsman.io/v1alpha1
kind: Sandbox
metadata: {{name: alice}}
spec: {{services: [{{name: cart, targetRef: {{kind: LocalWorkload, name: alices-laptop}}}}]}}
---
apiVersion: sandbox.example.com/v1alpha1
kind: LocalWorkload
metadata: {{name: alices-laptop}}
spec:
  sandboxRef: {{name: alice}}
  service: {{name: cart, ports: [{{containerPort: 80, localPort: 3000}}]}}
  connection: {{target: "127.0.0.1:{requests}"}}
"""


@dataclass
class World:
    root: Path
    edge: int
    tunnels: str
    local: int
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

        await wait_until(is_so, 30, f"alice to be answered by {wanted}")

    @asynccontextmanager
    async def connected(self, claim: str = "claim") -> AsyncIterator[asyncio.subprocess.Process]:
        """As a developer does it: `pointsman sandbox connect`."""
        command = ["sandbox", "connect", "alice", "cart", str(self.local), "--reach", self.tunnels, "--tls", str(self.root / claim)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "xds", *command, "--server-name", "tunnels.example", stdout=asyncio.subprocess.PIPE
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()

    def gateway(self, name: str) -> Envoy:
        """The gateway of tunnels, with a folder of its own for each life."""
        (self.root / name).mkdir()
        requests = f"127.0.0.1:{self.requests}"
        config = gateway(Gateway(tunnels=self.tunnels, requests=requests, tls=str(self.root / "gateway"), admin="127.0.0.1:0"))
        return Envoy(config, self.root / name)


async def told(process: asyncio.subprocess.Process, wanted: str) -> None:
    assert process.stdout
    async with asyncio.timeout(30):
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
    for which, place in (("default/alice/cart", "claim"), ("default/mallory/cart", "other")):
        assert run(["sandbox", "claim", which, str(at / place), "--ca", str(at / "ca")]) == 0


@asynccontextmanager
async def world(at: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        certificates(at)
        ports = []
        for name in ("baseline", "laptop"):
            one = await asyncio.start_server(partial(answer, name), "127.0.0.1", 0)
            stack.callback(one.close)
            ports.append(one.sockets[0].getsockname()[1])
        edge, requests, folder = free_port(), free_port(), Folder(at / "config")
        folder.save("shop", SHOP.format(edge=edge, baseline=ports[0], requests=requests))
        server = await stack.enter_async_context(Server(folder.path, at / "server.log"))
        (at / "edge").mkdir()
        envoy = await stack.enter_async_context(Envoy(bootstrap(server.xds), at / "edge", env=WITH_MODULES))
        await envoy.ready()
        found = World(at, edge, f"127.0.0.1:{free_port()}", ports[1], envoy, requests)
        await found.becomes("baseline")
        found.statuses.clear()
        yield found


def mallory(at: World) -> dict[str, Any]:
    """Who has a certificate of his own, and says that he is alice."""
    who = Client(str(at.root / "other"), "tunnels.example")
    return laptop(Laptop(claim="cart.alice.default", gateway=at.tunnels, who=who, port=at.local))


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
