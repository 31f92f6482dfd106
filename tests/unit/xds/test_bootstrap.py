"""The bootstrap that fits the server, and which addresses only this machine can reach."""

from __future__ import annotations

import json

import pytest
from google.protobuf.json_format import ParseDict

import protos.envoy.extensions.resource_monitors.downstream_connections.v3.downstream_connections_pb2
import protos.envoy.extensions.upstreams.http.v3.http_protocol_options_pb2  # noqa: F401 - what the Anys hold
from protos.v3 import Bootstrap as Message
from xds.bootstrap import Bootstrap, Client, bootstrap, is_loopback, split
from xds.traffic.sink import EVERY


def test_it_is_a_bootstrap_by_envoys_own_description() -> None:
    message = ParseDict(bootstrap(Bootstrap(modules=("shard",))), Message())
    assert message.dynamic_resources.ads_config.api_type == message.dynamic_resources.ads_config.DELTA_GRPC
    assert message.node.id == "pointsman"
    assert message.node.cluster == "local"
    assert message.admin.address.socket_address.address == "127.0.0.1"


def test_it_announces_the_native_module_only_where_there_is_one() -> None:
    assert bootstrap(Bootstrap(modules=("shard",)))["node"]["metadata"] == {"pointsman.io/modules": ["shard"]}
    assert "metadata" not in bootstrap(Bootstrap())["node"]


def test_what_a_user_names_is_a_value_and_never_text_of_the_file() -> None:
    node = 'x", "cluster": "stolen'
    assert json.loads(json.dumps(bootstrap(Bootstrap(node=node))))["node"] == {"id": node, "cluster": "local"}


@pytest.mark.parametrize(
    ("address", "kind", "where"),
    [
        ("127.0.0.1:18000", "STATIC", {"socket_address": {"address": "127.0.0.1", "port_value": 18000}}),
        ("[::1]:18000", "STATIC", {"socket_address": {"address": "::1", "port_value": 18000}}),
        ("localhost:1", "STRICT_DNS", {"socket_address": {"address": "localhost", "port_value": 1}}),
        ("unix:/run/x", "STATIC", {"pipe": {"path": "/run/x"}}),
    ],
)
def test_the_server_is_reached_by_address_name_or_socket(address: str, kind: str, where: dict[str, object]) -> None:
    [cluster] = bootstrap(Bootstrap(xds=address))["static_resources"]["clusters"]
    assert cluster["type"] == kind
    assert cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"] == where
    ParseDict(bootstrap(Bootstrap(xds=address)), Message())


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1:1", True), ("127.9.9.9:1", True), ("[::1]:1", True), ("localhost:1", True), ("unix:/x", True),
        ("0.0.0.0:1", False), ("10.0.0.1:1", False), ("127.0.0.1.evil.example:1", False), ("[::]:1", False), ("example.com:1", False),
    ],
)  # fmt: skip
def test_loopback_is_told_from_the_world(address: str, local: bool) -> None:
    assert is_loopback(address) is local


@pytest.mark.parametrize("address", ["", "x", ":1", "x:", "x:y", "x:70000", "::1:80", "x:-1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError):
        split(address)


def test_clusters_and_their_statistics_are_made_when_they_are_asked_for() -> None:
    made = bootstrap(Bootstrap())
    assert made["cluster_manager"] == {"enable_deferred_cluster_creation": True}
    assert made["deferred_stat_options"] == {"enable_deferred_creation_stats": True}


def test_histograms_are_merged_seldom_unless_somebody_is_sent_them() -> None:
    """A flush holds the main thread for 235 ms where 10,000 clusters are in use, and a change waits so long."""
    assert ParseDict(bootstrap(Bootstrap()), Message()).stats_flush_interval.seconds == 60
    assert ParseDict(bootstrap(Bootstrap(request_metrics=True)), Message()).stats_flush_interval.seconds == EVERY


def test_envoy_comes_back_within_seconds_to_a_server_that_was_away() -> None:
    """Of the two fields of that name Envoy 1.40 reads this one; with the other it waited 27 s for a server that was back."""
    service = ParseDict(bootstrap(Bootstrap()), Message()).dynamic_resources.ads_config.grpc_services[0]
    assert service.envoy_grpc.retry_policy.retry_back_off.max_interval.ToTimedelta().total_seconds() <= 3
    assert not service.HasField("retry_policy")


def test_keepalive_finds_a_dead_server_within_forty_seconds() -> None:
    [cluster] = bootstrap(Bootstrap())["static_resources"]["clusters"]
    [options] = cluster["typed_extension_protocol_options"].values()
    pings = options["explicit_http_config"]["http2_protocol_options"]["connection_keepalive"]
    assert (pings["interval"], pings["timeout"]) == ("30s", "10s")


@pytest.mark.parametrize(("server", "kind", "sni"), [("xds.example", "DNS", {"sni": "xds.example"}), ("127.0.0.1", "IP_ADDRESS", {})])
def test_with_certificates_the_server_is_asked_over_tls_1_3_and_its_name_is_checked(server: str, kind: str, sni: dict[str, str]) -> None:
    [cluster] = bootstrap(Bootstrap(client=Client("/certs", server)))["static_resources"]["clusters"]
    context = cluster["transport_socket"]["typed_config"]
    common = context["common_tls_context"]
    assert {name: value for name, value in context.items() if name == "sni"} == sni
    assert set(common["tls_params"].values()) == {"TLSv1_3"}
    checked = common["combined_validation_context"]["default_validation_context"]["match_typed_subject_alt_names"]
    assert checked == [{"san_type": kind, "matcher": {"exact": server}}]
    assert "PRIVATE KEY" not in str(cluster)


def test_load_is_reported_over_the_same_cluster_if_it_is_wanted() -> None:
    message = ParseDict(bootstrap(Bootstrap(load_reports=True)), Message())
    assert message.cluster_manager.load_stats_config.grpc_services[0].envoy_grpc.cluster_name == "pointsman"
    assert message.cluster_manager.enable_deferred_cluster_creation
    assert not ParseDict(bootstrap(Bootstrap()), Message()).cluster_manager.HasField("load_stats_config")
