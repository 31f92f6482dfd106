"""CSDS: what each connected proxy has been sent of each resource, and what it said to it. Reads streams, changes nothing.

The server's side of `envoy.service.status.v3`: SYNCED it has what there is; STALE it has, or is being sent, an older state;
NOT_SENT it asked and was given nothing yet, or there is no such thing; ERROR it refused what there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from protos.v3 import Any, ClientConfig, ClientResourceStatus, ConfigStatus, Node, Secret
from xds.kinds import KINDS, SECRET
from xds.resource import Resource
from xds.stream import Stream
from xds.watch import Watch


def client_config(stream: Stream) -> ClientConfig:
    """Who it is; what it has is added to `generic_xds_configs`."""
    node = Node(id=stream.proxy.node, cluster=stream.proxy.group, user_agent_name=stream.proxy.agent)
    return ClientConfig(node=node, client_scope=f"stream {stream.proxy.stream}")


def resources(stream: Stream, *, contents: bool) -> Iterator[ClientConfig.GenericXdsConfig]:
    """Of every type that it subscribed to: all that it asked for, by name. What a secret holds is never in it."""
    for kind in KINDS:
        watch = stream.watches.get(kind)
        if watch is None or watch.subscription is None:
            continue
        names = watch.subscription.names - watch.table.live.keys()
        yield from (_one(watch, name, contents=contents) for name in sorted(filter(watch.covers, list(watch.table.live))))
        yield from (_missing(watch, name) for name in sorted(names) if not watch.table.meant(frozenset({name})) - {name})


def _one(watch: Watch, name: str, *, contents: bool) -> ClientConfig.GenericXdsConfig:
    one = watch.table.live.get(name)
    if one is None:  # went while others were told
        return _missing(watch, name)
    status, client = _status(watch, one)
    found = ClientConfig.GenericXdsConfig(
        type_url=watch.kind.type_url, name=name, version_info=one.version, config_status=status, client_status=client
    )
    if status == ConfigStatus.ERROR:
        found.error_state.details = watch.refused[name]
        found.error_state.version_info = one.version
    if contents:
        found.xds_config.CopyFrom(_content(watch, one))
    return found


def _status(watch: Watch, one: Resource) -> tuple[ConfigStatus, ClientResourceStatus]:
    if one.name in watch.refused:
        return ConfigStatus.ERROR, ClientResourceStatus.NACKED
    flying = _flying(watch)
    if watch.holds(one.name) and one.seq <= watch.sent and one.name not in flying:
        return ConfigStatus.SYNCED, ClientResourceStatus.ACKED
    if one.born <= watch.clear or one.name in flying:
        return ConfigStatus.STALE, ClientResourceStatus.REQUESTED
    return ConfigStatus.NOT_SENT, ClientResourceStatus.REQUESTED


def _flying(watch: Watch) -> Iterable[str]:
    return watch.flight.part.names if watch.flight else ()


def _missing(watch: Watch, name: str) -> ClientConfig.GenericXdsConfig:
    return ClientConfig.GenericXdsConfig(
        type_url=watch.kind.type_url,
        name=name,
        config_status=ConfigStatus.NOT_SENT,
        client_status=ClientResourceStatus.DOES_NOT_EXIST,
    )


def _content(watch: Watch, one: Resource) -> Any:
    if watch.kind is SECRET:
        redacted = Any()
        redacted.Pack(Secret(name=one.name))
        return redacted
    return Any(type_url=watch.kind.type_url, value=one.body)
