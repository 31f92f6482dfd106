"""A sidecar with real interception: a workload, its fork and a client in network namespaces, the rules of `pointsman intercept`,
and an Envoy that the server knows by its group. What a workload hears is asked of the workload.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import grpc
import pytest

from tests.e2e.backends import WITH_MODULES
from tests.e2e.envoy import Envoy
from tests.e2e.folder import Folder
from tests.e2e.namespaces import Namespaces, missing, namespaces
from tests.e2e.relaying import ECHO, channel, echoing
from tests.e2e.server import Server
from tests.waiting import wait_until
from translator.injection.ruleset import ruleset
from translator.ir import inbound
from xds.bootstrap import Bootstrap, bootstrap

HTTP, STREAM, APART, GRPC = 8080, 8081, 8082, 8083  # forked; intercepted and no HTTP; not intercepted; forked, and spoken to by gRPC
SERVICE = """
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  ipFamilies: [IPv4, IPv6]
  ports: [{{name: http, port: 80, targetPort: 8080}}, {{name: grpc, port: 90, targetPort: 8083}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}-1, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
ports: [{{name: http, port: {port}}}, {{name: grpc, port: 8083}}]
endpoints: [{{addresses: ["{address}"]}}]
"""
GROUP = """
apiVersion: pointsman.io/v1alpha1
kind: RouteGroup
metadata: {name: previews}
spec: {meshOutput: Sidecar}
"""
RULED = GROUP.replace("Sidecar}", "Sidecar, routes: [*]}").replace(
    "*",
    "{targetSandbox: alice, routingKey: alice, paths: [{prefix: /pay}], headers: {X-V: '2'}, additionalHeaders: {X-Env: a}},"
    "{targetSandbox: alice, routingKey: alice, paths: [{exact: /whole}]}",
)
SANDBOX = """
apiVersion: pointsman.io/v1alpha1
kind: Sandbox
metadata: {{name: {key}}}
spec: {{services: [{{name: cart, targetRef: {{name: {target}}}}}]}}
"""


async def workload(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says its name and the path to HTTP, echoes after an upgrade, and says its name to anything else."""
    try:
        while head := await reader.readuntil(b"\n"):
            if b" HTTP/1.1" not in head:
                writer.write(name.encode() + b":" + head)
                continue
            rest = (await reader.readuntil(b"\r\n\r\n")).lower()
            if b"upgrade: websocket" in rest:
                writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + name.encode())
                writer.write(await reader.readexactly(5))
            else:
                said = f"{name}{' baggage' if b'baggage: ' in rest else ''}{' env' if b'x-env: a' in rest else ''}".encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said))
    except (asyncio.IncompleteReadError, OSError):
        writer.close()


@dataclass
class World:
    """`place` is where the workload is asked for: its address of either family."""

    net: Namespaces
    folder: Folder
    envoy: Envoy
    server: Server
    at: Path
    place: str

    async def says(self, *headers: str, who: str = "client", port: int = HTTP, path: str = "/") -> str:
        lines = "".join(f"{one}\r\n" for one in headers)
        text = f"GET {path} HTTP/1.1\r\nHost: cart\r\nConnection: close\r\n{lines}\r\n"
        return (await self.hears(text, who=who, port=port)).rpartition("\r\n\r\n")[2]

    async def hears(self, text: str, who: str = "client", port: int = HTTP, answer: bytes = b"") -> str:
        """All that comes until the other side has nothing more to say, or until the answer is there."""
        reader, writer = await self.net.connect(who, self.place, port)
        writer.write(text.encode())
        try:
            async with asyncio.timeout(5):
                if answer:
                    return (await reader.readuntil(answer)).decode()
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                return (head + await reader.readexactly(length)).decode()
        finally:
            writer.close()

    async def becomes(self, wanted: str, *headers: str) -> None:
        async def is_so() -> bool:
            try:
                return await self.says(*headers) == wanted
            except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
                return False

        await wait_until(is_so, 30, f"{headers} to be answered by {wanted}")


