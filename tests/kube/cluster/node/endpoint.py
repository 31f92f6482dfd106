"""What an API server asks of a node: the logs of its containers, and ports of its Pods."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping

from aiohttp import web

from tests.kube.cluster.node.forwarding import forward
from tests.kube.cluster.node.logs import Line
from tests.kube.cluster.node.node import Node

PORT = 10250


async def serve(node: Node, certificate: str, key: str) -> None:
    """Without end."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    application = web.Application()
    application["node"] = node
    application.router.add_get("/containerLogs/{namespace}/{pod}/{container}", _logs)
    application.router.add_get("/portForward/{namespace}/{pod}", forward)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, node.address, PORT, ssl_context=tls).start()
    await asyncio.Event().wait()


async def _logs(request: web.Request) -> web.StreamResponse:
    node: Node = request.app["node"]
    wanted = request.match_info["namespace"], request.match_info["pod"]
    pod = next((one for one in node.pods.values() if (one.namespace, one.name) == wanted), None)
    log = pod.logs.get(request.match_info["container"]) if pod else None
    if log is None:
        raise web.HTTPNotFound
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    lines = log.asked(dict(request.query))
    while True:
        await response.write(_text(lines, request.query))
        if request.query.get("follow") != "true" or log.ended:
            break
        last = log.lines[-1] if log.lines else None
        async with log.moved:
            await log.moved.wait()
        lines = [line for line in log.lines if last is None or line[0] > last[0]]
    await response.write_eof()
    return response


def _text(lines: list[Line], query: Mapping[str, str]) -> bytes:
    times = query.get("timestamps") == "true"
    return "".join((f"{when.isoformat()} " if times else "") + text + "\n" for when, text in lines).encode()
