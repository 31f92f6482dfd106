"""Claims about connections and datagrams that are carried as they come, by decoding the bytes."""

from __future__ import annotations

from collections import Counter

import pytest

from protos.v3 import Cluster, ClusterLoadAssignment, DownstreamTlsContext, Listener, TcpProxy, UdpProxyConfig, UdpRoute, data
from translator.envoy_v3.cluster import NOBODY, split_assignment, split_cluster
from translator.envoy_v3.listener import listener
from translator.envoy_v3.stream import tcp_proxy, udp_listener
from translator.envoy_v3.validation import violations
from translator.ir import names
from translator.ir.cluster import Endpoint, Split
from translator.ir.listener import Chain, Datagrams, Port
from translator.ir.route import Share

CART, TILL = Share(cluster="service/shop/cart/80", weight=3), Share(cluster="service/shop/till/80", weight=1)
GONE = Share(cluster="", weight=1)


@pytest.mark.parametrize(
    ("shares", "cluster"),
    [
        pytest.param((CART,), CART.cluster, id="one"),
        pytest.param((CART, Share(cluster="other", weight=0)), CART.cluster, id="one-with-weight"),
        pytest.param((GONE,), names.UNRESOLVED, id="missing"),
        pytest.param((Share(cluster="other", weight=0),), names.UNRESOLVED, id="no-weight"),
        pytest.param((), names.UNRESOLVED, id="no-route"),
    ],
)
def test_connections_go_to_the_one_backend_or_are_closed(shares: tuple[Share, ...], cluster: str) -> None:
    assert tcp_proxy("s", shares).cluster == cluster


def test_connections_are_shared_by_weight_and_a_missing_backend_keeps_its_share() -> None:
    found = tcp_proxy("s", (CART, TILL, GONE)).weighted_clusters.clusters
    assert [(one.name, one.weight) for one in found] == [(CART.cluster, 3), (TILL.cluster, 1), (names.UNRESOLVED, 1)]


def chain(**fields: object) -> Chain:
    return Chain(name="tls/a.example", table="local/443/tls/a.example", server_names=("a.example",), shares=(CART,), **fields)  # type: ignore[arg-type]


def built(*chains: Chain) -> Listener:
    return Listener.FromString(listener("l", "127.0.0.1", 443, chains, sharded=True))


def test_passed_through_handshakes_are_looked_at_and_left_alone() -> None:
    message = built(chain(passthrough=True))
    (one,) = message.filter_chains
    assert [each.name for each in message.listener_filters] == ["envoy.filters.listener.tls_inspector"]
    assert (one.filter_chain_match.transport_protocol, list(one.filter_chain_match.server_names)) == ("tls", ["a.example"])
    assert not one.HasField("transport_socket")
    assert TcpProxy.FromString(one.filters[-1].typed_config.value).cluster == CART.cluster


def test_terminated_streams_offer_no_protocol_of_their_own() -> None:
    (one,) = built(chain(secrets=("secret/pair",))).filter_chains
    context = DownstreamTlsContext.FromString(one.transport_socket.typed_config.value)
    assert list(context.common_tls_context.alpn_protocols) == []
    assert one.transport_socket.name == "envoy.transport_sockets.tls"


def test_plain_streams_need_nothing_looked_at() -> None:
    message = built(Chain(name="tcp", table="local/5432/tcp", shares=(CART,)))
    assert not message.listener_filters
    assert message.filter_chains[0].filter_chain_match.ByteSize() == 0


def test_datagrams_go_to_one_upstream_whose_backends_may_change_without_the_listener() -> None:
    message = Listener.FromString(udp_listener("local/53/udp", "127.0.0.1", 53, Datagrams(cluster="udproute/shop/dns")))
    proxy = UdpProxyConfig.FromString(message.listener_filters[0].typed_config.value)
    route = UdpRoute.FromString(proxy.matcher.on_no_match.action.typed_config.value)
    assert route.cluster == "udproute/shop/dns"
    assert message.address.socket_address.protocol == 1
    assert not message.filter_chains
    assert violations(message) == ()


SPLIT = Split(
    name="udproute/shop/dns", parts=((7, (Endpoint("10.0.0.1", 53), Endpoint("10.0.0.2", 53))), (2, ()), (1, (Endpoint("::1", 53),)))
)


def test_backends_of_datagrams_are_localities_with_their_weights() -> None:
    message = split_assignment(SPLIT)
    assert [one.load_balancing_weight.value for one in message.endpoints] == [7, 2, 1]
    assert len({one.locality.sub_zone for one in message.endpoints}) == 3
    assert violations(message) == ()


def test_share_of_datagrams_without_endpoints_goes_where_nobody_listens() -> None:
    lost = split_assignment(SPLIT).endpoints[1].lb_endpoints
    assert [(one.endpoint.address.socket_address.address, one.endpoint.address.socket_address.port_value) for one in lost] == [
        (NOBODY.address, NOBODY.port)
    ]


def test_cluster_of_datagrams_draws_localities_by_weight() -> None:
    message = Cluster.FromString(split_cluster(SPLIT))
    assert message.common_lb_config.HasField("locality_weighted_lb_config")
    assert message.eds_cluster_config.service_name == SPLIT.name
    assert violations(message) == ()


def test_same_split_is_the_same_bytes() -> None:
    assert Counter([data(split_assignment(SPLIT)), data(split_assignment(SPLIT))]).most_common(1)[0][1] == 2
    assert ClusterLoadAssignment.FromString(data(split_assignment(SPLIT))).cluster_name == SPLIT.name


def test_names_tell_datagrams_from_streams() -> None:
    assert names.listener(Port("local", "", 53)) == "local/53"
    assert names.listener(Port("local", "10.0.0.1", 53, "udp")) == "local/10.0.0.1/53/udp"
