"""The names of everything inside Envoy, computed here and nowhere else. Readable, and different where content differs."""

from __future__ import annotations

from translator.ir.cluster import Use
from translator.ir.listener import Port

INBOUND = "inbound"  # what the names of listeners and routes of sidecars begin with
FORK, BESIDE = "fork", "beside"  # and those of forks, at Gateways and at sidecars
UNRESOLVED = "unresolved"  # the cluster named for a share whose backend cannot be had; it exists nowhere, and answers 500


def flat(group: str) -> str:
    """The view of a group for Envoys without our native module: `local~flat`."""
    return f"{group}~flat"


def listener(port: Port) -> str:
    """`local/8080`, `local/10.0.0.1/8080` where the address is not the group's own, `local/53/udp` for datagrams; of one Gateway of
    several `class:edge/infra/edge/8080`.
    """
    place = f"{port.group}/{port.gateway}" if port.gateway else port.group
    name = f"{place}/{port.address}/{port.port}" if port.address else f"{place}/{port.port}"
    return f"{name}/udp" if port.transport == "udp" else name


def plain_table(port: Port) -> str:
    return f"{listener(port)}/http"


def tls_table(port: Port, server_name: str) -> str:
    return f"{listener(port)}/https/{server_name or '*'}"


def stream(port: Port, chain: str) -> str:
    """A filter chain without a route table, in statistics: `local/443/tls/a.example`."""
    return f"{listener(port)}/{chain}"


def cluster(use: Use) -> str:
    """`service/shop/cart/8080`, or `service/shop/cart/8080/h2` for those who speak HTTP/2 to a port that does not say so."""
    if use.fork:
        return use.fork
    name = f"{use.kind.lower()}/{use.key}"
    if use.port:
        name = f"{name}/{use.port}"
    return f"{name}/{use.speaks}" if use.speaks else name


def forks(group: str, cluster: str) -> str:
    """What the names of all forks of a cluster begin with: `fork/shop/previews/service/shop/cart/8080/`, and then the key."""
    return f"{FORK}/{group}/{cluster}/"


def mesh(group: str, service: str, port: int) -> str:
    """What the names of forks begin with that a mesh leads to, and no proxy of ours: `mesh/shop/previews/shop/cart/8080/`."""
    return f"mesh/{group}/{service}/{port}/"


def baseline(kind: str, key: str) -> str:
    """What sandboxes may change: `shop/cart` for a Service, `Backend/shop/legacy` for a Backend."""
    return key if kind == "Service" else f"{kind}/{key}"


def fork(prefix: str, key: str, place: int | None = None) -> str:
    """The fork for a key, or the one of the rule at that place."""
    return prefix + key if place is None else f"{prefix}{key}/{place}"


def key_rules(which: str) -> str:
    """`keys/shop/previews/alice`: a RouteConfiguration, and its scope, that no request is routed by; it holds the rules of a key."""
    return f"keys/{which}"


def inbound(service: str) -> str:
    """The listener of the sidecars of a Service: `inbound/shop/cart`."""
    return f"{INBOUND}/{service}"


def inbound_route(service: str, port: int) -> str:
    """What is asked of a port of its workload: `inbound/shop/cart/8080`."""
    return f"{inbound(service)}/{port}"


def inbound_six(service: str) -> str:
    """The one for IPv6: `inbound6/shop/cart`."""
    return f"inbound6/{service}"


def beside(service: str, port: int) -> str:
    """What the names of forks begin with that a sidecar of the Service leads to: `beside/shop/cart/8080/`, and then the key."""
    return f"{BESIDE}/{service}/{port}/"


def authority(kind: str, key: str) -> str:
    """`authority/backendtlspolicy/shop/cart`: the bundle of certificates that an object names."""
    return f"authority/{kind.lower()}/{key}"


def secret(key: str) -> str:
    return f"secret/{key}"


def route(kind: str, key: str, rule: int, match: int) -> str:
    """`httproute/shop/cart/0/1`: rule 0, match 1."""
    return f"{kind.lower()}/{key}/{rule}/{match}"


def owner(route: str) -> str:
    """The object that a route is of, from the name of the route: `httproute/shop/cart`."""
    return route.rsplit("/", 2)[0]


def route_configuration(table: str, shards: int, shard: int) -> str:
    return f"{table}/{shards}/{shard}"


def scope(table: str, slot: int) -> str:
    """What the native module writes into the header: its prefix `<table>/`, then the slot."""
    return f"{table}/{slot}"


def warm_scope(table: str, shards: int, shard: int) -> str:
    """A scope that no request has, so that a RouteConfiguration is loaded before the first real scope names it."""
    return f"warm/{route_configuration(table, shards, shard)}"
