"""A port and its filter chains as one Listener. Knows no tables; a certificate is only a name here, so that a new one
changes no listener: a changed listener drains its connections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import structs

from protos.v3 import (
    Address,
    CertificateValidationContext,
    CommonTlsContext,
    ConnectionLimit,
    DownstreamTlsContext,
    Filter,
    FilterChain,
    FilterChainMatch,
    Listener,
    ListenerFilter,
    SdsSecretConfig,
    SocketAddress,
    TlsInspector,
    TlsParameters,
    data,
    pack,
)
from translator.envoy_v3.hcm import http_connection
from translator.envoy_v3.sources import ADS, BUFFER
from translator.envoy_v3.stream import tcp_proxy
from translator.ir.listener import Chain, Clients

CONNECTIONS = 50_000  # a filter chain: the edge page caps all of a process at as many, and long-lived WebSockets are many
_TLS_INSPECTOR = ListenerFilter(name="envoy.filters.listener.tls_inspector", typed_config=pack(TlsInspector()))


def listener(name: str, bind: str, port: int, chains: Sequence[Chain], sharded: bool, *, counted: bool = False) -> bytes:
    tls = any(chain.tls for chain in chains)
    return data(
        Listener(
            name=name,
            address=Address(socket_address=SocketAddress(address=bind, port_value=port)),
            per_connection_buffer_limit_bytes=BUFFER,
            listener_filters=[_TLS_INSPECTOR] if tls else [],
            filter_chains=[filter_chain(chain, tls, sharded, counted=counted) for chain in chains],
        )
    )


def distinct(chains: Iterable[Chain]) -> Iterator[Chain]:
    """The chains without the server names that an earlier one has: Envoy refuses a listener that has a choice."""
    taken: set[tuple[bool, str]] = set()
    for chain in chains:
        wanted = dict.fromkeys("" if one == "*" else one.lower() for one in chain.server_names or ("",))
        free = tuple(one for one in wanted if (chain.tls, one) not in taken)
        taken.update((chain.tls, one) for one in free)
        if free:
            named = () if "" in free else free
            yield structs.replace(chain, server_names=named, origins=())


def filter_chain(chain: Chain, tls_port: bool, sharded: bool, *, counted: bool = False) -> FilterChain:
    """Where a port speaks TLS, plain text is told from it by its first bytes, and refused if no chain takes it."""
    limit = ConnectionLimit(stat_prefix=chain.table, max_connections={"value": CONNECTIONS})
    message = FilterChain(
        name=chain.name,
        filter_chain_match=FilterChainMatch(server_names=chain.server_names),
        filters=[
            Filter(name="envoy.filters.network.connection_limit", typed_config=pack(limit)),
            _carries_on(chain, sharded, counted),
        ],
    )
    if tls_port:
        message.filter_chain_match.transport_protocol = "tls" if chain.tls else "raw_buffer"
    if chain.secrets:
        message.transport_socket.name = "envoy.transport_sockets.tls"
        alpn = ["h2", "http/1.1"] if chain.shares is None else []  # what a stream carries is not ours to choose
        message.transport_socket.typed_config.MergeFrom(pack(downstream_tls(chain.secrets, alpn, chain.clients)))
    return message


def _carries_on(chain: Chain, sharded: bool, counted: bool) -> Filter:
    if chain.shares is None:
        connection = http_connection(chain.table, chain.table, sharded, chain.keys, counted=counted)
        return Filter(name="envoy.filters.network.http_connection_manager", typed_config=pack(connection))
    return Filter(name="envoy.filters.network.tcp_proxy", typed_config=pack(tcp_proxy(chain.table, chain.shares)))


def downstream_tls(secrets: Iterable[str], alpn: Sequence[str], clients: Clients | None = None) -> DownstreamTlsContext:
    message = DownstreamTlsContext(
        common_tls_context=CommonTlsContext(
            tls_params=TlsParameters(tls_minimum_protocol_version=TlsParameters.TLSv1_2),
            tls_certificate_sds_secret_configs=[SdsSecretConfig(name=name, sds_config=ADS) for name in secrets],
            alpn_protocols=alpn,
        )
    )
    if clients:
        message.require_client_certificate.value = clients.required
        checked = message.common_tls_context.combined_validation_context
        checked.validation_context_sds_secret_config.CopyFrom(SdsSecretConfig(name=clients.authority, sds_config=ADS))
        if not clients.required:
            checked.default_validation_context.trust_chain_verification = CertificateValidationContext.ACCEPT_UNTRUSTED
        else:
            checked.default_validation_context.SetInParent()
    return message
