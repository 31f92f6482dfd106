"""A change that is about others cuts no connection and fails no request: real Envoy, connections of every kind that stay open while
listeners, routes and policies beside them come, change and go.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.e2e.backends import WITH_MODULES, backends
from tests.e2e.envoy import Envoy, bootstrap
from tests.e2e.folder import BACKEND, Folder, rule
from tests.e2e.lasting import Session, Stream, datagrams, echo, session, stream, trusting
from tests.e2e.load import Load, Target
from tests.e2e.server import Server
from tests.ports import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

ROUNDS = 2  # of each change: made and undone
RATE = 50  # requests a second, few of them with a handshake: that is what costs
SOON = 60.0  # seconds; a quiet machine needs a part of one
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
  - {{name: http, port: {http}, protocol: HTTP}}
  - {{name: https, port: {https}, protocol: HTTPS, hostname: shop.example.com, tls: {{certificateRefs: [{{name: cert}}]}}}}
  - {{name: through, port: {tls}, protocol: TLS, hostname: "*.through.example", tls: {{mode: Passthrough}}}}
  - {{name: ended, port: {tls}, protocol: TLS, hostname: "*.ended.example", tls: {{mode: Terminate, certificateRefs: [{{name: cert}}]}}}}
  - {{name: tcp, port: {tcp}, protocol: TCP}}
  - {{name: udp, port: {udp}, protocol: UDP}}
{more}"""
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: {kind}
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: edge, sectionName: {section}}}]
  {hosts}rules: [{{backendRefs: [{{group: pointsman.io, kind: Backend, name: {backend}}}]}}]
