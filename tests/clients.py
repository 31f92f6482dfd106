"""A raw xDS client of either variant: bytes over gRPC, one type at a time, and nothing it was not told to do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import grpc.aio

from protos.v3 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse, Node
from xds.kinds import Kind, Variant
from xds.services import DELTA_ADS, SOTW_ADS

Response = DeltaDiscoveryResponse | DiscoveryResponse


class RawClient:
    def __init__(self, channel: grpc.aio.Channel, variant: Variant, kind: Kind, node: str = "n") -> None:
        self.variant, self.kind = variant, kind
        self.call: Any = channel.stream_stream((DELTA_ADS if variant is Variant.DELTA else SOTW_ADS).path)()
        self._node: Node | None = Node(id=node)
        self._names: list[str] = []
        self._last: Response | None = None

    async def ask(self, names: Iterable[str] = (), have: dict[str, str] | None = None, version: str = "") -> None:
        """The first request, or one for more names. `have` and `version` are what it holds from before, delta or SotW."""
        self._names += names
        if self.variant is Variant.DELTA:
            fields = {"resource_names_subscribe": list(names), "initial_resource_versions": have or {}}
            request: Any = DeltaDiscoveryRequest(type_url=self.kind.type_url, node=self._node, **fields)
        else:
            request = DiscoveryRequest(type_url=self.kind.type_url, node=self._node, resource_names=self._names, version_info=version)
            request.response_nonce = self._last.nonce if self._last else ""
        self._node = None
        await self.call.write(request.SerializeToString())

    async def next(self) -> Response:
        """What comes next, not answered."""
        data = await asyncio.wait_for(self.call.read(), 30)
        assert data is not grpc.aio.EOF, await self.call.details()
        self._last = (DeltaDiscoveryResponse if self.variant is Variant.DELTA else DiscoveryResponse).FromString(data)
        return self._last

    async def ack(self) -> None:
        assert self._last
        if self.variant is Variant.DELTA:
            request: Any = DeltaDiscoveryRequest(type_url=self.kind.type_url, response_nonce=self._last.nonce)
        else:
            request = DiscoveryRequest(type_url=self.kind.type_url, response_nonce=self._last.nonce, resource_names=self._names)
            request.version_info = self._last.version_info
        await self.call.write(request.SerializeToString())

    async def take(self) -> Response:
        response = await self.next()
        await self.ack()
        return response
