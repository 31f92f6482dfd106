"""A real API server without nodes, our server beside it and one Envoy: what is measured through Kubernetes stands on this.

In a network of its own, because endpoints of Services cannot be on loopback. Objects are created as fast as the API server takes
them; a bare watcher tells when it had them to tell, and what is said of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from tests.bench.world import API, Document
from tests.e2e.backends import WITH_MODULES, answer
from tests.e2e.envoy import Envoy
from tests.e2e.server import Server
from tests.kube.cluster import isolation
from tests.kube.cluster.control_plane import ControlPlane, Temporary
from tests.kube.cluster.programs import programs
from tests.kube.planes import permitted
from tests.waiting import wait_until
from translator.gatewayapi.conditions import SERVED
from xds import crds
from xds.bootstrap import Bootstrap, bootstrap
from xds.sources.kube.access import loader
from xds.sources.kube.transport import Transport

HOME = "bench"  # a namespace
AT_ONCE = 16  # requests of ours at a time
PORT = 8080
BACKENDS = 20
GATEWAYS, ROUTES = f"/apis/{API}/namespaces/{HOME}/gateways", f"/apis/{API}/namespaces/{HOME}/httproutes"
SERVICES, SLICES = f"/api/v1/namespaces/{HOME}/services", f"/apis/discovery.k8s.io/v1/namespaces/{HOME}/endpointslices"
SOON = 300.0  # seconds for anything that ends by itself


class Condition(msgspec.Struct):
    type: str
    status: str


class Parent(msgspec.Struct):
    conditions: list[Condition] = []


class Status(msgspec.Struct):
    parents: list[Parent] = []
    conditions: list[Condition] = []


class Metadata(msgspec.Struct):
    name: str = ""
    resourceVersion: str = ""  # noqa: N815 - as the API has it


class Object(msgspec.Struct):
    metadata: Metadata
    status: Status = msgspec.field(default_factory=Status)


class Event(msgspec.Struct):
    type: str
    object: Object


EVENT = msgspec.json.Decoder(Event)


@dataclass
class Watcher:
    """Objects of one kind as the API server tells of them, and when it first did: seconds of the clock of this process."""

    seen: dict[str, float] = field(default_factory=dict)
    accepted: dict[str, float] = field(default_factory=dict)
    served: dict[str, float] = field(default_factory=dict)
    ready: dict[str, float] = field(default_factory=dict)  # of what has conditions of its own
    told: asyncio.Queue[str] = field(default_factory=asyncio.Queue)  # routes that are said to be served

    async def watch(self, transport: Transport, path: str) -> None:
        async with transport.get(path, {"watch": "true"}) as response:
            rest = b""
            async for chunk in response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                now = time.perf_counter()
                for line in lines:
                    self._take(EVENT.decode(line), now)

    def _take(self, event: Event, now: float) -> None:
        name = event.object.metadata.name
        self.seen.setdefault(name, now)
        holds = {one.type for parent in event.object.status.parents for one in parent.conditions if one.status == "True"}
        if any(one.type == "Ready" and one.status == "True" for one in event.object.status.conditions):
            self.ready.setdefault(name, now)
        if "Accepted" in holds:
            self.accepted.setdefault(name, now)
        if SERVED in holds and name not in self.served:
            self.served[name] = now
            self.told.put_nowait(name)


@dataclass
class Stand:
    cluster: ControlPlane
    folder: Path
    transport: Transport
    backend: int  # port
    server: Server | None = None
    envoy: Envoy | None = None

    async def create(self, path: str, documents: Iterable[Document]) -> None:
        """All of them, some at a time."""
        waiting = iter(documents)

        async def some() -> None:
            for document in waiting:
                await self.post(path, document)

        await asyncio.gather(*(some() for _ in range(AT_ONCE)))

    async def post(self, path: str, document: Document) -> None:
        answer = await self.transport.call("POST", path, document)
        assert answer.status == 201, answer.body

    async def routes(self, numbers: Iterable[int]) -> None:
        await self.create(ROUTES, (route(number) for number in numbers))

    async def gateway(self, backends: int = BACKENDS) -> None:
        """A Gateway, and Services that routes share."""
        await asyncio.to_thread(self.cluster.kubectl, "apply", "-f", "-", text=GATEWAY)
        await self.create(SERVICES, map(service, range(backends)))
        await self.create(SLICES, (endpoints(number, self.backend) for number in range(backends)))

    @asynccontextmanager
    async def serving(self, *options: str) -> AsyncIterator[Server]:
        kubeconfig = await asyncio.to_thread(permitted, self.cluster)
        async with Server(None, self.folder / "server.log", "--kube", "--kubeconfig", str(kubeconfig), *options) as server:
            yield server

    @asynccontextmanager
    async def proxy(self, server: Server) -> AsyncIterator[Envoy]:
        config = bootstrap(Bootstrap(xds=server.xds, admin="127.0.0.1:0", modules=("shard",)))
        async with Envoy(config, self.folder, env=WITH_MODULES) as envoy:
            yield envoy

    @asynccontextmanager
    async def watching(self, path: str = ROUTES) -> AsyncIterator[Watcher]:
        one = Watcher()
        task = asyncio.create_task(one.watch(self.transport, path))
        try:
            yield one
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def stand() -> AsyncIterator[Stand]:
    """NoProgramsError or NoIsolationError where there can be none."""
    isolation.check()
    found = programs()
    isolation.enter()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster = stack.enter_context(Temporary(lambda at: ControlPlane(at, found)))
        await asyncio.to_thread(cluster.install, crds.folder())
        yield await stack.enter_async_context(upon(cluster, folder))


@asynccontextmanager
async def upon(cluster: ControlPlane, folder: Path) -> AsyncIterator[Stand]:
    """On one that is there, with our definitions."""
    async with AsyncExitStack() as stack:
        await asyncio.to_thread(cluster.kubectl, "create", "namespace", HOME)
        backend = await asyncio.start_server(lambda *pair: answer("ok", *pair), isolation.NODES[0], 0, backlog=1024)
        stack.callback(backend.close)
        transport = Transport(loader(str(cluster.kubeconfig), None))
        stack.push_async_callback(transport.close)
        yield Stand(cluster, folder, transport, backend.sockets[0].getsockname()[1])


class Probe:
    """One kept connection that asks for a host; a connection that Envoy closes is made anew."""

    def __init__(self, port: int = PORT) -> None:
        self._port = port
        self._pair: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, host: str) -> int:
        """The status; 0 where nobody answers."""
        try:
            return await self._ask(host)
        except (OSError, EOFError) as error:
            await self.close()
            odd(host, error)
            return 0

    async def _ask(self, host: str) -> int:
        self._pair = self._pair or await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._pair
        writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        body = await reader.readexactly(int(head.partition("content-length:")[2].split("\r\n")[0] or 0))
        if "connection: close" in head:
            await self.close()
        status = int(head.split(" ", 2)[1])
        if status not in (200, 404):
            odd(host, (status, body))
        return status

    async def close(self) -> None:
        pair, self._pair = self._pair, None
        if pair:
            pair[1].close()
            with contextlib.suppress(OSError):
                await pair[1].wait_closed()

    async def until_served(self, host: str) -> tuple[float, list[int]]:
        """When it first answered 200, and what else than 404 came before."""
        wrong: list[int] = []
        deadline = time.perf_counter() + SOON
        while (status := await self.ask(host)) != 200:
            assert time.perf_counter() < deadline, f"{host} is not served: {status}"
            wrong += [] if status == 404 else [status]
            await asyncio.sleep(0.001)
        return time.perf_counter(), wrong


def odd(host: str, what: object) -> None:
    """Nothing is answered like that; so whoever looks into it finds when, and Envoy's own words."""
    sys.stderr.write(f"{time.time():.3f} {host}: {what}\n")