"""
SET = """
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {{name: more}}
spec: {{parentRef: {{name: edge}}, listeners: [{{name: set, port: {port}, protocol: HTTP}}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: of-set}}
spec: {{parentRefs: [{{kind: ListenerSet, name: more}}], rules: [{{backendRefs: [{{group: pointsman.io, kind: Backend, name: b}}]}}]}}
"""
POLICY = """
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackendTrafficPolicy
metadata: {{name: few}}
spec: {{targetRefs: [{{group: pointsman.io, kind: Backend, name: b}}], retryConstraint: {{budget: {{percent: {percent}}}}}}}
"""
NOBODY_ALLOWS = (
    "{type: ExternalAuth, externalAuth: {protocol: HTTP, http: {}, backendRef: {group: pointsman.io, kind: Backend, name: spare}}}"
)
CALLS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: calls}
spec:
  parentRefs: [{name: edge, sectionName: http}]
  hostnames: [calls.example.com]
  rules:
  - matches: [{method: {service: shop.Cart, method: Add}}]
    backendRefs: [{group: pointsman.io, kind: Backend, name: calls}]
"""


@dataclass
class World:
    folder: Folder
    envoy: Envoy
    ports: dict[str, int]

    def gateway(self, more: str = "") -> None:
        self.folder.save("gateway", GATEWAY.format(**self.ports, more=more))

    def route(self, kind: str, name: str, section: str, backend: str, *hosts: str) -> None:
        said = f"hostnames: [{', '.join(hosts)}]\n  " if hosts else ""
        self.folder.save(f"route-{name}", ROUTE.format(kind=kind, name=name, section=section, backend=backend, hosts=said))

    async def comes(self, name: str, host: str, wanted: bool) -> None:
        """Until a connection is answered, or is not."""

        async def holds() -> bool:
            found = await stream("new", self.ports[name], host)
            if found:
                await found.end()
            return bool(found) == wanted

        await wait_until(holds, SOON, f"{name} {host} to be {'served' if wanted else 'gone'}")

    async def lasting(self) -> list[Stream | Session]:
        tls = self.ports["tls"]
        found = [
            await stream("passed through", tls, "one.through.example"),
            await stream("ended here", tls, "one.ended.example"),
            await stream("carried as it comes", self.ports["tcp"]),
        ]
        return [*(one for one in found if one), await session(self.ports["udp"])]


@asynccontextmanager
async def world(at: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        folder = Folder(at / "config")
        found = World(folder, None, {name: free_port() for name in ("http", "https", "tls", "tcp", "udp", "new", "set")})  # type: ignore[arg-type]
        folder.certificate()
        found.gateway()
        await backends(stack, folder)
        folder.backend("plain", await stack.enter_async_context(echo()))
        folder.backend("secret", await stack.enter_async_context(echo(_pair(folder))))
        folder.backend("calls", free_port())
        folder.backend("datagrams", await stack.enter_async_context(datagrams()))
        folder.route("still", rule("/", ("a", 1)))
        found.route("TLSRoute", "through", "through", "secret", "one.through.example")
        found.route("TLSRoute", "ended", "ended", "plain", "one.ended.example")
        found.route("TCPRoute", "tcp", "tcp", "plain")
        found.route("UDPRoute", "udp", "udp", "datagrams")
        server = await stack.enter_async_context(Server(folder.path, at / "server.log"))
        found.envoy = await stack.enter_async_context(Envoy(bootstrap(server.xds), at, env=WITH_MODULES))
        await found.envoy.ready(SOON)
        for name, host in (("tls", "one.through.example"), ("tls", "one.ended.example"), ("tcp", "")):
            await found.comes(name, host, wanted=True)
        await wait_until(lambda: _answers(found, "http", "a"), SOON, "the first answer")
        yield found


def _pair(folder: Folder) -> tuple[Path, Path]:
    """The pair of the folder, beside it, for a backend that speaks TLS itself."""
    data = yaml.safe_load((folder.path / "cert.yaml").read_text())["data"]
    files = folder.path.parent / "tls.crt", folder.path.parent / "tls.key"
    for file in files:
        file.write_bytes(b64decode(data[file.name]))
    return files


async def _answers(at: World, port: str, body: str) -> bool:
    return (await at.envoy.fetch(at.ports[port], host="shop.example.com")).body == body


async def _is(at: World, path: str, status: int) -> bool:
    return (await at.envoy.fetch(at.ports["http"], path, host="shop.example.com")).status == status


async def other_host_passed_through(at: World, turn: int) -> None:
    """On the very port of connections that stay."""
    if turn % 2:
        at.folder.delete("route-two")
    else:
        at.route("TLSRoute", "two", "through", "secret", "two.through.example")
    await at.comes("tls", "two.through.example", wanted=turn % 2 == 0)


async def other_host_ended(at: World, turn: int) -> None:
    at.route("TLSRoute", "three", "ended", "plain" if turn % 2 == 0 else "gone", "three.ended.example")
    await at.comes("tls", "three.ended.example", wanted=turn % 2 == 0)


async def other_port(at: World, turn: int) -> None:
    """The Gateway itself changes, and a TCPRoute comes and goes with it."""
    at.gateway("" if turn % 2 else f"  - {{name: new, port: {at.ports['new']}, protocol: TCP}}\n")
    at.route("TCPRoute", "new", "new", "plain")
    await at.comes("new", "", wanted=turn % 2 == 0)


async def other_listeners(at: World, turn: int) -> None:
    if turn % 2:
        at.folder.delete("set")
    else:
        at.folder.save("set", SET.format(port=at.ports["set"]))
    await wait_until(lambda: _answers(at, "set", "" if turn % 2 else "b"), SOON, "the ListenerSet")


async def other_route(at: World, turn: int) -> None:
    at.folder.route("still", rule("/", ("ab"[turn % 2], 1)))
    await wait_until(lambda: _answers(at, "http", "ab"[turn % 2]), SOON, "the route")


async def other_filters(at: World, turn: int) -> None:
    """Beside what is asked: a rule whose requests somebody must allow, who is not there; and the rule itself remembers its clients."""
    filters = "" if turn % 2 else NOBODY_ALLOWS
    remembers = "" if turn % 2 else ", sessionPersistence: {sessionName: shop}"
    still = rule("/", ("b", 1)).removesuffix("}") + remembers + "}"
    at.folder.route("still", still, rule("/guarded", ("b", 1), filters=filters))
    await wait_until(lambda: _is(at, "/guarded", 200 if turn % 2 else 403), SOON, "the filter")


async def other_calls(at: World, turn: int) -> None:
    """A GRPCRoute beside, and with it the cluster that it alone leads to."""

    async def holds() -> bool:
        return ("/calls" in (await at.envoy.admin("/clusters")).body) == (turn % 2 == 0)

    if turn % 2:
        at.folder.delete("grpc")
    else:
        at.folder.save("grpc", CALLS)
    await wait_until(holds, SOON, "the GRPCRoute")


async def other_backend(at: World, turn: int) -> None:
    """A policy, and endpoints of a backend that nobody here is connected to."""
    at.folder.save("policy", POLICY.format(percent=turn + 1))
    at.folder.save("backend-spare", BACKEND.format(name="spare", port=free_port()))
    at.folder.certificate()


CHANGES: tuple[Callable[[World, int], Awaitable[None]], ...] = (
    other_host_passed_through, other_host_ended, other_port, other_listeners, other_route, other_backend, other_filters, other_calls,
)  # fmt: skip


async def drained(at: World) -> bool:
    """Whether Envoy has let go of all that it wanted to let go of."""
    waits = ("total_listeners_draining", "total_filter_chains_draining")
    return [await at.envoy.stat(f"listener_manager.{name}") for name in waits] == [0, 0]


async def test_no_connection_is_cut_and_no_request_fails_by_what_is_about_others(tmp_path: Path) -> None:
    async with world(tmp_path) as at:
        lasting = await at.lasting()
        assert len(lasting) == 4
        targets = [*[Target(at.ports["http"])] * 9, Target(at.ports["https"], tls=trusting())]
        async with Load(targets, RATE) as load:
            for turn in range(ROUNDS):
                for change in CHANGES:
                    await change(at, turn)
                    await asyncio.gather(*(one.holds() for one in lasting))
            await wait_until(lambda: drained(at), SOON, "Envoy to drain")
            await asyncio.gather(*(one.holds() for one in lasting))
        assert load.failed == []
        assert load.sent >= RATE
        for one in lasting:
            await one.end()
