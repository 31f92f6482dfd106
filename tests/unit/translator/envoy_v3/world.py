"""Rows for the tests of envoy_v3, and an engine that holds nothing but its rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from translator.engine import AnyTable, Engine, Rule, Table, View, rule
from translator.envoy_v3 import RULES
from translator.ir.cluster import Cluster, Endpoint, Endpoints, Use
from translator.ir.listener import Chain, Port
from translator.ir.output import Group, Packed
from translator.ir.route import Entry, Forward, Match, PathMatch, Place, Precedence, Share
from translator.ir.tables import (
    AUTHORITY,
    CERTIFICATE,
    CHAIN,
    CLIENT_CERTIFICATE,
    CLUSTER,
    CLUSTER_USE,
    DATAGRAMS,
    ENDPOINTS,
    ENTRIES,
    FORK,
    FORK_KEY,
    GROUP,
    HOST,
    INBOUND,
    KEY_HOST,
    KEY_RULES,
    KEYED,
    PLACED,
    QUARANTINE,
    REFUSED,
    RESOURCES,
    SECRET_USE,
    SPLIT,
    STRAY,
    YIELDING,
)  # fmt: skip

PORT = Port("local", "", 8080)
TABLE = "local/8080/http"
USE = Use("Service", "shop/cart", 80)
NAME = "service/shop/cart/80"
CART = Cluster(name=NAME)
PLAIN = Chain(name="http", table=TABLE)

# An input table holds one row a key; where a front yields several, a tuple goes in and a rule spreads it
MANY_CHAINS = Table[Port, tuple[Chain, ...]]("ManyChains")
MANY_PLACES = Table[str, tuple[Place, ...]]("ManyPlaces")


@rule(over=MANY_CHAINS, into=(CHAIN,))
def spread_chains(view: View, key: Port) -> Any:
    for one in view.one(MANY_CHAINS, key):
        yield CHAIN(key, one)


@rule(over=MANY_PLACES, into=(PLACED,))
def spread_places(view: View, key: str) -> Any:
    for one in view.one(MANY_PLACES, key):
        yield PLACED(key, one)


INPUTS = (
    GROUP, QUARANTINE, AUTHORITY, CLIENT_CERTIFICATE, MANY_CHAINS, DATAGRAMS,
    ENTRIES, MANY_PLACES, HOST, CLUSTER_USE, CLUSTER, ENDPOINTS, SPLIT, STRAY,
    SECRET_USE, CERTIFICATE, KEYED, FORK, FORK_KEY, KEY_RULES, KEY_HOST, INBOUND, YIELDING,
)  # fmt: skip
PROGRAM: tuple[Rule, ...] = (spread_chains, spread_places, *RULES)


def engine() -> Engine:
    return Engine(INPUTS, PROGRAM, RESOURCES)


class World:
    """An engine with its outputs so far, and no rule that raised."""

    def __init__(self, *changes: tuple[AnyTable, Any, Any]) -> None:
        self.engine = engine()
        self.resources: dict[Any, Packed] = {}
        self.change(*changes)

    def change(self, *changes: tuple[AnyTable, Any, Any]) -> dict[Any, Packed | None]:
        changed = self.engine.apply(changes)
        assert not self.engine.failures
        for name, row in changed.items():
            if row is None:
                del self.resources[name]
            else:
                self.resources[name] = row
        return changed

    def names(self, table: AnyTable, view: str = "local") -> set[str]:
        return {key[1] for of, key in self.resources if of is table and key[0] == view}

    def body(self, table: AnyTable, name: str, view: str = "local") -> bytes:
        return self.resources[table, (view, name)].body

    def refused(self, kind: str = "HTTPRoute", key: str = "shop/cart") -> list[Any]:
        return list(self.engine.rows(REFUSED).get((kind, key), ()))


def entry(n: int = 0, match: Match | None = None, action: Any = None, filters: Any = (), key: str = "shop/cart") -> Entry:
    return Entry(
        name=f"httproute/{key}/{n}/0",
        match=match or Match(),
        precedence=Precedence(path=0, length=0, method=True, headers=0, query=0, created="", key=key, rule=n, match=0),
        action=action or Forward(shares=(Share(cluster=NAME),)),
        filters=filters,
        origin=("HTTPRoute", key),
    )


def at(kind: str, value: str) -> Match:
    return Match(path=PathMatch(kind, value))  # type: ignore[arg-type]


def routed(entries: Iterable[Entry], *hosts: str, key: str = "HTTPRoute/shop/cart", table: str = TABLE) -> list[tuple[AnyTable, Any, Any]]:
    return [(ENTRIES, key, tuple(entries)), (MANY_PLACES, key, tuple(Place(table, host) for host in hosts or ("a.example",)))]


def served(*chains: Chain, port: Port = PORT) -> tuple[AnyTable, Any, Any]:
    return (MANY_CHAINS, port, chains or (PLAIN,))


def upstream(use: Use = USE, cluster: Cluster = CART, *endpoints: Endpoint) -> list[tuple[AnyTable, Any, Any]]:
    return [(CLUSTER_USE, ("local", use), "route"), (CLUSTER, use, cluster), (ENDPOINTS, use, Endpoints(endpoints=endpoints))]


def small(*, flat: bool = False) -> list[tuple[AnyTable, Any, Any]]:
    """One port, one route, one Service with one endpoint."""
    return [
        (GROUP, "local", Group(flat=flat)), served(), *routed([entry()]), *upstream(USE, CART, Endpoint("127.0.0.1", 9000)),
    ]  # fmt: skip
