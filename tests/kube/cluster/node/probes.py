"""Whether a container is well: probes and hooks as its Pod declares them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from tests.kube.cluster.node.api import pause
from tests.kube.cluster.node.container import Container

LISTENS = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}  # states in /proc/net


async def passes(container: Container, probe: Mapping[str, Any], address: str) -> bool:
    """One attempt."""
    try:
        async with asyncio.timeout(probe.get("timeoutSeconds", 1)):
            if "httpGet" in probe:
                return await _http(container, probe["httpGet"], address)
            if "tcpSocket" in probe:
                socket = probe["tcpSocket"]
                _, writer = await asyncio.open_connection(socket.get("host", address), port(container, socket["port"]))
                writer.close()
                return True
            if "exec" in probe:
                return await container.run(probe["exec"]["command"]) == 0
    except (OSError, TimeoutError, aiohttp.ClientError):
        return False
    return True


async def _http(container: Container, get: Mapping[str, Any], address: str) -> bool:
    url = f"{get.get('scheme', 'HTTP').lower()}://{get.get('host', address)}:{port(container, get['port'])}{get.get('path', '/')}"
    headers = {one["name"]: one["value"] for one in get.get("httpHeaders", ())}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers, allow_redirects=False, ssl=False) as answer:
        return answer.status < 400


def port(container: Container, wanted: int | str) -> int:
    """By number, or by name."""
    if isinstance(wanted, int):
        return wanted
    return next((int(one["containerPort"]) for one in container.spec.get("ports", ()) if one.get("name") == wanted), 0)


def listens(container: Container) -> bool:
    """Whether a container that has no probe and names ports has any socket open: a real kubelet would not wait for that, but
    here a program starts more slowly than its Pod.
    """
    if not container.spec.get("ports") or container.ready or container.process is None:
        return True
    for name, state in LISTENS.items():
        try:
            rows = Path(f"/proc/{container.process.pid}/net/{name}").read_text().splitlines()[1:]
        except OSError:
            return False
        if any(row.split()[3] == state for row in rows):
            return True
    return False


async def hook(container: Container, handler: Mapping[str, Any], address: str) -> None:
    """preStop: whatever comes of it, the container ends afterwards."""
    if "sleep" in handler:
        await pause(handler["sleep"]["seconds"])
    else:
        await passes(container, {**handler, "timeoutSeconds": 3600}, address)
