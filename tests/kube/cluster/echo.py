"""A backend for Pods: answers each request with the name of its Pod and what it was asked. Port 8080, or $PORT."""

from __future__ import annotations

import asyncio
import os

from aiohttp import web


async def answer(request: web.Request) -> web.Response:
    return web.json_response({"pod": os.environ.get("HOSTNAME", ""), "path": request.path, "headers": dict(request.headers)})


async def main() -> None:
    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", int(os.environ.get("PORT", "8080"))).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
