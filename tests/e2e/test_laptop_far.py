"""A laptop that nobody can dial, behind a router that hides its address: in a network namespace of its own, as the cluster is."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.backends import WITH_MODULES
from tests.e2e.envoy import Envoy
from tests.e2e.folder import Folder
from tests.e2e.namespaces import Namespaces, missing, namespaces
from tests.e2e.server import Server
from tests.e2e.test_laptop import certificates
from tests.e2e.test_sandboxes import SERVICE
from tests.e2e.test_sidecar import workload
from tests.waiting import wait_until
from xds.bootstrap import Bootstrap, bootstrap
from xds.laptops.tunnel import WORKERS, Gateway, gateway

EDGE, BASELINE, REQUESTS, TUNNELS, LOCAL = 8080, 7000, 8081, 9000, 3000
HIDING = """
table ip hiding {
  chain out { type nat hook postrouting priority 100; oifname "r1" masquerade; }
  chain through { type filter hook forward priority 0; oifname "r2" ct state new reject; }
}
"""
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
apiVersion: pointsman.io/v1alpha1
kind: LocalWorkload
metadata: {{name: alices-laptop}}
spec: {{sandboxRef: {{name: alice}}, service: {{name: cart}}, connection: {{target: "{cluster}:{requests}"}}}}
"""


@dataclass
class World:
    net: Namespaces
    root: Path

    async def says(self, key: str = "alice", upgrade: str = "") -> str:
        """What comes behind the head of an answer, however long it takes."""
        reader, writer = await self.net.connect("cluster", "127.0.0.1", EDGE)
        writer.write(f"GET / HTTP/1.1\r\nHost: shop\r\nX-Route-Key: {key}\r\n{upgrade}\r\n".encode())
        try:
            async with asyncio.timeout(60):
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                if upgrade:
                    writer.write(b"hello")
                    return (await reader.readuntil(b"hello")).decode()
                length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
                return f"{head.split(' ')[1]} {(await reader.readexactly(length)).decode().removesuffix(' baggage')}"
        finally:
            writer.close()

    async def becomes(self, wanted: str) -> None:
        async def is_so() -> bool:
            try:
                return await self.says() == wanted
            except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
                return False

        await wait_until(is_so, 90, f"alice to be answered by {wanted}")

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        where = ["--reach", f"{self.net.addresses['cluster']}:{TUNNELS}", "--tls", str(self.root / "claim")]
        command = [
            sys.executable,
            "-m",
            "xds",
            "sandbox",
            "connect",
            "alice",
            "cart",
            str(LOCAL),
            *where,
            "--server-name",
            "tunnels.example",
        ]
        process = await asyncio.create_subprocess_exec(*self.net.inside("laptop"), *command, stdout=asyncio.subprocess.DEVNULL)
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            await process.wait()


@asynccontextmanager
async def world(at: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        certificates(at)
        net = stack.enter_context(namespaces("cluster", "laptop"))
        net.run("router", "nft", "-f", "-", given=HIDING)
        for place, port, name in (("cluster", BASELINE, "baseline"), ("laptop", LOCAL, "laptop")):
            await stack.enter_async_context(net.serving(place, port, partial(workload, name)))
        folder, cluster = Folder(at / "config"), net.addresses["cluster"]
        folder.save("shop", SHOP.format(edge=EDGE, cluster=cluster, requests=REQUESTS))
        folder.save("cart", SERVICE.format(name="cart", port=BASELINE, endpoints=f"{{addresses: [{cluster}]}}"))
        xds = f"unix:{at}/xds"
        await stack.enter_async_context(Server(folder.path, at / "server.log", "--xds", xds))
        ends = gateway(Gateway(tunnels=f"0.0.0.0:{TUNNELS}", requests=f"0.0.0.0:{REQUESTS}", tls=str(at / "gateway"), admin="127.0.0.1:0"))
        edge = bootstrap(Bootstrap(xds=xds, admin="127.0.0.1:0", modules=("shard",)))
        for name, config, workers in (("edge", edge, 1), ("tunnels", ends, WORKERS)):
            (at / name).mkdir()
            envoy = Envoy(config, at / name, env=WITH_MODULES, inside=net.inside("cluster"), workers=workers)
            await stack.enter_async_context(envoy)
        yield World(net, at)


@pytest.mark.e2e
async def test_laptop_behind_masquerade_answers_until_its_link_is_cut_and_again_when_it_is_back(tmp_path: Path) -> None:
    if why := missing():
        assert not os.environ.get("CI"), why
        pytest.skip(why)
    async with world(tmp_path) as at:
        await at.becomes("200 baseline")
        async with at.connected():
            await at.becomes("200 laptop")
            assert await at.says("bob") == "200 baseline"
            assert (await at.says(upgrade="Connection: Upgrade\r\nUpgrade: websocket\r\n")) == "laptophello"
            with pytest.raises(OSError):
                await at.net.connect("cluster", at.net.addresses["laptop"], LOCAL)
            at.net.run("router", "ip", "link", "set", "r2", "down")
            assert await at.says() == "200 baseline", "nobody said that it is gone: it is found dead, and the baseline is asked"
            at.net.run("router", "ip", "link", "set", "r2", "up")
            await at.becomes("200 laptop")
        await at.becomes("200 baseline")
