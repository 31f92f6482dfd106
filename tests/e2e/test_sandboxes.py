"""Sandboxes with a real Envoy: three services in a row, each behind the gateway, which forward `baggage` and nothing else.

That it is enough shows that the gateway writes every spelling of a key from the one that came.
"""

from __future__ import annotations

import asyncio
import random
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
from tests.e2e.sandbox_files import CONFIG, LINKS, LISTENERS, look_at_configuration, look_at_links, look_at_listener_set
from tests.e2e.sandbox_http2 import ask_at_once, look_at_connect
from tests.e2e.sandbox_looks import (
    BACKENDS,
    SECRET,
    look_at_certificates,
    look_at_signed_keys,
    look_at_sources,
    look_at_streams,
    look_at_web_sockets,
    talk,
)
from tests.e2e.sandbox_shares import ROUTES as SHARES
from tests.e2e.sandbox_shares import look_at_sticky_shares, look_at_sticky_shares_without_the_module
from tests.e2e.sandbox_unseen import sandboxes, seen, tell
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
  allowedListeners: {{namespaces: {{from: Same}}}}
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
  endpoints: [{{name: shop, hostname: shop.preview.example.com, routingKey: alice}}, %LINKS%]
  routes:
  - {{targetSandbox: alice, routingKey: ruled, paths: [{{prefix: /b}}], headers: {{V: "2"}}, additionalHeaders: {{x-env: ruled}}}}
  - {{targetSandbox: refusing, routingKey: ruled, paths: [{{prefix: /r}}]}}
  - {{targetSandbox: bob, routingKey: half, weight: 50}}
"""
GATEWAY += SHARES
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
SANDBOXES = """
apiVersion: pointsman.io/v1alpha1
kind: Sandbox
metadata: {name: streams}
spec: {services: [{name: g, targetRef: {name: g-fork}}, {name: w, targetRef: {name: w-fork}}]}
---
apiVersion: pointsman.io/v1alpha1
kind: Sandbox
metadata: {name: both}
spec: {services: [{name: b, targetRef: {name: b-alice}}, {name: c, targetRef: {name: c-bob}}]}
"""
SANDBOX = """
apiVersion: pointsman.io/v1alpha1
kind: Sandbox
metadata: {{name: {key}}}
spec: {{services: [{{name: {service}, targetRef: {{name: {target}}}}}]}}
"""
BASELINE = "a>b>c"
FORKS = (("alice", "b", "b-alice"), ("bob", "c", "c-bob"), ("silent", "b", "b-silent"), ("refusing", "b", "b-refusing"))
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
        return await _answer(reader)
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, str]:
    """And not until the end of the connection: behind an answer of its own Envoy leaves a client a second to close it."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = head.lower().partition("\r\ncontent-length: ")[2].partition("\r\n")[0]
        body = await (reader.readexactly(int(length)) if length else reader.read())
    except asyncio.IncompleteReadError:
        raise ConnectionResetError("it was closed before all was there") from None
    return int(head.split(" ", 2)[1]), body.decode()