@asynccontextmanager
async def world(at: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        net = stack.enter_context(namespaces("work", "fork", "client"))
        folder = Folder(at / "config")
        folder.save("group", GROUP)
        for name, place in (("cart", "work"), ("cart-alice", "fork")):
            folder.save(name, SERVICE.format(name=name, address=net.addresses[place], port=HTTP))
            await stack.enter_async_context(net.serving(place, HTTP, partial(workload, name)))
            await stack.enter_async_context(net.serving(place, GRPC, await stack.enter_async_context(echoing(name, at))))
        folder.save("cart-refusing", SERVICE.format(name="cart-refusing", address=net.addresses["fork"], port=APART))
        for port in (STREAM, APART):
            await stack.enter_async_context(net.serving("work", port, partial(workload, f"{port}")))
        xds = f"unix:{at}/xds"
        server = await stack.enter_async_context(Server(folder.path, at / "server.log", "--xds", xds, "--request-metrics"))
        group = inbound.group("default/cart")
        config = bootstrap(Bootstrap(xds=xds, node=group, group=group, admin="127.0.0.1:0", modules=("shard",), request_metrics=True))
        config["stats_flush_interval"] = "0.2s"
        envoy = await stack.enter_async_context(Envoy(config, at, env=WITH_MODULES, inside=net.inside("work")))
        yield World(net, folder, envoy, server, at, net.addresses["work"])


async def look_at_keys(at: World) -> None:
    at.folder.save("alice", SANDBOX.format(key="alice", target="cart-alice"))
    await at.becomes("cart-alice baggage", "X-Route-Key: alice")
    assert await at.says() == "cart"
    assert await at.says("X-Route-Key: bob") == "cart baggage"
    assert await at.says("X-Route-Key: not valid") == "cart"
    assert await at.says("baggage: sd-routing-key=alice") == "cart-alice baggage"


async def look_at_rules(at: World) -> None:
    """Of a key: requests that none of them fits stay with the workload."""
    key, version = "X-Route-Key: alice", "X-V: 2"
    at.folder.save("group", RULED)
    await at.becomes("cart baggage", key)
    for path, headers, wanted in (
        ("/pay", (key, version), "cart-alice baggage env"),
        ("/pay/me?x=/", (key, version, "X-Env: mine"), "cart-alice baggage env"),
        ("/payme", (key, version), "cart baggage"),
        ("/pay", (key,), "cart baggage"),
        ("/pay", (key, "X-V: 3"), "cart baggage"),
        ("/whole", (key,), "cart-alice baggage"),
        ("/pay", (version,), "cart"),
    ):
        assert await at.says(*headers, path=path) == wanted, (path, headers)
    at.folder.save("group", GROUP)
    await at.becomes("cart-alice baggage", key)


async def look_at_counts(at: World) -> None:
    """By the port of the workload, whoever answered."""

    async def are_there() -> bool:
        return 'proxy_requests_total{path="Service/default/cart/8080",status_code="200"}' in await at.server.text("/metrics")

    await wait_until(are_there, 60, "requests to be counted")
    assert "alice" not in await at.server.text("/metrics")


async def look_at_what_is_no_request(at: World) -> None:
    assert await at.hears("hello\n", port=STREAM, answer=b"\n") == f"{STREAM}:hello\n"
    assert await at.says("X-Route-Key: alice", port=APART) == f"{APART}"
    for key, name in (("alice", "cart-alice"), ("", "cart")):
        asked = ["GET / HTTP/1.1", "Host: cart", "Connection: Upgrade", "Upgrade: websocket", *([f"X-Route-Key: {key}"] if key else [])]
        assert (await at.hears("\r\n".join([*asked, "", "hello"]), answer=b"hello")).endswith(f"\r\n\r\n{name}hello")


async def look_at_streams_of_grpc(at: World) -> None:
    """Both sides have their turn, message for message; the end has its status and its trailers."""
    async with channel(at.at, lambda: at.net.connect("client", at.place, GRPC)) as made:
        calls = {
            name: made.stream_stream(ECHO)(metadata=metadata)
            for name, metadata in (("cart", ()), ("cart-alice", (("x-route-key", "alice"),)))
        }  # beside each other, on one connection
        for word in (b"one", b"two", b"x" * 200_000):
            for name, call in calls.items():
                await call.write(word)
                assert await asyncio.wait_for(call.read(), 10) == name.encode() + b":" + word
        for name, call in calls.items():
            await call.write(b"end")
            assert await asyncio.wait_for(call.code(), 10) is grpc.StatusCode.OUT_OF_RANGE
            assert dict(await call.trailing_metadata() or ())["ended-by"] == name


async def look_at_the_sidecars_own_port(at: World) -> None:
    """There is nothing behind it: the connection ends, whether cleanly or not."""
    reader, writer = await at.net.connect("client", at.place, inbound.PORT)
    writer.write(b"hello\n")  # who says nothing is waited for
    try:
        with suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 10) == b""
    finally:
        writer.close()


async def look_by_ipv6(at: World) -> None:
    """Everything once more. A kernel without it is one where nobody comes this way."""
    if not at.net.sixes:
        return
    six = replace(at, place=at.net.sixes["work"])
    assert await six.says() == "cart"
    assert await six.says("X-Route-Key: alice") == "cart-alice baggage"
    assert await six.hears("hello\n", port=STREAM, answer=b"\n") == f"{STREAM}:hello\n"
    assert await six.says("X-Route-Key: alice", port=APART) == f"{APART}"
    await look_at_streams_of_grpc(six)
    await look_at_the_sidecars_own_port(six)


async def look_at_forks_that_ask_back_or_cannot_answer(at: World) -> None:
    assert await at.says("X-Route-Key: alice", who="fork") == "cart", "a fork that asks its baseline must not hear itself"
    at.folder.save("refusing", SANDBOX.format(key="refusing", target="cart-refusing"))
    await at.becomes("cart baggage", "X-Route-Key: refusing")
    at.folder.delete("alice")
    await at.becomes("cart baggage", "X-Route-Key: alice")


async def look_at_a_workload_whose_sidecar_is_dead(at: World) -> None:
    await at.envoy.kill()
    for place in (at.place, at.net.sixes.get("work", at.place), at.place):
        assert await replace(at, place=place).says("X-Route-Key: alice") == "cart"
    assert await at.hears("hello\n", port=STREAM, answer=b"\n") == f"{STREAM}:hello\n"


@pytest.mark.e2e
async def test_sidecar_takes_keys_to_forks_and_leaves_all_else_to_the_workload(tmp_path: Path) -> None:
    if why := missing():
        assert not os.environ.get("CI"), why
        pytest.skip(why)
    async with world(tmp_path) as at:
        assert await at.says("X-Route-Key: alice") == "cart"
        at.net.run("work", "nft", "-f", "-", given=ruleset([HTTP, STREAM, GRPC], six=bool(at.net.sixes)))
        await at.becomes("cart baggage", "X-Route-Key: alice")  # by the sidecar: it has written all spellings
        await look_at_keys(at)
        await look_at_rules(at)
        await look_at_counts(at)
        await look_at_what_is_no_request(at)
        await look_at_streams_of_grpc(at)
        await look_at_the_sidecars_own_port(at)
        await look_by_ipv6(at)
        await look_at_forks_that_ask_back_or_cannot_answer(at)
        await look_at_a_workload_whose_sidecar_is_dead(at)
