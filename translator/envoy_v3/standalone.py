"""Resources as one static bootstrap, for `envoy --mode validate`: what a stream would send, asked about without a stream.

Each Listener keeps its filter chains; what they would ask ADS for stands inside: a RouteConfiguration becomes the route
table of a listener of its own, endpoints stand in their cluster, secrets among the static ones. Two things are not asked
about: scopes, which are names only, and our native module, which must not be needed to check a route.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from google.protobuf.json_format import MessageToJson

from protos.v3 import (
    Address,
    Any,
    Bootstrap,
    Cluster,
    ClusterLoadAssignment,
    CommonTlsContext,
    DownstreamTlsContext,
    Filter,
    FilterChain,
    HttpConnectionManager,
    Listener,
    RouteConfiguration,
    Secret,
    SocketAddress,
    UpstreamTlsContext,
    pack,
    type_url,
)
from translator.engine import AnyTable, Name
from translator.envoy_v3.forks import plain
from translator.envoy_v3.hcm import http_connection
from translator.ir import names
from translator.ir.output import Packed
from translator.ir.tables import OUT_CLUSTER, OUT_ENDPOINTS, OUT_LISTENER, OUT_ROUTES, OUT_SECRET

NOWHERE = Address(socket_address=SocketAddress(address="127.0.0.1", port_value=0))
NO_ROUTES = RouteConfiguration(name="none")


def bootstrap(resources: Mapping[Name, Packed], group: str, *, flat: bool = False) -> bytes:
    """The JSON that Envoy reads, from outputs as `Engine.apply` gives them: (table, (view, name)) → Packed.

    Of one group, and of its flat view if asked. It holds private keys, since Envoy must read them: keep it to yourself.
    """
    view = names.flat(group) if flat else group
    message = Bootstrap()
    static = message.static_resources
    static.listeners.extend(map(_static_listener, _bodies(resources, OUT_LISTENER, view)))
    static.listeners.extend(map(_listener_of_routes, _bodies(resources, OUT_ROUTES, view)))
    static.clusters.extend(_clusters(resources, group))
    static.secrets.extend(map(Secret.FromString, _bodies(resources, OUT_SECRET, group)))
    return MessageToJson(message).encode()


def _bodies(resources: Mapping[Name, Packed], table: AnyTable, view: str) -> list[bytes]:
    found = sorted((key[1], one.body) for (of, key), one in resources.items() if of is table and key[0] == view)
    return [body for _, body in found]


def _static_listener(body: bytes) -> Listener:
    message = Listener.FromString(body)
    for chain in message.filter_chains:
        for one in chain.filters:
            if one.typed_config.type_url == type_url(HttpConnectionManager):
                one.typed_config.CopyFrom(_with_routes(one.typed_config, NO_ROUTES))
        if chain.transport_socket.typed_config.type_url == type_url(DownstreamTlsContext):
            chain.transport_socket.typed_config.CopyFrom(_with_static_secrets(chain.transport_socket.typed_config))
    return message


def _with_routes(config: Any, routes: RouteConfiguration) -> Any:
    message = HttpConnectionManager.FromString(config.value)
    message.route_config.CopyFrom(routes)
    message.ClearField("early_header_mutation_extensions")
    return pack(message)


def _with_static_secrets(config: Any) -> Any:
    message = DownstreamTlsContext.FromString(config.value)
    _told_at_once(message.common_tls_context)
    return pack(message)


def _told_at_once(context: CommonTlsContext) -> None:
    for one in context.tls_certificate_sds_secret_configs:
        one.ClearField("sds_config")
    if context.HasField("combined_validation_context"):
        context.combined_validation_context.validation_context_sds_secret_config.ClearField("sds_config")


def _listener_of_routes(body: bytes) -> Listener:
    routes = RouteConfiguration.FromString(body)
    for host in routes.virtual_hosts:
        for one in host.routes:
            plain(one)
    config = _with_routes(pack(http_connection("check", routes.name, sharded=False)), routes)
    chain = FilterChain(filters=[Filter(name="envoy.filters.network.http_connection_manager", typed_config=config)])
    return Listener(name=f"routes/{routes.name}", address=NOWHERE, filter_chains=[chain])


def _clusters(resources: Mapping[Name, Packed], group: str) -> Iterable[Cluster]:
    """A static route table may name no cluster that is missing, so the one that exists nowhere exists here."""
    yield Cluster(name=names.UNRESOLVED, load_assignment=ClusterLoadAssignment(cluster_name=names.UNRESOLVED))
    for body in _bodies(resources, OUT_CLUSTER, group):
        message = Cluster.FromString(body)
        if message.type == Cluster.EDS:
            found = resources.get((OUT_ENDPOINTS, (group, message.eds_cluster_config.service_name)))
            message.ClearField("eds_cluster_config")
            message.type = Cluster.STATIC
            message.load_assignment.CopyFrom(ClusterLoadAssignment.FromString(found.body) if found else ClusterLoadAssignment())
            message.load_assignment.cluster_name = message.name
        if message.transport_socket.typed_config.type_url == type_url(UpstreamTlsContext):
            message.transport_socket.typed_config.CopyFrom(_with_static_authority(message.transport_socket.typed_config))
        yield message


def _with_static_authority(config: Any) -> Any:
    message = UpstreamTlsContext.FromString(config.value)
    _told_at_once(message.common_tls_context)
    return pack(message)
