"""Sandboxes with a real Envoy: three services in a row, each behind the gateway, which forward `baggage` and nothing else.

That it is enough shows that the gateway writes every spelling of a key from the one that came.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.backends import WITH_MODULES
from tests.e2e.envoy import Envoy, bootstrap
from tests.e2e.folder import Folder
from tests.e2e.load import Load, Target
from tests.e2e.sandbox_looks import (
    BACKENDS,
    SECRET,
    look_at_certificates,
    look_at_signed_keys,
    look_at_sources,
    look_at_streams,
    look_at_web_sockets,
)
from tests.e2e.server import Server
from tests.ports import free_port
from tests.waiting import wait_until
from xds.security import issuing
from xds.security.issuing import Pair

Headers = Sequence[tuple[str, str]]

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: pointsman}}
spec: {{controllerName: pointsman.io/gateway-controller}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: edge}}
spec:
  gatewayClassName: pointsman
  listeners:
  - {{name: http, port: {port}, protocol: HTTP}}
  - {{name: signed, port: {signed}, protocol: HTTP}}
  - {{name: near, port: {near}, protocol: HTTP}}
  - {{name: known, port: {known}, protocol: HTTPS, tls: {{certificateRefs: [{{name: cert}}]}}}}
  tls: {{frontend: {{default: {{validation: {{caCertificateRefs: [{{group: "", kind: ConfigMap, name: ca}}]}}}}}}}}
---
apiVersion: pointsman.io/v1alpha1
kind: RouteGroup
metadata: {{name: known}}
spec:
  parentRefs: [{{name: edge, sectionName: known}}]
  admission: {{certificates: ["ci.example.com", "spiffe://example.com/ns/ci/sa/runner"]}}
  routes: [{{targetSandbox: alice, routingKey: alice}}]
---
apiVersion: pointsman.io/v1alpha1
kind: RouteGroup
metadata: {{name: signed}}
spec:
  parentRefs: [{{name: edge, sectionName: signed}}]
  admission: {{mode: Signed, secrets: [team]}}
  routes: [{{targetSandbox: alice, routingKey: alice}}]
---
apiVersion: pointsman.io/v1alpha1
kind: RouteGroup
metadata: {{name: near}}
spec:
  parentRefs: [{{name: edge, sectionName: near}}]
  admission: {{sources: [127.0.0.2/32]}}
  routes: [{{targetSandbox: alice, routingKey: alice}}]
---
apiVersion: pointsman.io/v1alpha1
kind: Sandbox
metadata: {{name: streams}}
spec: {{services: [{{name: g, targetRef: {{name: g-fork}}}}, {{name: w, targetRef: {{name: w-fork}}}}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {{name: g}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [g.example.com]
  rules: [{{backendRefs: [{{name: g, port: 80}}]}}]
---
apiVersion: pointsman.io/v1alpha1
kind: RouteGroup
metadata: {{name: previews}}
spec:
  parentRefs: [{{name: edge, sectionName: http}}]
  previewHosts: ["*.preview.example.com", "*.c.example.com"]
  admission: {{mode: All}}
  selector: {{}}
  endpoints: [{{name: shop, hostname: shop.preview.example.com, routingKey: alice}}]
  routes:
  - {{targetSandbox: alice, routingKey: ruled, paths: [{{prefix: /b}}], headers: {{V: "2"}}, additionalHeaders: {{x-env: ruled}}}}
  - {{targetSandbox: refusing, routingKey: ruled, paths: [{{prefix: /r}}]}}
  - {{targetSandbox: bob, routingKey: half, weight: 50}}
"""
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: ["{host}"]
  rules: [{{backendRefs: [{{name: {name}, port: 80}}]}}]
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
endpoints: [{endpoints}]
"""
SANDBOX = """
apiVersion: pointsman.io/v1alpha1
kind: Sandbox
metadata: {{name: {key}}}
spec: {{services: [{{name: {service}, targetRef: {{name: {target}}}}}]}}
"""
BASELINE = "a>b>c"
SPELLINGS = [
    ("X-Route-Key", "alice"),
    ("x-routing-key", "alice"),
    ("ot-baggage-sd-routing-key", "alice"),
    ("uberctx-sd-routing-key", "alice"),
]
SPELLINGS += [("baggage", "user=7, sd-routing-key=alice;p=1"), ("tracestate", "v=1,sd-routing-key=alice")]


async def ask(port: int, host: str, headers: Headers = (), path: str = "/", source: str = "127.0.0.1", tls: Any = None) -> tuple[int, str]:
    """Status and body of one request on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0), ssl=tls)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{lines}\r\n".encode())
    try:
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    finally:
        writer.close()
    return int(head.split(" ", 2)[1]), body


