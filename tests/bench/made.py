"""Resources as all servers of one measurement serve them: peers/server/main.go makes the same. Knows nothing of who serves them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from protos.v3 import Cluster, ClusterLoadAssignment, Message, Secret, data
from translator.engine import Table
from translator.ir.output import Packed
from translator.ir.tables import OUT_CLUSTER, OUT_ENDPOINTS, OUT_SECRET
from xds.kinds import CLUSTER, ENDPOINT, SECRET

GROUP = "local"
TABLES: Mapping[str, Table[Any, Any]] = {CLUSTER.type_url: OUT_CLUSTER, ENDPOINT.type_url: OUT_ENDPOINTS, SECRET.type_url: OUT_SECRET}
Settled = dict[tuple[Table[Any, Any], Any], Packed | None]


def cluster(number: int, edition: int) -> Message:
    return Cluster(
        name=f"cluster-{number:05}",
        type=Cluster.EDS,
        eds_cluster_config={"eds_config": {"ads": {}, "resource_api_version": "V3"}},
        connect_timeout={"seconds": 5, "nanos": edition},
        alt_stat_name=f"service/shop/backend-{number:05}/8080",
    )


def endpoints(number: int, edition: int) -> Message:
    addresses = [{"address": f"10.{number >> 8}.{number & 255}.{last}", "port_value": 8080 + edition % 1000} for last in (1, 2, 3)]
    return ClusterLoadAssignment(
        cluster_name=f"cluster-{number:05}",
        endpoints=[{"lb_endpoints": [{"endpoint": {"address": {"socket_address": one}}} for one in addresses]}],
    )


def secret(number: int, edition: int) -> Message:
    text = f"key {edition} of secret {number}"
    return Secret(name=f"secret-{number:05}", tls_certificate={"private_key": {"inline_string": f"{text:3000}"}})


MAKERS = {CLUSTER.type_url: cluster, ENDPOINT.type_url: endpoints, SECRET.type_url: secret}


def one(url: str, number: int, edition: int) -> Settled:
    """One resource, as the engine would hand it on."""
    made = MAKERS[url](number, edition)
    name = getattr(made, "cluster_name", None) or getattr(made, "name", "")
    return {(TABLES[url], (GROUP, name)): Packed(data(made))}


def changed(command: Mapping[str, Any]) -> tuple[Settled, int]:
    """What the line of JSON asks to be changed, and the Unix time in ns at which it begins to be served."""
    return one(command["type"], command["number"], command["edition"]), time.time_ns()


def fill(size: int, secrets: int) -> Settled:
    found: Settled = {}
    for url, many in ((CLUSTER.type_url, size), (ENDPOINT.type_url, size), (SECRET.type_url, secrets)):
        for number in range(many):
            found |= one(url, number, 0)
    return found
