"""Worlds of any size: N routes with three matches each, every one with its own host, Service and EndpointSlice, on one Gateway."""

from __future__ import annotations

import random
from typing import Any

from tests.objects import decoded
from translator.resources.meta import Object

Document = dict[str, Any]
API = "gateway.networking.k8s.io/v1"


def base() -> list[Document]:
    listeners = [{"name": "http", "port": 8080, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}]
    return [
        {
            "apiVersion": API,
            "kind": "GatewayClass",
            "metadata": {"name": "pointsman"},
            "spec": {"controllerName": "pointsman.io/gateway-controller"},
        },
        {
            "apiVersion": API,
            "kind": "Gateway",
            "metadata": {"name": "edge", "namespace": "infra"},
            "spec": {"gatewayClassName": "pointsman", "listeners": listeners},
        },
    ]


def route(number: int, path: str = "") -> Document:
    backends = [{"name": f"s{number}", "port": 8080}]
    rules = [
        {
            "matches": [
                {"path": {"type": "PathPrefix", "value": path or f"/r{number}"}},
                {"path": {"type": "Exact", "value": f"/x{number}"}, "method": "GET"},
            ],
            "backendRefs": backends,
        },
        {
            "matches": [{"path": {"type": "PathPrefix", "value": f"/y{number}"}, "headers": [{"name": "x-canary", "value": "1"}]}],
            "backendRefs": backends,
        },
    ]
    return {
        "apiVersion": API,
        "kind": "HTTPRoute",
        "metadata": {"name": f"r{number}", "namespace": namespace(number), "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"parentRefs": [{"name": "edge", "namespace": "infra"}], "hostnames": [f"h{number}.example.com"], "rules": rules},
    }


def service(number: int) -> Document:
    ports = [{"name": "http", "port": 8080}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": f"s{number}", "namespace": namespace(number)},
        "spec": {"ports": ports},
    }


def endpoint_slice(number: int, last: int = 1, many: int = 3) -> Document:
    addresses = [f"10.{number >> 8 & 255}.{number & 255}.{last + index}" for index in range(many)]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"s{number}-a", "namespace": namespace(number), "labels": {"kubernetes.io/service-name": f"s{number}"}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 3000}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
    }


def namespace(number: int) -> str:
    return f"ns{number % 10}"


def documents(size: int) -> list[Document]:
    return [*base(), *(make(number) for number in range(size) for make in (route, service, endpoint_slice))]


def world(size: int) -> list[Object]:
    """The same, decoded, in random order."""
    found = [decoded(document) for document in documents(size)]
    random.Random(size).shuffle(found)
    return found