@dataclass
class World:
    folder: Folder
    port: int
    stack: AsyncExitStack
    signed: int = field(default_factory=free_port)
    near: int = field(default_factory=free_port)
    known: int = field(default_factory=free_port)
    authority: Pair = field(default_factory=lambda: issuing.authority("ca", "example.com", datetime.now(UTC), 1))

    async def hop(self, name: str, follows: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A service that says its name, and what the one after it says."""
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode("latin-1"):
                kept = [("baggage", line.partition(": ")[2]) for line in head.split("\r\n") if line.lower().startswith("baggage: ")]
                added = "".join(f"+{line.partition(': ')[2]}" for line in head.split("\r\n") if line.lower().startswith("x-env: "))
                said = f"{name}{added}>{(await ask(self.port, follows, kept))[1]}" if follows else name
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(said)}\r\n\r\n{said}".encode())
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    async def service(self, name: str, follows: str = "") -> None:
        server = await asyncio.start_server(lambda reader, writer: self.hop(name, follows, reader, writer), "127.0.0.1", 0)
        self.stack.callback(server.close)
        self.endpoint(name, server.sockets[0].getsockname()[1])

    def endpoint(self, name: str, port: int, endpoints: str = "{addresses: [127.0.0.1]}") -> None:
        self.folder.save(f"service-{name}", SERVICE.format(name=name, port=port, endpoints=endpoints))

    def sandbox(self, key: str, service: str, target: str) -> None:
        self.folder.save(f"sandbox-{key}", SANDBOX.format(key=key, service=service, target=target))

    async def says(self, *headers: tuple[str, str], host: str = "a.example.com", path: str = "/") -> tuple[int, str]:
        return await ask(self.port, host, headers, path)

    async def becomes(self, key: str, wanted: str) -> None:
        async def is_so() -> bool:
            try:
                return await self.says(("X-Route-Key", key)) == (200, wanted)
            except (OSError, IndexError):  # Envoy is ready a moment before its workers listen
                return False

        await wait_until(is_so, 30, f"{key} to be answered by {wanted}")


@asynccontextmanager
async def world(at: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        found = World(Folder(at / "config"), free_port(), stack)
        found.folder.save("gateway", GATEWAY.format(port=found.port, signed=found.signed, near=found.near, known=found.known))
        found.folder.save("route-w", ROUTE.format(name="w", host="w.example.com"))
        for name, backend in BACKENDS:
            found.endpoint(name, await backend(stack, name))
        (at / "team").write_bytes(SECRET)
        shown = issuing.server(found.authority, ["127.0.0.1"], datetime.now(UTC), 1)
        secret = {"tls.crt": b64encode(shown.pem).decode(), "tls.key": b64encode(shown.key).decode()}
        head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cert"}}
        found.folder.save("cert", yaml.safe_dump({**head, "type": "kubernetes.io/tls", "data": secret}))
        ca = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.crt": found.authority.pem.decode()}}
        found.folder.save("ca", yaml.safe_dump(ca))
        for name, follows in (("a", "b.example.com"), ("b", "c.example.com"), ("c", "")):
            await found.service(name, follows)
            found.folder.save(f"route-{name}", ROUTE.format(name=name, host=f"{name}.example.com"))
        found.folder.save(
            "route-preview", ROUTE.format(name="a", host="*.preview.example.com").replace("name: a}\nspec", "name: preview}\nspec")
        )
        await found.service("b-alice", "c.example.com")
        await found.service("c-bob")
        found.endpoint("b-silent", 1, endpoints="")
        found.endpoint("b-refusing", free_port())
        for key, service, target in (
            ("alice", "b", "b-alice"),
            ("bob", "c", "c-bob"),
            ("silent", "b", "b-silent"),
            ("refusing", "b", "b-refusing"),
        ):
            found.sandbox(key, service, target)
        server = await stack.enter_async_context(Server(found.folder.path, at / "server.log"))
        envoy = await stack.enter_async_context(Envoy(bootstrap(server.xds), at, env={**WITH_MODULES, "POINTSMAN_KEYS": str(at)}))
        await envoy.ready()
        await found.becomes("bob", "a>b>c-bob")
        yield found


async def look_at_spellings(at: World) -> None:
    assert await at.says() == (200, BASELINE)
    for spelled in SPELLINGS:
        assert await at.says(spelled) == (200, "a>b-alice>c"), spelled
    assert await at.says(*SPELLINGS) == (200, "a>b-alice>c")
    assert await at.says(SPELLINGS[0], SPELLINGS[0]) == (200, "a>b-alice>c")
    assert await at.says(host="alice.preview.example.com") == (200, "a>b-alice>c")
    assert await at.says(host="BOB.preview.example.com") == (200, "a>b>c-bob")


async def look_at_keys_that_are_not_one(at: World) -> None:
    bob = ("X-Route-Key", "bob")
    for headers in (
        [SPELLINGS[0], bob],
        [SPELLINGS[0], ("baggage", "sd-routing-key=bob")],
        [("X-Route-Key", "alice,bob")],
        [("X-Route-Key", "A")],
    ):
        assert (await at.says(*headers))[0] == 400, headers
    assert (await at.says(bob, host="alice.preview.example.com"))[0] == 400
    assert await at.says(("x-route-key-error", "1")) == (200, BASELINE)


async def look_at_forks_that_cannot_answer(at: World) -> None:
    for key in ("nobody", "silent", "refusing"):
        assert await at.says(("X-Route-Key", key)) == (200, BASELINE), key
    assert await at.says(SPELLINGS[0], ("x-envoy-attempt-count", "2")) == (200, "a>b-alice>c")


async def look_at_rules(at: World) -> None:
    key, fits = ("X-Route-Key", "ruled"), ("v", "2")

    async def direct(*headers: tuple[str, str], path: str = "/b/x") -> str:
        return (await at.says(key, *headers, host="b.example.com", path=path))[1]

    assert await direct(fits) == "b-alice+ruled>c"
    assert await direct(fits, path="/b?q=/x") == "b-alice+ruled>c"
    for headers, path in (((), "/b"), ((fits,), "/bb"), ((fits,), "/"), ((("v", "3"),), "/b"), ((fits,), "/r")):
        assert await direct(*headers, path=path) == "b>c", (headers, path)
    drawn = [(await at.says(("X-Route-Key", "half"), host="c.example.com"))[1] for _ in range(40)]
    assert set(drawn) == {"c", "c-bob"}
    assert await at.says(host="shop.preview.example.com") == (200, "a>b-alice>c")
    assert (await at.says(("X-Route-Key", "bob"), host="shop.preview.example.com"))[0] == 400


async def change_keys_under_load(at: World) -> None:
    hosts = ["a.example.com", "alice.preview.example.com", "carol.preview.example.com", "refusing.preview.example.com"]
    async with Load([Target(at.port, host=host) for host in hosts], rate=30) as load:
        for _ in range(5):
            at.sandbox("carol", "b", "b-alice")
            await at.becomes("carol", "a>b-alice>c")
            at.folder.delete("sandbox-carol")
            await at.becomes("carol", BASELINE)
    assert load.failed == []
    assert set(load.answers) <= {BASELINE, "a>b-alice>c"}


@pytest.mark.e2e
async def test_key_leads_through_three_services_to_its_forks_and_nowhere_else(tmp_path: Path) -> None:
    async with world(tmp_path) as at:
        await look_at_spellings(at)
        await look_at_keys_that_are_not_one(at)
        await look_at_forks_that_cannot_answer(at)
        await look_at_rules(at)
        await look_at_signed_keys(ask, at.signed)
        await look_at_sources(ask, at.near)
        await look_at_certificates(ask, at.known, at.authority, tmp_path)
        await look_at_streams(at.port)
        await look_at_web_sockets(at.port)
        await change_keys_under_load(at)
