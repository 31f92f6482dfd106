"""Claims about the door to generated code."""

from __future__ import annotations

from protos.v3 import Cluster, RouteConfiguration, VirtualHost, data, framed, pack, type_url


def test_framed_parts_joined_are_the_bytes_protobuf_would_write() -> None:
    hosts = [VirtualHost(name="a", domains=["a"] * 40), VirtualHost(name="b", domains=["b"])]
    joined = data(RouteConfiguration(name="r")) + b"".join(framed(2, data(host)) for host in hosts)
    assert joined == data(RouteConfiguration(name="r", virtual_hosts=hosts))


def test_packed_message_names_its_type_as_envoy_does() -> None:
    assert pack(Cluster(name="c")).type_url == type_url(Cluster) == "type.googleapis.com/envoy.config.cluster.v3.Cluster"
