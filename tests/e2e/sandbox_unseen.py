"""Whoever sends no key sees nothing of Sandboxes: what is answered to him, to the byte, and what the backend was asked, to the byte.

The backend here answers with the head of the request as it got it, so that one comparison is of both.
"""

from __future__ import annotations

import asyncio
import random
import re

SERVICES = ("a", "b", "c", "e", "g", "w", "gone")
TARGETS = ("b-alice", "c-bob", "b-silent", "b-refusing", "g-fork", "nowhere")
KEYS = ("alice", "bob", "k1", "k2", "k3")
HOSTS = ("a.example.com", "b.example.com", "c.example.com", "e.example.com", "E.example.com:80", "nobody.example.com")
HEADERS = (
    "",
    "Accept: */*\r\nUser-Agent: test\r\nX-Trace-ID: 7\r\nX-Span-ID: 8\r\n",
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntracestate: v=1 , w=2\r\nbaggage: user=7 ;p=1,x=\r\n",
    "x-route-key-error: 1\r\nx-envoy-attempt-count: 2\r\nX-Other-Key: alice\r\nbaggage: xsd-routing-key=alice\r\n",
)
REQUESTS = [
    f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n"
    for host in HOSTS
    for method, path, headers in (
        ("GET", "/", HEADERS[0]),
        ("GET", "/b/x?q=1", HEADERS[1]),
        ("POST", "/", HEADERS[2]),
        ("HEAD", "/%41", HEADERS[3]),
    )
]
_TIMES = re.compile(rb"(?im)^(date|x-envoy-upstream-service-time|x-request-id): [^\r]*\r\n")


async def seen(port: int) -> list[bytes]:
    """All that comes back for each of the requests, but for what differs by itself. Side by side: each is read until Envoy closes."""
    return await asyncio.gather(*(_ask(port, one) for one in REQUESTS))


async def _ask(port: int, request: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode())
    try:
        return _TIMES.sub(b"", await asyncio.wait_for(reader.read(), 20))
    finally:
        writer.close()


async def tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The backend."""
    try:
        while True:
            head = _TIMES.sub(b"", await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(head))
            writer.write(b"" if head.startswith(b"HEAD ") else head)
    except (asyncio.IncompleteReadError, OSError):
        writer.close()


def sandboxes(chance: random.Random, marker: str) -> str:
    """Some, whatever they want; the last has a key of its own, by which it is seen that all are served."""
    made = [_sandbox(f"random{place}", chance.choice(KEYS), *_services(chance)) for place in range(chance.randrange(9))]
    return "---".join([*made, _sandbox(marker, marker, ("c", "c-bob"))])


def _services(chance: random.Random) -> list[tuple[str, str]]:
    return [(name, chance.choice(TARGETS)) for name in chance.sample(SERVICES, chance.randrange(1, 4))]


def _sandbox(name: str, key: str, *services: tuple[str, str]) -> str:
    listed = ", ".join(f"{{name: {service}, targetRef: {{name: {target}}}}}" for service, target in services)
    head = f"\napiVersion: pointsman.io/v1alpha1\nkind: Sandbox\nmetadata: {{name: {name}}}\n"
    return f"{head}spec: {{routingKey: {key}, services: [{listed}]}}\n"
