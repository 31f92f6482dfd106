"""Claims about the door to generated code."""

from __future__ import annotations

import pytest

from protos.v3 import Cluster, RouteConfiguration, VirtualHost, data, framed, opening, pack, type_url, unframed


def test_framed_parts_joined_are_the_bytes_protobuf_would_write() -> None:
    hosts = [VirtualHost(name="a", domains=["a"] * 40), VirtualHost(name="b", domains=["b"])]
    joined = data(RouteConfiguration(name="r")) + b"".join(framed(2, data(host)) for host in hosts)
    assert joined == data(RouteConfiguration(name="r", virtual_hosts=hosts))


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16383, 16384, 2097152])
def test_opening_is_what_stands_before_a_part_of_any_size(size: int) -> None:
    body = bytes(size)
    assert framed(2, body) == opening(2, size) + body
    assert [(number, inside) for number, _, inside in unframed(framed(2, body))] == [(2, body)]


def test_packed_message_names_its_type_as_envoy_does() -> None:
    assert pack(Cluster(name="c")).type_url == type_url(Cluster) == "type.googleapis.com/envoy.config.cluster.v3.Cluster"
