"""How many workers the gateways of tunnels have: each says so to whoever has a certificate of its CA. All I/O of it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
from pathlib import Path

from xds.bootstrap import Client, split
from xds.laptops.tunnel import ASKED, CONCURRENCY, HTTP
from xds.security.credentials import CA, CERTIFICATE, KEY

WAIT = 3.0  # seconds for all of them
_SAID = re.compile(rb"^" + re.escape(CONCURRENCY.encode()) + rb": ([1-9]\d{0,2})\s*$", re.MULTILINE)


async def workers(gateways: tuple[str, ...], who: Client) -> int:
    """The most that one of them has, each address of a name asked; 0 where none says so. OSError where there is no certificate to read."""
    context = _context(who)
    places = [place for one in gateways for place in await _places(*split(one))]
    return max(await asyncio.gather(*(_asked(*place, who.server, context) for place in places)), default=0)


def told(answer: bytes) -> int:
    """What an answer says, or 0."""
    found = _SAID.search(answer)
    return int(found[1]) if found else 0


async def _asked(host: str, port: int, name: str, context: ssl.SSLContext) -> int:
    with contextlib.suppress(OSError, TimeoutError, ValueError):
        async with asyncio.timeout(WAIT):
            reader, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=name)
            try:
                writer.write(f"GET {ASKED} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
                return told(await reader.read())
            finally:
                writer.close()
    return 0


async def _places(host: str, port: int) -> list[tuple[str, int]]:
    with contextlib.suppress(OSError):
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [*dict.fromkeys((str(address[0]), port) for *_, address in found)]
    return []


def _context(who: Client) -> ssl.SSLContext:
    folder = Path(who.folder)
    context = ssl.create_default_context(cafile=folder / CA)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols([HTTP])
    context.load_cert_chain(folder / CERTIFICATE, folder / KEY)
    return context
