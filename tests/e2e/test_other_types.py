"""What Envoy 1.40 does with virtual hosts, runtime layers, filter configurations and clusters on demand, and what it reports."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

import protos.envoy.extensions.filters.http.fault.v3.fault_pb2
import protos.envoy.extensions.filters.http.on_demand.v3.on_demand_pb2  # noqa: F401 - what the Anys hold
from protos import v3
from protos.envoy.config.core.v3.extension_pb2 import TypedExtensionConfig
from protos.envoy.service.runtime.v3.rtds_pb2 import Runtime
from tests.e2e.envoy import Envoy, binary, bootstrap
from tests.e2e.made import ADS, HCM, ROUTER, changes, cluster, endpoints, listener, packed, routes
from tests.e2e.test_stream import Rig, backend
from tests.ports import free_port
from tests.waiting import wait_until
from translator.ir.output import Packed
from xds.companions import CLIENT_STATUS
from xds.events import Nacked, Sent
from xds.kinds import CLUSTER, EXTENSION, LISTENER, ROUTE
from xds.loads import Loads

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(binary() is None, reason="no Envoy binary is installed")]
FAULT = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault"
ON_DEMAND = "type.googleapis.com/envoy.extensions.filters.http.on_demand.v3.OnDemand"
XDS = {"grpc_services": [{"envoy_grpc": {"cluster_name": "xds"}}], "api_type": "GRPC", "transport_api_version": "V3"}


def runtime(value: str, ttl: int = 0) -> Packed:
    made = packed(Runtime(), {"name": "flags", "layer": {"pointsman.flag": value}})
    return Packed(made.body, ttl=ttl)


def fault(status: int) -> Packed:
    """A filter that answers every request with this."""
    config = {"@type": FAULT, "abort": {"http_status": status, "percentage": {"numerator": 100}}}
    return packed(TypedExtensionConfig(), {"name": "stop", "typed_config": config})


def virtual_host(name: str, host: str, answer: str) -> Packed:
    route = {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": answer}}}
    made = packed(v3.VirtualHost(), {"name": name, "domains": [host], "routes": [route]})
    return Packed(made.body, aliases=(f"v/{host}",))


def listening(name: str, port: int, route_table: str, *filters: dict[str, Any]) -> Packed:
    rds = {"route_config_name": route_table, "config_source": ADS}
    hcm = {"@type": HCM, "stat_prefix": "test", "rds": rds, "http_filters": [*filters, ROUTER]}
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    chain = {"filters": [{"name": "hcm", "typed_config": hcm}]}
    return packed(v3.Listener(), {"name": name, "address": address, "filter_chains": [chain]})


def with_discovered_filter(port: int) -> Packed:
    discovery = {"config_source": ADS, "type_urls": [FAULT]}
    return listening("filtered", port, "r", {"name": "stop", "config_discovery": discovery})


def with_hosts_on_demand(port: int) -> Packed:
    return listening("hosts", port, "v", {"name": "on-demand", "typed_config": {"@type": ON_DEMAND}})


class Config(Rig):
    """An Envoy that takes a runtime layer from the server, and reports its load to it."""

    def config(self, address: str) -> dict[str, Any]:
        self.server.companions.loads = Loads(interval=0.2)
        made = bootstrap(address)
        layers = [{"name": "flags", "rtds_layer": {"name": "flags", "rtds_config": ADS}}]
        return made | {"layered_runtime": {"layers": layers}, "cluster_manager": {"load_stats_config": XDS}}


async def flag(envoy: Envoy) -> str:
    entries = json.loads((await envoy.admin("/runtime")).body)["entries"]
    return str(entries.get("pointsman.flag", {}).get("final_value", ""))


async def test_types_that_no_front_fills_are_taken_by_envoy(tmp_path: Path) -> None:
    plain, filtered, hosts = free_port(), free_port(), free_port()
    table = packed(v3.RouteConfiguration(), {"name": "v", "vhds": {"config_source": ADS}})
    async with backend("up") as up:
        first = changes(
            cds={"a": cluster("a")},
            eds={"a": endpoints("a", up)},
            rds={"r": routes("r", cluster="a"), "v": table},
            lds={"l": listener("l", plain, "r"), "filtered": with_discovered_filter(filtered), "hosts": with_hosts_on_demand(hosts)},
            vhds={"v/one": virtual_host("v/one", "one.test", "one")},
            rtds={"flags": runtime("first")},
            ecds={"stop": fault(418)},
        )
        async with Config(first, tmp_path) as rig:
            assert await flag(rig.envoy) == "first"
            await rig.change(changes(rtds={"flags": runtime("second")}))
            assert await flag(rig.envoy) == "second"

            await the_filter_changes_and_stays(rig, filtered)
            await hosts_come_on_demand(rig, hosts)
            await load_is_reported(rig, plain)
            await status_is_what_envoy_says_itself(rig)


async def the_filter_changes_and_stays(rig: Rig, port: int) -> None:
    assert (await rig.envoy.fetch(port)).status == 418
    await rig.change(changes(ecds={"stop": fault(429)}))
    assert (await rig.envoy.fetch(port)).status == 429
    before = len(rig.of(Sent))
    await rig.change(changes(ecds={"stop": None}))
    assert (await rig.envoy.fetch(port)).status == 429
    assert [event for event in rig.of(Sent)[before:] if event.type_url == EXTENSION.type_url] == []


async def hosts_come_on_demand(rig: Rig, port: int) -> None:
    assert await rig.envoy.fetch(port, host="one.test") == (200, "one")
    assert (await asyncio.wait_for(rig.envoy.fetch(port, host="nobody.test"), 5)).status == 404
    await rig.change(changes(vhds={"v/two": virtual_host("v/two", "two.test", "two"), "v/one": virtual_host("v/one", "one.test", "new")}))
    assert await rig.envoy.fetch(port, host="two.test") == (200, "two")
    assert await rig.envoy.fetch(port, host="one.test") == (200, "new")
    other = virtual_host("v/other", "one.test", "other")
    await rig.change(changes(vhds={"v/one": None, "v/other": other}))
    assert await rig.envoy.fetch(port, host="one.test") == (200, "other")


async def load_is_reported(rig: Rig, port: int) -> None:
    """Envoy counts from its first report of a cluster on."""
    loads = rig.server.companions.loads.clusters
    await wait_until(lambda: "a" in loads, what="the first report of cluster a")
    for _ in range(5):
        assert (await rig.envoy.fetch(port)).status == 200
    await wait_until(lambda: loads["a"].succeeded >= 5, what="the load of cluster a")
    assert (loads["a"].succeeded, loads["a"].failed, loads["a"].issued) == (5, 0, 5)


async def status_is_what_envoy_says_itself(rig: Rig) -> None:
    """Versions of the server's view against those of Envoy's config_dump, which has none of endpoints, and another of a route
    table whose virtual hosts came by themselves.
    """
    async with grpc.aio.insecure_channel(rig.address) as channel:
        data = await channel.unary_unary(f"/{CLIENT_STATUS}/FetchClientStatus")(b"")
    (config,) = v3.ClientStatusResponse.FromString(data).config
    said = {
        (one.type_url, one.name): one.version_info
        for one in config.generic_xds_configs
        if one.type_url in (CLUSTER.type_url, LISTENER.type_url, ROUTE.type_url) and one.name != "v"
    }
    assert {one.config_status for one in config.generic_xds_configs if (one.type_url, one.name) in said} == {v3.ConfigStatus.SYNCED}
    assert said == await dumped(rig.envoy)


async def dumped(envoy: Envoy) -> dict[tuple[str, str], str]:
    found = {}
    for section in (await envoy.config())["configs"]:
        for one in section.get("dynamic_active_clusters", ()):
            found[CLUSTER.type_url, one["cluster"]["name"]] = one["version_info"]
        for one in section.get("dynamic_listeners", ()):
            found[LISTENER.type_url, one["name"]] = one["active_state"]["version_info"]
        for one in section.get("dynamic_route_configs", ()):
            found[ROUTE.type_url, one["route_config"]["name"]] = one["version_info"]
    return {key: version for key, version in found.items() if key[1] != "v"}


class OnDemand(Rig):
    """An Envoy that asks for no cluster before a request needs it, and for its listeners as ever."""

    def config(self, address: str) -> dict[str, Any]:
        made = bootstrap(address)
        del made["dynamic_resources"]["cds_config"]
        return made


async def test_clusters_come_on_demand_each_with_its_endpoints(tmp_path: Path) -> None:
    """By name and over the aggregated stream; a cluster that does not exist is told at once, so the request fails fast."""
    port = free_port()
    route = {"match": {"prefix": "/"}, "route": {"cluster_header": "x-cluster"}}
    host = {"name": "all", "domains": ["*"], "routes": [route]}
    table = packed(v3.RouteConfiguration(), {"name": "r", "virtual_hosts": [host]})
    demand = {"name": "on-demand", "typed_config": {"@type": ON_DEMAND, "odcds": {"source": ADS, "timeout": "10s"}}}
    async with backend("one") as one, backend("two") as two:
        first = changes(
            cds={"a": cluster("a"), "b": cluster("b"), "unused": cluster("unused")},
            eds={"a": endpoints("a", one), "b": endpoints("b", two), "unused": endpoints("unused", one)},
            rds={"r": table},
            lds={"l": listening("l", port, "r", demand)},
        )
        async with OnDemand(first, tmp_path) as rig:
            assert await rig.envoy.fetch(port, x_cluster="a") == (200, "one")
            assert await rig.envoy.fetch(port, x_cluster="b") == (200, "two")
            assert (await asyncio.wait_for(rig.envoy.fetch(port, x_cluster="nowhere"), 5)).status == 503
            assert {name for event in rig.of(Sent) if event.type_url == CLUSTER.type_url for name in event.names} == {"a", "b"}
            assert not rig.of(Nacked)
