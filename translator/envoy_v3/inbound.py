"""The listener of a sidecar: connections to the workload beside it, taken before it gets them.

They are turned here by the kernel (nftables, tproxy) and keep the address that they were made to. What has no fork goes on to that
address, in the protocol that it came in; what is no HTTP is carried as it is. Nothing of a request is changed but its key: the
workload must not notice. Envoy gone, the kernel finds nobody listening here, and the workload gets its connections itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from protos.v3 import (
    Address,
    Cluster,
    Filter,
    FilterChain,
    FilterChainMatch,
    HttpConnectionManager,
    HttpFilter,
    HttpInspector,
    Listener,
    ListenerFilter,
    OriginalDst,
    Route,
    RouteAction,
    RouteConfiguration,
    Router,
    SocketAddress,
    VirtualHost,
    data,
    milliseconds,
    pack,
)
from translator.engine import Facts, View, rule
from translator.envoy_v3.cluster import carrying
from translator.envoy_v3.forks import specified
from translator.envoy_v3.hcm import COUNT_FORKS, early, scoped_routes
from translator.envoy_v3.held import held, told_of_ports
from translator.envoy_v3.keys import settings
from translator.envoy_v3.quarantine import judged
from translator.envoy_v3.sources import BUFFER, WINDOWS
from translator.envoy_v3.stream import tcp_proxy
from translator.ir import inbound as ir
from translator.ir import names
from translator.ir.output import Packed
from translator.ir.route import Share
from translator.ir.tables import GROUP, HELD, INBOUND, OUT_CLUSTER, OUT_LISTENER, QUARANTINE, REFUSED

LOCAL = "local"  # the workload beside
RULES_OF_KEYS = "keys"  # a filter chain that nobody comes by
EVERYBODY = "local"  # the group by whose terms sidecars are run, as they have none of their own
EVERYWHERE, EVERYWHERE_SIX = "0.0.0.0", "::"  # noqa: S104 - connections are turned here, whatever address they are for
SPEAKS_HTTP = ("http/1.0", "http/1.1", "h2c")  # as the inspector names what it has seen
SEEN_WITHIN = 1_000  # milliseconds until a connection is taken for no HTTP: who waits for the other side to speak first waits so long
_FILTERS = (
    ListenerFilter(name="envoy.filters.listener.original_dst", typed_config=pack(OriginalDst())),
    ListenerFilter(name="envoy.filters.listener.http_inspector", typed_config=pack(HttpInspector())),
)
_UNNOTICED = HttpConnectionManager(
    http_filters=[HttpFilter(name="envoy.filters.http.router", typed_config=pack(Router(suppress_envoy_headers=True)))],
    skip_xff_append=True,
    server_header_transformation=HttpConnectionManager.PASS_THROUGH,
    generate_request_id={"value": False},
    preserve_external_request_id=True,
    http_protocol_options={"accept_http_10": True},
    http2_protocol_options=WINDOWS,
    stream_idle_timeout=milliseconds(0),
    upgrade_configs=[{"upgrade_type": "websocket"}],
)


def listener(row: ir.Inbound, *, module: bool = True, counted: bool = False, six: bool = False) -> bytes:
    """Without the native module nobody reads keys, and all is carried on.

    Each family of addresses has one: where a Pod has no IPv6 after all, its proxy refuses that one alone.
    """
    led = [_told(), *(chain for port in row.ports for chain in _chains(row, port, counted))] if module else []
    address = EVERYWHERE_SIX if six else EVERYWHERE
    return data(
        Listener(
            name=(names.inbound_six if six else names.inbound)(row.service),
            address=Address(socket_address=SocketAddress(address=address, port_value=ir.PORT)),
            transparent={"value": True},
            per_connection_buffer_limit_bytes=BUFFER,
            listener_filters=_FILTERS,
            listener_filters_timeout=milliseconds(SEEN_WITHIN),
            continue_on_listener_filters_timeout=True,
            filter_chains=[_itself(), *led],
            default_filter_chain=FilterChain(name=LOCAL, filters=[_carried()]),
        )
    )


def _itself() -> FilterChain:
    """Who asks for the sidecar's own port would be carried on to it again, and again: there is nothing behind it."""
    nowhere = tcp_proxy("inbound", ())
    match = FilterChainMatch(destination_port={"value": ir.PORT})
    filters = [Filter(name="envoy.filters.network.tcp_proxy", typed_config=pack(nowhere))]
    return FilterChain(name="itself", filter_chain_match=match, filters=filters)


