"""What the Gateway API has beyond its suite, asked of one real Envoy: external authorization, sessions, retry budgets, default Gateways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.authorizing import Asked, Said, authorization, http
from tests.e2e.backends import WITH_MODULES
from tests.e2e.envoy import Envoy, bootstrap
from tests.e2e.folder import Folder
from tests.e2e.server import Server
from tests.ports import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

OBJECTS = """
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
  defaultScope: All
  listeners: [{{name: web, port: {port}, protocol: HTTP}}]
---
apiVersion: pointsman.io/v1alpha1
kind: Backend
metadata: {{name: two}}
spec: {{endpoints: [{{ip: {{address: 127.0.0.1, port: {one}}}}}, {{ip: {{address: 127.0.0.1, port: {two}}}}}]}}
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackendTrafficPolicy
metadata: {{name: few}}
spec:
  targetRefs: [{{group: pointsman.io, kind: Backend, name: failing}}]
  retryConstraint: {{budget: {{percent: 0}}, minRetryRate: {{count: 1, interval: 1s}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: web}}
spec:
  useDefaultGateways: All
  rules:
  - matches: [{{path: {{value: /http}}}}]
    filters:
    - type: ExternalAuth
      externalAuth:
        protocol: HTTP
        backendRef: {{group: pointsman.io, kind: Backend, name: by-http}}
        http: {{path: /check, allowedHeaders: [x-token], allowedResponseHeaders: [x-user]}}
        forwardBody: {{maxSize: 8}}
    backendRefs: [{two_}]
  - matches: [{{path: {{value: /whole}}}}]
    filters:
    - type: ExternalAuth
      externalAuth: {{protocol: HTTP, http: {{}}, backendRef: {{group: pointsman.io, kind: Backend, name: by-http}}}}
    backendRefs: [{two_}]
  - matches: [{{path: {{value: /grpc}}}}]
    filters:
    - type: ExternalAuth
      externalAuth:
        protocol: GRPC
        backendRef: {{group: pointsman.io, kind: Backend, name: by-grpc}}
        grpc: {{allowedHeaders: [x-token]}}
    backendRefs: [{two_}]
  - matches: [{{path: {{value: /closed}}}}]
    filters:
    - type: ExternalAuth
      externalAuth: {{protocol: HTTP, http: {{}}, backendRef: {{group: pointsman.io, kind: Backend, name: nobody}}}}
    backendRefs: [{two_}]
  - matches: [{{path: {{value: /cookie}}}}]
    sessionPersistence: {{sessionName: cart}}
    backendRefs: [{two_}]
  - matches: [{{path: {{value: /header}}}}]
    sessionPersistence: {{type: Header, sessionName: x-session}}
    backendRefs: [{two_}]
  - matches: [{{path: {{value: /failing}}}}]
    retry: {{codes: [503], attempts: 1}}
    backendRefs: [{{group: pointsman.io, kind: Backend, name: failing}}]
  - backendRefs: [{two_}]
"""
TWO = "{group: pointsman.io, kind: Backend, name: two}"
FAILING = "backend/default/failing"
REQUESTS = 4
SOON = 60.0  # seconds; a quiet machine needs one


@dataclass
class World:
    envoy: Envoy
    port: int
    session: aiohttp.ClientSession
    seen: list[Asked] = field(default_factory=list)  # by the backend
    asked: list[Asked] = field(default_factory=list)  # the service that speaks HTTP
    told: list[Asked] = field(default_factory=list)  # the service that speaks gRPC
    failing: list[asyncio.Event] = field(default_factory=list)  # one for each request there, which ends it

    def backend(self, name: str, asked: Asked) -> Said:
        self.seen.append(asked)
        return Said(200, {}, name)

    def check(self, asked: Asked) -> Said:
        self.asked.append(asked)
        if asked.headers.get("x-token") == "bad":
            return Said(401, {"WWW-Authenticate": "Bearer"}, "who are you")
        return Said(200, {"X-User": "http", "X-More": "1"}, "a long answer that is not for the backend")

    def allow(self, asked: Asked) -> bool:
        self.told.append(asked)
        return asked.headers.get("x-token") != "bad"

    async def fail(self, _: Asked) -> Said:
        """The first ones fail together, those that are sent again wait to be let go and succeed."""
        again, end = len(self.failing) >= REQUESTS, asyncio.Event()
        self.failing.append(end)
        if len(self.failing) == REQUESTS:
            for one in self.failing:
                one.set()
        await end.wait()
        return Said(200 if again else 503, {}, "late" if again else "no")

    async def get(self, path: str, body: str = "", **headers: str) -> tuple[int, str, dict[str, str]]:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request("POST" if body else "GET", f"http://127.0.0.1:{self.port}{path}", data=body, headers=told) as said:
            return said.status, await said.text(), {name.lower(): value for name, value in said.headers.items()}


@asynccontextmanager
async def world(at: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        folder, port = Folder(at / "config"), free_port()
        connector = aiohttp.TCPConnector(force_close=True)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()))
        found = World(None, port, session)  # type: ignore[arg-type]
        ports = [await stack.enter_async_context(http(lambda asked, name=name: found.backend(name, asked))) for name in ("one", "two")]
        folder.backend("by-http", await stack.enter_async_context(http(found.check)))
        folder.backend("by-grpc", await stack.enter_async_context(authorization(found.allow)))
        folder.backend("failing", await stack.enter_async_context(http(found.fail)))
        folder.backend("nobody", free_port())
        folder.save("objects", OBJECTS.format(port=port, one=ports[0], two=ports[1], two_=TWO))
        server = await stack.enter_async_context(Server(folder.path, at / "server.log"))
        found.envoy = await stack.enter_async_context(Envoy(bootstrap(server.xds), at, env=WITH_MODULES))
        await found.envoy.ready(SOON)
        await wait_until(lambda: answers(found), SOON, "the first answer through a default Gateway")
        yield found


async def answers(at: World) -> bool:
    try:
        return (await at.get("/"))[0] == 200
    except aiohttp.ClientConnectionError:
        return False


async def by_http(at: World) -> None:
    """Only what is named is told and taken; a body goes along up to its limit; whoever is refused gets the service's own answer."""
    status, _, _ = await at.get("/http/a?q=1", "body", x_token="good", x_other="1", authorization="Basic x")
    asked, seen = at.asked[-1], at.seen[-1]
    assert (status, asked.path, asked.body) == (200, "/check/http/a?q=1", "body")
    assert (asked.headers["x-token"], asked.headers["authorization"], "x-other" in asked.headers) == ("good", "Basic x", False)
    assert (seen.path, seen.body, seen.headers["x-user"], "x-more" in seen.headers) == ("/http/a?q=1", "body", "http", False)
    before = len(at.seen)
    status, body, headers = await at.get("/http", x_token="bad")
    assert (status, body, headers["www-authenticate"]) == (401, "who are you", "Bearer")
    assert (await at.get("/http", "more than eight", x_token="good"))[0] == 413
    assert (await at.get("/closed"))[0] == 403
    assert len(at.seen) == before


async def whole(at: World) -> None:
    """Nothing but what must be is told, all headers of the answer are taken, and the request stays what it is."""
    assert (await at.get("/whole", "body", x_token="good", cookie="a=b"))[0] == 200
    asked, seen = at.asked[-1], at.seen[-1]
    assert not asked.headers.keys() & {"x-token", "cookie", "user-agent"}
    assert (asked.body, asked.headers["content-length"]) == ("", "0")
    assert (seen.headers["x-user"], seen.headers["x-more"], seen.body, seen.headers["content-length"]) == ("http", "1", "body", "4")


async def by_grpc(at: World) -> None:
    assert (await at.get("/grpc", x_token="good", x_other="1"))[0] == 200
    assert at.seen[-1].headers["x-user"] == "grpc"
    assert (at.told[-1].headers["x-token"], "x-other" in at.told[-1].headers) == ("good", False)
    assert (await at.get("/grpc", x_token="bad"))[0] == 401


async def sessions(at: World) -> None:
    """A token leads to where it came from, time and again; without one both endpoints are reached."""
    tokens: dict[str, str] = {}
    while tokens.keys() != {"one", "two"}:
        _, name, headers = await at.get("/cookie")
        tokens[name] = headers["set-cookie"].partition(";")[0]
        assert "Path=/cookie" in headers["set-cookie"]
        assert "HttpOnly" in headers["set-cookie"]
    for name, token in [*tokens.items()] * 5:
        assert (await at.get("/cookie/below", cookie=token))[1] == name
    _, name, headers = await at.get("/header")
    for _ in range(5):
        assert (await at.get("/header", x_session=headers["x-session"]))[1] == name


async def budget(at: World) -> None:
    """Of so many that fail at once one is tried again; the others are not, however often their route would."""
    asking = [asyncio.create_task(at.get("/failing")) for _ in range(REQUESTS)]
    done: set[asyncio.Task[tuple[int, str, dict[str, str]]]] = set()
    while len(done) < REQUESTS - 1:
        more, _ = await asyncio.wait({*asking} - done, return_when=asyncio.FIRST_COMPLETED)
        done |= more
    await wait_until(lambda: len(at.failing) > REQUESTS, SOON, "the one that is tried again")
    at.failing[REQUESTS].set()
    assert sorted([one[0] for one in await asyncio.gather(*asking)]) == [200, *[503] * (REQUESTS - 1)]
    assert await at.envoy.stat(f"cluster.{FAILING}.upstream_rq_retry_overflow") == REQUESTS - 1


async def test_external_auth_sessions_budgets_and_default_gateways_do_what_they_say(tmp_path: Path) -> None:
    async with world(tmp_path) as at:
        for part in (by_http, whole, by_grpc, sessions, budget):
            await part(at)
