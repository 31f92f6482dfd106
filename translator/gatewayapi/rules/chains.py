"""Filter chains: what each port listens for, out of the listeners that serve it and the routes that want its connections."""

from __future__ import annotations

from collections.abc import Sequence

from translator.engine import Facts, View, rule
from translator.gatewayapi import parents
from translator.gatewayapi.hostnames import ANY
from translator.gatewayapi.listeners import family, strays
from translator.gatewayapi.tables import FOUND, SERVED, STREAM, Served, Stream
from translator.ir import names
from translator.ir.finding import Finding, Path
from translator.ir.listener import Chain, Datagrams, Port
from translator.ir.route import Place
from translator.ir.tables import CHAIN, DATAGRAMS, STRAY


@rule(over=SERVED, into=(CHAIN, DATAGRAMS, STRAY, FOUND))
def chains(view: View, key: Port) -> Facts:
    """The filter chains of a port: one for all plain HTTP, one for each TLS server name, one for all connections."""
    served = view.list(SERVED, key)
    hosts_of_port = {one.hostname for one in served if family(one.protocol) == "TLS"}
    plain = [one for one in served if one.protocol == "HTTP"]
    for table in dict.fromkeys(one.table for one in plain):
        keys = next((one.keys for one in plain if one.keys), None)  # all of them are one chain
        yield CHAIN(key, Chain(name="http", table=table, origins=tuple(map(origin, plain)), keys=keys))
    for one in served:
        if one.protocol == "HTTPS":
            hosts = (one.hostname,) if one.hostname else ()
            name = f"https/{one.hostname or ANY}"
            chain = Chain(
                name=name,
                table=one.table,
                server_names=hosts,
                secrets=one.secrets,
                clients=one.clients,
                origins=(origin(one),),
                keys=one.keys,
            )
            yield CHAIN(key, chain)
            for host in strays(one.hostname, hosts_of_port):
                yield STRAY(Place(one.table, host or ANY), one.listener)
        elif one.protocol != "HTTP":
            yield from streams(key, one, [stream for stream in view.list(STREAM, key) if stream.listener == one.listener])


def streams(key: Port, one: Served, wanted: Sequence[Stream]) -> Facts:
    """One chain for each host of a TLS listener, its own included: without a route that closes the connection, where a wider
    listener would take it. Of several routes for one host the oldest has it ("Conflicts" of the API's design guide).
    """
    first = {stream.host: stream for stream in reversed(wanted)}
    for stream in wanted:
        if first[stream.host] is not stream:
            yield FOUND(object_of(stream.route), idle(stream, first[stream.host]))
    if one.protocol == "UDP":
        if "" in first:
            yield DATAGRAMS(key, Datagrams(cluster=first[""].shares[0].cluster, origins=(origin(one),)))
        return
    for host in sorted({*first, one.hostname}):
        name = f"tls/{host or ANY}" if one.protocol == "TLS" else "tcp"
        chain = Chain(
            name=name,
            table=names.stream(key, name),
            server_names=(host,) if host else (),
            secrets=one.secrets,
            passthrough=one.protocol == "TLS" and not one.secrets,
            shares=first[host].shares if host in first else (),
            origins=(origin(one),),
        )
        yield CHAIN(key, chain)


def idle(stream: Stream, other: Stream) -> Finding:
    kind, key = object_of(stream.route)
    host = f' for "{stream.host}"' if stream.host else ""
    message = f"listener {stream.listener} gives its traffic{host} to the older {other.route}"
    fix = "remove one of the routes, or give it another listener or hostname"
    return Finding(code="PM0405", kind=kind, key=key, message=message, path=("spec", "parentRefs"), fix=fix, severity="warning")


def object_of(route: str) -> tuple[str, str]:
    kind, _, key = route.partition("/")
    return kind, key


def origin(one: Served) -> tuple[str, str, Path]:
    return *parents.object_of(one.parent), ("spec", "listeners", one.index)


RULES = (chains,)