def _told() -> FilterChain:
    """By this one Envoy asks for the rules of keys, which the native module looks up: resources of their own, so that no listener
    changes with them. No connection is of a protocol that the inspector has no name for.
    """
    message = HttpConnectionManager(stat_prefix=RULES_OF_KEYS, http_filters=_UNNOTICED.http_filters)
    message.scoped_routes.MergeFrom(scoped_routes(RULES_OF_KEYS))
    match = FilterChainMatch(destination_port={"value": ir.PORT}, application_protocols=[RULES_OF_KEYS])
    filters = [Filter(name="envoy.filters.network.http_connection_manager", typed_config=pack(message))]
    return FilterChain(name=RULES_OF_KEYS, filter_chain_match=match, filters=filters)


def _carried() -> Filter:
    return Filter(name="envoy.filters.network.tcp_proxy", typed_config=pack(tcp_proxy("inbound", (Share(cluster=LOCAL),))))


def _chains(row: ir.Inbound, port: ir.InboundPort, counted: bool) -> Iterator[FilterChain]:
    """Envoy looks at the port first and never comes back to it, so each port has its own chain for peers."""
    match = FilterChainMatch(destination_port={"value": port.number}, application_protocols=SPEAKS_HTTP)
    yield FilterChain(name=str(port.number), filter_chain_match=match, filters=[_http(row, port, counted)])
    if row.peers:
        ranges = [{"address_prefix": one, "prefix_len": {"value": 128 if ":" in one else 32}} for one in row.peers]
        from_peers = FilterChainMatch(source_prefix_ranges=ranges)
        from_peers.MergeFrom(match)
        yield FilterChain(name=f"{port.number}/peers", filter_chain_match=from_peers, filters=[_carried()])


def _http(row: ir.Inbound, port: ir.InboundPort, counted: bool) -> Filter:
    name = f"inbound/{port.number}"
    message = HttpConnectionManager(stat_prefix=name)
    message.MergeFrom(_UNNOTICED)
    message.early_header_mutation_extensions.add(name="key").typed_config.MergeFrom(pack(early("key", settings(row.reading))))
    action = specified(RouteAction(timeout=milliseconds(0)), [(1, LOCAL)], {LOCAL: port.forks})
    route = Route(match={"prefix": "/"}, route=action)
    if counted:
        route.name = names.inbound_route(row.service, port.number)
        message.access_log.append(COUNT_FORKS)
    host = VirtualHost(name=row.service, domains=["*"], include_request_attempt_count=True, routes=[route])
    message.route_config.CopyFrom(RouteConfiguration(name=name, virtual_hosts=[host]))
    return Filter(name="envoy.filters.network.http_connection_manager", typed_config=pack(message))


def local() -> bytes:
    """Where the connection was meant to go."""
    message = Cluster(name=LOCAL, type=Cluster.ORIGINAL_DST, lb_policy=Cluster.CLUSTER_PROVIDED)
    return data(carrying(message))


@rule(over=INBOUND, into=(OUT_LISTENER, OUT_CLUSTER, REFUSED, HELD))
def inbound(view: View, group: str) -> Facts:
    row = view.one(INBOUND, group)
    run = view.get(GROUP, EVERYBODY)
    yield OUT_CLUSTER((group, LOCAL), Packed(local()))
    for six in (False, True) if row.six else (False,):
        name = (names.inbound_six if six else names.inbound)(row.service)
        verdict = judged(view.get(QUARANTINE, (OUT_LISTENER.name, name)), listener(row, counted=run is not None and run.counted, six=six))
        if verdict.body:
            yield OUT_LISTENER((group, name), Packed(verdict.body))
        yield OUT_LISTENER((names.flat(group), name), Packed(listener(row, module=False, six=six)))
        for finding in told_of_ports((row.origin,), verdict):
            yield REFUSED((finding.kind, finding.key), finding)
        yield from held(OUT_LISTENER, name, verdict)


RULES = (inbound,)
