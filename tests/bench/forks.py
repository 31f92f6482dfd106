"""A server and an Envoy of its own with N routing keys, all of which lead to one fork: what B17 measures, several side by side.

What answers is an Envoy too, which answers by itself, so that nothing behind the gateway has bad moments of its own.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from protos.v3 import HttpConnectionManager, Listener, Router, pack
from tests.bench.paired import Asker
from tests.e2e.backends import WITH_MODULES
from tests.e2e.envoy import Envoy
from tests.e2e.folder import Folder
from tests.e2e.server import Server
from tests.ports import free_port
from tests.waiting import wait_until
from xds.bootstrap import XDS_CLUSTER, Bootstrap, bootstrap

HOST = "shop.example.com"
EACH = 1_000  # Sandboxes of a file
BASE, FORK = "base", "fork"
WORLD = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{{{name: pointsman}}}}
spec: {{{{controllerName: pointsman.io/gateway-controller}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{{{name: edge}}}}
spec: {{{{gatewayClassName: pointsman, listeners: [{{{{name: http, port: {{port}}, protocol: HTTP}}}}]}}}}
---
apiVersion: pointsman.io/v1alpha1
kind: RouteGroup
metadata: {{{{name: previews}}}}
spec: {{{{parentRefs: [{{{{name: edge}}}}], admission: {{{{mode: All}}}}, previewHosts: ["*.{HOST}"], selector: {{{{}}}}}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{{{name: shop}}}}
spec:
  parentRefs: [{{{{name: edge}}}}]
  hostnames: [{HOST}, "*.{HOST}"]
  rules: [{{{{backendRefs: [{{{{name: {BASE}, port: 80}}}}]}}}}]
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{ports: [{{name: http, port: 80}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}-1, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
ports: [{{name: http, port: {port}}}]
endpoints: [{{addresses: [127.0.0.1]}}]
"""
SANDBOX = f"""
apiVersion: pointsman.io/v1alpha1
kind: Sandbox
metadata: {{{{name: {{key}}}}}}
spec: {{{{services: [{{{{name: {BASE}, targetRef: {{{{name: {FORK}}}}}}}}}]}}}}
"""


@dataclass
class Side:
    folder: Folder
    port: int
    keys: int
    server: Server
    envoy: Envoy

    def come(self, key: str) -> None:
        self.folder.save(f"key-{key}", SANDBOX.format(key=key))

    def go(self, key: str) -> None:
        self.folder.delete(f"key-{key}")

    async def becomes(self, key: str, name: str) -> None:
        def is_so() -> bool:
            try:
                with Asker(self.port, HOST) as asker:
                    return asker.ask(key) == name
            except OSError:  # Envoy is ready a moment before its workers listen
                return False

        await wait_until(is_so, 300, f"{key} to be answered by {name}")

    async def received(self) -> int:
        """Bytes that its Envoy was sent by the server."""
        return await self.envoy.stat(f"cluster.{XDS_CLUSTER}.upstream_cx_rx_bytes_total")

    async def memory(self) -> float:
        """KiB that its Envoy has allocated."""
        return int(json.loads((await self.envoy.admin("/memory")).body)["allocated"]) / 1024


async def side(stack: AsyncExitStack, at: Path, answers: dict[str, int], keys: int) -> Side:
    """Once its last key is served."""
    await asyncio.to_thread(at.mkdir)
    folder, port = Folder(at / "config"), free_port()
    folder.save("world", WORLD.format(port=port))
    for name, answering in answers.items():
        folder.save(name, SERVICE.format(name=name, port=answering))
    for start in range(0, keys, EACH):
        folder.save(f"keys-{start}", "---".join(SANDBOX.format(key=f"k{number}") for number in range(start, min(start + EACH, keys))))
    server = await stack.enter_async_context(Server(folder.path, at / "server.log"))
    config = bootstrap(Bootstrap(xds=server.xds, admin="127.0.0.1:0", modules=("shard",)))
    envoy = await stack.enter_async_context(Envoy(config, at, env=WITH_MODULES))
    await envoy.ready(120)
    found = Side(folder, port, keys, server, envoy)
    await found.becomes(f"k{keys - 1}", FORK)
    return found


def answering(name: str) -> Listener:
    """Says its name to whatever it is asked."""
    manager = HttpConnectionManager(stat_prefix=name)
    answer = manager.route_config.virtual_hosts.add(name=name, domains=["*"]).routes.add(match={"prefix": "/"}).direct_response
    answer.status, answer.body.inline_string = 200, name
    manager.http_filters.add(name="envoy.filters.http.router").typed_config.CopyFrom(pack(Router()))
    made = Listener(name=name)
    made.address.socket_address.address, made.address.socket_address.port_value = "127.0.0.1", 0
    made.filter_chains.add().filters.add(name="http").typed_config.CopyFrom(pack(manager))
    return made
