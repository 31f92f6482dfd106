"""The API server as a node sees it: calls, and watches that begin anew by themselves."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from xds.sources.kube.access import loader
from xds.sources.kube.transport import Answer, Broken, Transport

Json = dict[str, Any]
MERGE = "application/merge-patch+json"
AGAIN = 0.5  # seconds


class Api:
    def __init__(self, kubeconfig: str) -> None:
        self._transport = Transport(loader(kubeconfig, None), agent="test-node")

    async def call(self, method: str, path: str, body: Any = None, content: str = "application/json") -> Answer:
        return await self._transport.call(method, path, body, content=content)

    async def told(self, method: str, path: str, body: Any = None, content: str = "application/json") -> bool:
        """A write that must arrive, unless the object is gone or another: tried until there is an answer."""
        while True:
            try:
                answer = await self.call(method, path, body, content)
            except Broken:
                answer = Answer(500, b"")
            if answer.status < 500 and answer.status != 429:
                return answer.status < 300
            await pause(AGAIN)

    async def follow(self, path: str) -> AsyncIterator[tuple[str, Json]]:
        """First ("LIST", …) with all there are, then each event; again from the list when a watch ends. Without end."""
        while True:
            try:
                answer = await self.call("GET", path)
                listed = answer.json()
                yield "LIST", listed
                version = listed["metadata"]["resourceVersion"]
                async with self._transport.get(path, {"watch": "true", "resourceVersion": version}) as response:
                    async for event in _events(response.content):
                        if event["type"] == "ERROR":
                            break
                        yield event["type"], event["object"]
            except (*Broken, KeyError, ValueError) as error:
                print("watch", path, repr(error), flush=True)
            await pause(AGAIN)


async def pause(seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()


async def _events(content: aiohttp.StreamReader) -> AsyncIterator[Json]:
    """One a line; lines may be longer than any limit of the reader."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield json.loads(line)
