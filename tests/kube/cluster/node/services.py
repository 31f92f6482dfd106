"""What a cloud does for Services: addresses for those of type LoadBalancer, and names in DNS."""

from __future__ import annotations

import asyncio
from collections import deque
from ipaddress import ip_address, ip_network
from typing import Any

from tests.kube.cluster.isolation import BALANCERS
from tests.kube.cluster.node.api import MERGE, Api, Json

A, FOUND, NO_NAME = b"\0\1", b"\x85\x80", b"\x85\x83"
SUFFIX = ["svc", "cluster", "local"]


class Services:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._held: dict[tuple[str, str], Json] = {}
        self._free = deque(map(str, ip_network(BALANCERS).hosts()))

    async def follow(self) -> None:
        async for event, found in self._api.follow("/api/v1/services"):
            if event == "LIST":
                self._held.clear()
            for one in found["items"] if event == "LIST" else [found]:
                key = one["metadata"]["namespace"], one["metadata"]["name"]
                if event == "DELETED":
                    self._held.pop(key, None)
                    continue
                self._held[key] = one
                if one["spec"].get("type") == "LoadBalancer" and not _has_what_it_asks_for(one):
                    await self._give(key, one)

    async def _give(self, key: tuple[str, str], service: Json) -> None:
        """The one that is asked for, if it is one of ours; or one that was not in use for the longest time."""
        used = {one["ip"] for other in self._held.values() for one in _ingress(other)}
        address = service["spec"].get("loadBalancerIP") or next(one for one in self._free if one not in used)
        if address not in self._free:
            return
        self._free.remove(address)
        self._free.append(address)
        found = {"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}}
        service["status"] = found
        await self._api.told("PATCH", f"/api/v1/namespaces/{key[0]}/services/{key[1]}/status", {"status": found}, MERGE)

    def answer(self, query: bytes) -> bytes:
        """One question in, one answer out: the cluster address of a Service; other names do not exist."""
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
            at += 1 + query[at]
        service = self._held.get((labels[1], labels[0])) if labels[2:] == SUFFIX else None
        address = service["spec"].get("clusterIP", "") if service else ""
        record = b""
        if address not in ("", "None") and query[at + 1 : at + 3] == A:
            record = b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4" + ip_address(address).packed
        counts = b"\0\1" + (b"\0\1" if record else b"\0\0") + b"\0\0\0\0"
        return query[:2] + (FOUND if service else NO_NAME) + counts + query[12 : at + 5] + record


def _has_what_it_asks_for(service: Json) -> bool:
    asked = service["spec"].get("loadBalancerIP")
    return any(asked in (None, one["ip"]) for one in _ingress(service))


def _ingress(service: Json) -> list[dict[str, Any]]:
    return service.get("status", {}).get("loadBalancer", {}).get("ingress") or []


class Names(asyncio.DatagramProtocol):
    """The DNS server of the Pods, over UDP."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        try:
            self._transport.sendto(self._services.answer(data), addr)
        except (IndexError, ValueError):
            return
