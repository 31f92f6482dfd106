"""What the proxies of a data plane start with."""

from __future__ import annotations

import json

from google.protobuf.json_format import ParseDict

import protos.envoy.extensions.filters.http.router.v3.router_pb2
import protos.envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2
import protos.envoy.extensions.resource_monitors.downstream_connections.v3.downstream_connections_pb2
import protos.envoy.extensions.transport_sockets.tls.v3.tls_pb2
import protos.envoy.extensions.upstreams.http.v3.http_protocol_options_pb2  # noqa: F401 - what the Anys hold
from protos.v3 import Bootstrap
from translator.ir.plane import Plane
from xds.planes.start import files

EDGE = Plane(group="infra/edge", gateway_class="pods", ports=())


def started() -> Bootstrap:
    text = files(EDGE, "pointsman.example:18000", "pointsman.example")["bootstrap.json"]
    return ParseDict(json.loads(text), Bootstrap())


def test_it_is_a_bootstrap_of_the_gateways_own_group() -> None:
    found = started()
    assert (found.node.id, found.node.cluster) == ("infra/edge", "infra/edge")


def test_it_holds_no_secret_and_names_the_files_that_do() -> None:
    found = files(EDGE, "pointsman.example:18000", "pointsman.example")
    assert sorted(found) == ["bootstrap.json", "sds-cas.yaml", "sds-own.yaml"]
    assert "/etc/pointsman/tls.key" in found["sds-own.yaml"]
    assert "BEGIN" not in "".join(found.values())


def test_proxy_is_not_ready_before_it_has_a_configuration() -> None:
    dynamic = started().dynamic_resources
    assert dynamic.lds_config.HasField("initial_fetch_timeout")
    assert dynamic.lds_config.initial_fetch_timeout.ToSeconds() == dynamic.cds_config.initial_fetch_timeout.ToSeconds() == 0


def test_two_pages_are_shown_and_the_admin_port_is_not() -> None:
    [listener] = started().static_resources.listeners
    assert listener.address.socket_address.port_value == 19003
    assert started().admin.address.socket_address.address == "127.0.0.1"
    shown = json.loads(files(EDGE, "x:1", "x")["bootstrap.json"])["static_resources"]["listeners"][0]
    manager = shown["filter_chains"][0]["filters"][0]["typed_config"]
    assert [one["match"]["path"] for one in manager["route_config"]["virtual_hosts"][0]["routes"]] == ["/ready", "/stats/prometheus"]


def test_where_requests_are_counted_it_sends_them_and_the_load_of_clusters() -> None:
    counted = json.loads(files(EDGE, "x:1", "x", counted=True)["bootstrap.json"])
    assert counted["stats_sinks"]
    assert "load_stats_config" in counted["cluster_manager"]
    assert not started().stats_sinks
