"""Virtual hosts, RouteConfigurations and scopes, joined from the bytes of what they hold. Knows no entries and no tables.

A protobuf message is its fields one after the other: a changed route is packed alone, and its neighbours are joined in C.
Fields stand in the order of their numbers, so the joined bytes are those that protobuf itself would write.
"""

from __future__ import annotations

from collections.abc import Iterable

from protos.v3 import RouteConfiguration, ScopedRouteConfiguration, VirtualHost, data, framed
from translator.envoy_v3.sharding import HEADER

NAME, DOMAINS, ROUTES = 1, 2, 3  # of VirtualHost
VIRTUAL_HOSTS = 2  # of RouteConfiguration
COUNTS_ATTEMPTS = data(VirtualHost(include_request_attempt_count=True))  # by which `fork` knows a second try
_TAIL = data(RouteConfiguration(request_headers_to_remove=[HEADER], ignore_port_in_host_matching=True))


def virtual_host(host: str, routes: Iterable[bytes], tail: bytes = b"") -> bytes:
    """Framed for a RouteConfiguration. The routes are framed, and stand in the order in which they are asked."""
    name = host.encode()
    return framed(VIRTUAL_HOSTS, b"".join((framed(NAME, name), framed(DOMAINS, name), *routes, tail)))


def route_configuration(name: str, virtual_hosts: Iterable[bytes]) -> bytes:
    """sharding.py says why ports are ignored here and not stripped, and why its header ends here."""
    return data(RouteConfiguration(name=name)) + b"".join(virtual_hosts) + _TAIL


def scope(name: str, route_configuration: str) -> bytes:
    """A scope whose key is its name: what the native module writes into the header."""
    key = ScopedRouteConfiguration.Key(fragments=[{"string_key": name}])
    return data(ScopedRouteConfiguration(name=name, route_configuration_name=route_configuration, key=key))