async def everywhere(host: str, times: int = 20) -> list[int]:
    """What else than 200 is answered over connections of their own."""
    statuses = []
    for _ in range(times):
        probe = Probe()
        statuses.append(await probe.ask(host))
        await probe.close()
    return [status for status in statuses if status != 200]


async def told(watcher: Watcher, names: Iterable[str]) -> None:
    """All of these are said to be served."""
    wanted = set(names)
    await wait_until(lambda: wanted <= watcher.served.keys(), SOON, "routes to be told of")


GATEWAY = f"""
apiVersion: {API}
kind: GatewayClass
metadata: {{name: bench}}
spec: {{controllerName: pointsman.io/gateway-controller}}
---
apiVersion: {API}
kind: Gateway
metadata: {{name: edge, namespace: {HOME}}}
spec: {{gatewayClassName: bench, listeners: [{{name: http, port: {PORT}, protocol: HTTP}}]}}
"""


def host(number: int) -> str:
    return f"h{number}.example.com"


def route(number: int, backend: int | None = None) -> Document:
    """Of one host, to one of the shared backends unless it is told another."""
    to = {"name": f"s{number % BACKENDS if backend is None else backend}", "port": 80}
    spec = {"parentRefs": [{"name": "edge"}], "hostnames": [host(number)], "rules": [{"backendRefs": [to]}]}
    return {"apiVersion": API, "kind": "HTTPRoute", "metadata": {"name": f"r{number}"}, "spec": spec}


def service(number: int) -> Document:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"s{number}"}, "spec": {"ports": [{"name": "http", "port": 80}]}}


def endpoints(number: int, port: int, *more: str) -> Document:
    """Of a backend that all share; `more` addresses are those of nobody."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"s{number}", "labels": {"kubernetes.io/service-name": f"s{number}"}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": port}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in (isolation.NODES[0], *more)],
    }


def memory(pid: int) -> float:
    """Resident MiB of a process."""
    (line,) = [one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def parsed(answer: Any) -> Any:
    return json.loads(answer.body)
