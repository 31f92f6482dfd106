"""Requests counted by rule with a real Envoy, and by Sandbox: what was asked is what /metrics and `sandbox map` say, and no more.

One server and one Envoy. Each look asks, then waits until the sums are what was asked for; nothing is read off a clock.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.backends import WITH_MODULES, backends
from tests.e2e.envoy import Envoy
from tests.e2e.folder import Folder
from tests.e2e.server import Server
from tests.e2e.test_sandboxes import ask
from tests.ports import free_port
from tests.waiting import wait_until
from xds.bootstrap import Bootstrap, bootstrap

CANARY = "canary"  # in every path, key, host and header that must be found nowhere
FILES = """
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
  listeners: [{{name: http, port: {port}, protocol: HTTP}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: shop}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [shop.example.com]
  rules:
  - name: checkout
    matches: [{{path: {{value: /pay}}}}, {{path: {{value: /checkout}}}}]
    backendRefs: [{{group: pointsman.io, kind: Backend, name: a}}]
  - matches: [{{path: {{value: /gone}}}}]
    backendRefs: [{{group: pointsman.io, kind: Backend, name: nobody}}]
  - matches: [{{path: {{value: /refused}}}}]
    backendRefs: [{{group: pointsman.io, kind: Backend, name: refusing}}]
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
  routingKey: canary-alice
  services: [{{name: a, kind: Backend, targetRef: {{kind: Backend, name: b}}}}]
"""
KEY = ("x-route-key", f"{CANARY}-alice")
CHECKOUT = "HTTPRoute/default/shop/checkout"
OF_CHECKOUT = (("requests_total", CHECKOUT, "200"), ("request_duration_seconds_count", CHECKOUT))
LATER = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: later}
spec:
  parentRefs: [{name: edge}]
  hostnames: [later.example.com]
  rules: [{backendRefs: [{group: pointsman.io, kind: Backend, name: a}]}]
"""
_SAMPLE = re.compile(r"(proxy_[a-z_]+)(?:\{(.*)\})? ([0-9.e+]+)")
Samples = dict[tuple[str, ...], float]  # name and values of labels


@dataclass
class World:
    folder: Folder
    port: int
    server: Server
    envoy: Envoy
    start: Callable[[str], Awaitable[Envoy]]

    async def says(self, path: str, *headers: tuple[str, str], host: str = "shop.example.com") -> tuple[int, str]:
        return await ask(self.port, host, headers, path)

    async def listens(self) -> None:
        """Once it has answered one request, and so counted one."""

        async def answers() -> bool:
            try:
                return (await self.says("/pay"))[0] == 200
            except OSError:
                return False

        await wait_until(answers, 60, "the listener")

    async def counted(self) -> Samples:
        lines = map(_SAMPLE.fullmatch, (await self.server.text("/metrics")).splitlines())
        return {(one[1], *re.findall(r'"(.*?)"', one[2] or "")): float(one[3]) for one in lines if one}

    async def becomes(self, *wanted: tuple[str, ...], **counts: int) -> None:
        async def is_so() -> bool:
            found = await self.counted()
            return {found.get((f"proxy_{name}", *rest)) for name, *rest in wanted} == {counts["to"]}

        await wait_until(is_so, 60, f"{wanted} to be {counts['to']}")


@asynccontextmanager
async def world(at: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        folder, port = Folder(at / "config"), free_port()
        await backends(stack, folder)
        folder.backend("refusing", free_port())
        folder.save("files", FILES.format(port=port))
        server = await stack.enter_async_context(Server(folder.path, at / "server.log", "--request-metrics"))
        config = bootstrap(Bootstrap(xds=server.xds, admin="127.0.0.1:0", modules=("shard",), request_metrics=True))
        config["stats_flush_interval"] = "0.2s"

        async def started(life: str) -> Envoy:
            (at / life).mkdir()
            envoy = await stack.enter_async_context(Envoy(config, at / life, env=WITH_MODULES))
            await envoy.ready()
            return envoy

        found = World(folder, port, server, await started("first"), started)
        await found.listens()
        yield found


async def look_at_statuses(at: World) -> None:
    await at.becomes(*OF_CHECKOUT, to=1)
    for path, headers, said in (("/pay/canary", (), "a"), ("/checkout?q=canary", (), "a"), ("/pay", (KEY,), "b"), ("/pay", (KEY,), "b")):
        assert await at.says(path, *headers) == (200, said)
    await at.becomes(*OF_CHECKOUT, to=5)


async def look_at_errors(at: World) -> None:
    bad = ("x-route-key", "canary-alice"), ("x-routing-key", "canary-bob")
    for path, headers, host, status in (
        ("/canary", (), "shop.example.com", 404),
        ("/", (), "canary.example.com", 404),
        ("/pay", bad, "shop.example.com", 400),
        ("/gone", (), "shop.example.com", 500),
        ("/refused", (), "shop.example.com", 503),
    ):
        assert (await at.says(path, *headers, host=host))[0] == status, path
    errors = "routing_errors_total"
    await at.becomes((errors, "invalid_key"), (errors, "no_backend"), (errors, "connect_failure"), to=1)
    await at.becomes((errors, "no_route"), ("requests_total", "unmatched", "404"), to=2)
    found = await at.counted()
    assert found["proxy_requests_total", "HTTPRoute/default/shop/rule/1", "500"] == 1
    assert found["proxy_requests_total", "HTTPRoute/default/shop/rule/2", "503"] == 1
    assert found["proxy_requests_total", "unmatched", "400"] == 1


async def look_at_a_rule_that_comes_and_goes(at: World) -> None:
    rule = "HTTPRoute/default/later/rule/0"
    at.folder.save("later", LATER)

    async def answers() -> bool:
        return (await at.says("/", host="later.example.com"))[0] == 200

    await wait_until(answers, 60, "the new route")

    async def is_counted() -> bool:
        return ("proxy_requests_total", rule, "200") in await at.counted()

    await wait_until(is_counted, 60, "the new rule")
    at.folder.delete("later")

    async def is_gone() -> bool:
        return not any(rule in key for key in await at.counted())

    await wait_until(is_gone, 60, "the series of a rule that has gone")


async def look_at_the_map(at: World) -> None:
    """From the first request of a fork on; load reports, which would leave it out, are not needed."""

    async def is_told() -> bool:
        return any(one["requests"] for one in (await at.server.get("/loads"))["forks"].values())

    await wait_until(is_told, 60, "requests of the fork")
    command = ("-m", "xds", "sandbox", "map", "alice", "--files", str(at.folder.path), "--admin", at.server.admin, "-o", "json")
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    found = {one["service"]: one for one in json.loads((await process.communicate())[0])}
    assert found["a"] == {"service": "a", "by": "Backend default/b", "why": "", "requests": 2, "under_way": None}
    assert {one["requests"] for name, one in found.items() if name != "a"} == {None}


async def look_at_another_life_of_envoy(at: World) -> None:
    """What was counted stays, and what the new one counts is added."""
    await at.envoy.kill()
    at.envoy = await at.start("second")
    await at.listens()
    await at.becomes(*OF_CHECKOUT, to=6)


async def look_at_what_is_told(at: World) -> None:
    """Of what clients say, nothing."""
    text = await at.server.text("/metrics")
    assert CANARY not in text
    assert "pointsman_request_counts_passed_over_total" in text
    stats = (await at.envoy.admin("/stats?filter=^pointsman.(requests|duration)")).body
    assert "pointsman.requests" in stats
    assert CANARY not in stats


@pytest.mark.e2e
async def test_requests_are_counted_by_rule_and_nothing_that_clients_say_is_told(tmp_path: Path) -> None:
    async with world(tmp_path) as at:
        await look_at_statuses(at)
        await look_at_errors(at)
        await look_at_a_rule_that_comes_and_goes(at)
        await look_at_what_is_told(at)
        await look_at_the_map(at)
        await look_at_another_life_of_envoy(at)