@dataclass
class World:
    folder: Folder
    port: int
    stack: AsyncExitStack
    server: Server = field(init=False)
    envoy: Envoy = field(init=False)
    signed: int = field(default_factory=free_port)
    near: int = field(default_factory=free_port)
    known: int = field(default_factory=free_port)
    more: int = field(default_factory=free_port)
    router: dict[str, int] = field(default_factory=lambda: {"http": free_port(), "grpc": free_port()})
    unseen: list[bytes] = field(default_factory=list)  # what was answered to who has no key when there was no Sandbox
    authority: Pair = field(default_factory=lambda: issuing.authority("ca", "example.com", datetime.now(UTC), 1))

    async def hop(self, name: str, follows: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A service that says its name, and what the one after it says."""
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode("latin-1"):
                kept = [("baggage", line.partition(": ")[2]) for line in head.split("\r\n") if line.lower().startswith("baggage: ")]
                added = "".join(f"+{line.partition(': ')[2]}" for line in head.split("\r\n") if line.lower().startswith("x-env: "))
                after = f">{(await ask(self.port, follows, kept))[1]}" if follows else ""
                said = f"{name}{added}{after}"
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(said)}\r\n\r\n{said}".encode())
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    async def service(self, name: str, follows: str = "") -> None:
        self.endpoint(name, await self.listening(name, follows))

    async def listening(self, name: str, follows: str = "") -> int:
        server = await asyncio.start_server(lambda reader, writer: self.hop(name, follows, reader, writer), "127.0.0.1", 0)
        self.stack.callback(server.close)
        return int(server.sockets[0].getsockname()[1])

    def endpoint(self, name: str, port: int, endpoints: str = "{addresses: [127.0.0.1]}") -> None:
        self.folder.save(f"service-{name}", SERVICE.format(name=name, port=port, endpoints=endpoints))

    def sandbox(self, key: str, service: str, target: str) -> None:
        self.folder.save(f"sandbox-{key}", SANDBOX.format(key=key, service=service, target=target))

    async def says(self, *headers: tuple[str, str], host: str = "a.example.com", path: str = "/") -> tuple[int, str]:
        return await ask(self.port, host, headers, path)

    async def answers(self, host: str, wanted: str) -> None:
        async def is_so() -> bool:
            return await self.says(host=host) == (200, wanted)

        await wait_until(is_so, 30, f"{host} to be answered by {wanted}")

    async def becomes(self, key: str, wanted: str) -> None:
        async def is_so() -> bool:
            try:
                return await self.says(("X-Route-Key", key)) == (200, wanted)
            except OSError:  # Envoy is ready a moment before its workers listen
                return False

        await wait_until(is_so, 30, f"{key} to be answered by {wanted}")


def secrets(at: World, folder: Path) -> None:
    """What listeners show and trust, and what signs keys."""
    (folder / "team").write_bytes(SECRET)
    shown = issuing.server(at.authority, ["127.0.0.1"], datetime.now(UTC), 1)
    secret = {"tls.crt": b64encode(shown.pem).decode(), "tls.key": b64encode(shown.key).decode()}
    head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cert"}}
    at.folder.save("cert", yaml.safe_dump({**head, "type": "kubernetes.io/tls", "data": secret}))
    ca = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.crt": at.authority.pem.decode()}}
    at.folder.save("ca", yaml.safe_dump(ca))


async def services(at: World) -> None:
    """Those in a row, those that answer in the place of one, and one for each thing that is looked at."""
    for name, follows in (("a", "b.example.com"), ("b", "c.example.com"), ("c", "")):
        await at.service(name, follows)
        at.folder.save(f"route-{name}", ROUTE.format(name=name, host=f"{name}.example.com"))
    await at.service("b-alice", "c.example.com")
    await at.service("c-bob")
    at.endpoint("b-silent", 1, endpoints="")
    at.endpoint("b-refusing", free_port())
    ports = {}
    for name, backend in BACKENDS:
        ports[name] = await backend(at.stack, name)
        at.endpoint(name, ports[name])
    telling = await asyncio.start_server(tell, "127.0.0.1", 0)
    at.stack.callback(telling.close)
    at.endpoint("e", telling.sockets[0].getsockname()[1])
    behind = {name: await at.listening(name) for name in ("default", "first", "second")}
    at.folder.save("config", CONFIG.format(**at.router, **behind, calls=ports["g-fork"]))


def routes(at: World) -> None:
    at.folder.save("gateway", GATEWAY.format(port=at.port, signed=at.signed, near=at.near, known=at.known).replace("%LINKS%", LINKS))
    at.folder.save("more", LISTENERS.format(port=at.more))
    for name in "we":
        at.folder.save(f"route-{name}", ROUTE.format(name=name, host=f"{name}.example.com"))
    preview = ROUTE.format(name="a", host="*.preview.example.com").replace("name: a}\nspec", "name: preview}\nspec")
    at.folder.save("route-preview", preview)


@asynccontextmanager
async def world(at: Path) -> AsyncIterator[World]:
    """With an Envoy that has the module."""
    async with AsyncExitStack() as stack:
        found = World(Folder(at / "config"), free_port(), stack)
        secrets(found, at)
        routes(found)
        await services(found)
        found.server = await stack.enter_async_context(Server(found.folder.path, at / "server.log"))
        async with Envoy(bootstrap(found.server.xds), at, env={**WITH_MODULES, "POINTSMAN_KEYS": str(at)}) as found.envoy:
            await found.envoy.ready()
            await found.becomes("bob", BASELINE)
            found.unseen = await seen(found.port)
            assert sum(b"200 OK" in one for one in found.unseen) == 20, "hosts but for one are served"
            assert b"traceparent: 00-0af7" in b"".join(found.unseen), "a backend tells what it was asked"
            found.folder.save("sandboxes", SANDBOXES)
            for key, service, target in FORKS:
                found.sandbox(key, service, target)
            await found.becomes("both", "a>b-alice>c-bob")
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
    assert await at.says(("X-Route-Key", "both")) == (200, "a>b-alice>c-bob")


async def look_at_one_connection(at: World) -> None:
    """Requests that share it go each where its own key leads."""
    keys = ("alice", "", "bob", "both", "alice", "nobody")
    wanted = ("a>b-alice>c", BASELINE, "a>b>c-bob", "a>b-alice>c-bob", "a>b-alice>c", BASELINE)
    found = await ask_at_once(at.port, "a.example.com", [[("x-route-key", key)] if key else [] for key in keys])
    assert found == [(200, name) for name in wanted]


async def look_at_keys_that_are_not_one(at: World) -> None:
    bob = ("X-Route-Key", "bob")
    for headers in (
        [SPELLINGS[0], bob],
        [SPELLINGS[0], ("baggage", "sd-routing-key=bob")],
        [("X-Route-Key", "alice,bob")],
        [("X-Route-Key", "A")],
    ):
        assert (await at.says(*headers))[0] == 400, headers
    for name, value in SPELLINGS:
        other = value.replace("alice", "bob")
        for headers in ([(name, value), (name, other)], [(name, other), (name, value)], [(name, f"{value},{other}")]):
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
    assert await direct(fits, ("x-env", "mine")) == "b-alice+ruled>c", "what a rule sets takes the place of what was there"
    for headers, path in (((), "/b"), ((fits,), "/bb"), ((fits,), "/"), ((("v", "3"),), "/b"), ((fits,), "/r")):
        assert await direct(*headers, path=path) == "b>c", (headers, path)
    assert await direct(fits, ("v", "3")) == "b>c", "a header that comes twice fits nothing"
    drawn = [(await at.says(("X-Route-Key", "half"), host="c.example.com"))[1] for _ in range(40)]
    assert set(drawn) == {"c", "c-bob"}
    assert await at.says(host="shop.preview.example.com") == (200, "a>b-alice>c")
    assert (await at.says(("X-Route-Key", "bob"), host="shop.preview.example.com"))[0] == 400


async def look_at_who_has_no_key(at: World) -> None:
    """Whatever Sandboxes there are, he is answered the same bytes by the same backend, which is asked the same bytes."""
    chance = random.Random(7)
    assert await seen(at.port) == at.unseen
    for number in range(3):
        at.folder.save("random", sandboxes(chance, f"marker{number}"))
        await at.becomes(f"marker{number}", "a>b>c-bob")
        assert await seen(at.port) == at.unseen, number
    at.folder.save("random", SANDBOX.format(key="last", service="c", target="c-bob"))
    await at.becomes("last", "a>b>c-bob")


async def look_without_the_module(at: World, folder: Path) -> None:
    """An Envoy that does not have it has routes of keys, which read one spelling, and believe everybody."""
    await asyncio.to_thread(folder.mkdir)
    async with Envoy(bootstrap(at.server.xds, modules=()), folder) as envoy:
        await envoy.ready()
        await at.becomes("nobody", BASELINE)
        for key, wanted in (("alice", "b-alice>c"), ("nobody", "b>c"), ("silent", "b>c"), ("both", "b-alice>c"), ("A", "b>c"), ("", "b>c")):
            headers = [("X-Route-Key", key)] if key else []
            assert await at.says(*headers, host="b.example.com") == (200, wanted), key
        assert await at.says(SPELLINGS[1], host="b.example.com") == (200, "b>c")
        fits = [("X-Route-Key", "ruled"), ("v", "2")]
        assert await at.says(*fits, host="b.example.com", path="/b/x") == (200, "b-alice+ruled>c")
        assert await at.says(*fits, host="b.example.com", path="/bb") == (200, "b>c")
        assert await at.says(*fits, ("v", "3"), host="b.example.com", path="/b") == (200, "b-alice+ruled>c"), "either line fits"
        await look_at_sticky_shares_without_the_module(ask, at.port)
        await talk(at.port, "g-fork", ("x-route-key", "streams"))
        await talk(at.port, "g")


async def change_keys_under_load(at: World) -> None:
    hosts = ["a.example.com", "alice.preview.example.com", "carol.preview.example.com", "refusing.preview.example.com"]
    async with Load([Target(at.port, host=host) for host in hosts], rate=30, most=100) as load:
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
        await look_at_one_connection(at)
        await look_at_keys_that_are_not_one(at)
        await look_at_forks_that_cannot_answer(at)
        await look_at_rules(at)
        await look_at_sticky_shares(ask, at.port)
        await look_at_signed_keys(ask, at.signed)
        await look_at_sources(ask, at.near)
        await look_at_certificates(ask, at.known, at.authority, tmp_path)
        await look_at_streams(at.port)
        await look_at_web_sockets(at.port)
        await look_at_connect(at.port, "w.example.com:80")
        await look_at_configuration(ask, at.router)
        await look_at_listener_set(ask, at.more)
        await look_at_links(ask, at.port, at.near)
        at.folder.save("route-behind", ROUTE.format(name="b", host="behind.example.com").replace("name: b}\nspec", "name: behind}\nspec"))
        await at.answers("behind.example.com", "b-alice>c")
        at.folder.delete("route-behind")
        await at.answers("behind.example.com", "c")
        await look_at_who_has_no_key(at)
        await change_keys_under_load(at)
        await at.envoy.kill()
        await look_without_the_module(at, tmp_path / "without")
