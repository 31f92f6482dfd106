"""Connections and datagrams that are carried as they come: the proxies of TCP and UDP. Knows no tables.

A connection that has nowhere to go is closed: its proxy names a cluster that exists nowhere. Envoy's UDP proxy names one
cluster without weights, so there the sharing is done among the localities of that cluster (cluster.py).
"""

from __future__ import annotations

from collections.abc import Iterable

from protos.v3 import (
    Address,
    Listener,
    ListenerFilter,
    Matcher,
    SocketAddress,
    TcpProxy,
    TypedExtensionConfig,
    UdpListenerConfig,
    UdpProxyConfig,
    UdpRoute,
    data,
    milliseconds,
    pack,
)
from translator.ir import names
from translator.ir.listener import Datagrams
from translator.ir.route import Share

HOUR = 3_600_000
SESSION_IDLE = 60_000  # milliseconds; both are Envoy's defaults, said aloud


def tcp_proxy(name: str, shares: Iterable[Share]) -> TcpProxy:
    message = TcpProxy(stat_prefix=name, idle_timeout=milliseconds(HOUR))
    wanted = [share for share in shares if share.weight]
    if len(wanted) > 1:
        message.weighted_clusters.clusters.extend(
            TcpProxy.WeightedCluster.ClusterWeight(name=share.cluster or names.UNRESOLVED, weight=share.weight) for share in wanted
        )
    else:
        message.cluster = wanted[0].cluster or names.UNRESOLVED if wanted else names.UNRESOLVED
    return message


def udp_listener(name: str, bind: str, port: int, row: Datagrams) -> bytes:
    address = SocketAddress(protocol=SocketAddress.UDP, address=bind, port_value=port)
    return data(
        Listener(
            name=name,
            address=Address(socket_address=address),
            listener_filters=[ListenerFilter(name="envoy.filters.udp_listener.udp_proxy", typed_config=pack(udp_proxy(name, row)))],
            udp_listener_config=UdpListenerConfig(),
        )
    )


def udp_proxy(name: str, row: Datagrams) -> UdpProxyConfig:
    route = TypedExtensionConfig(name="route", typed_config=pack(UdpRoute(cluster=row.cluster)))
    matcher = Matcher(on_no_match=Matcher.OnMatch(action=route))
    return UdpProxyConfig(stat_prefix=name, matcher=matcher, idle_timeout=milliseconds(SESSION_IDLE))
