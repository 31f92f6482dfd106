"""What the admin port and `pointsman proxies` say of each connected proxy. Reads streams, changes nothing."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from xds.kinds import KINDS
from xds.ordering import Move
from xds.stream import NOBODY, Stream
from xds.watch import Watch

State = Literal["SYNCED", "STALE", "NOT_SENT", "NACK"]


class TypeState(Struct, frozen=True, kw_only=True):
    """One type that a proxy subscribed to. `held` counts the resources it has or is being sent; versions are of the set."""

    type: str
    state: State
    wildcard: bool
    subscribed: int
    held: int
    sent: str
    acked: str
    nonce: str
    error: str = ""
    refused: tuple[str, ...] = ()


class ProxyState(Struct, frozen=True, kw_only=True):
    node: str
    group: str
    view: str
    agent: str
    stream: int
    connected_since: float  # of the server's clock, seconds
    types: tuple[TypeState, ...]


def proxy_state(stream: Stream) -> ProxyState | None:
    """None before the first request said who asks."""
    proxy = stream.proxy
    if proxy is NOBODY:
        return None
    types = tuple(type_state(stream.watches[kind]) for kind in KINDS if kind in stream.watches)
    return ProxyState(
        node=proxy.node,
        group=proxy.group,
        view=proxy.view,
        agent=proxy.agent,
        stream=proxy.stream,
        connected_since=proxy.since,
        types=types,
    )


def type_state(watch: Watch) -> TypeState:
    wanted = watch.subscription
    wildcard, names = (wanted.wildcard, wanted.names) if wanted else (False, frozenset())
    live = watch.table.live
    refused = tuple(sorted(name for name in watch.refused if name in live))  # what is left out by now is lacked by nobody
    state = _state(watch, lacks=bool(refused or watch.trial))
    return TypeState(
        type=watch.kind.type_url,
        state=state,
        wildcard=wildcard,
        subscribed=len(names),
        held=(len(live) if wildcard else sum(name in live for name in names)) - len(refused),
        sent=watch.flight.part.version if watch.flight else watch.version,
        acked=watch.version,
        nonce=watch.nonce,
        error=watch.error if state == "NACK" else "",
        refused=refused,
    )


def _state(watch: Watch, *, lacks: bool) -> State:
    """It says NACK while it lacks something for having refused it."""
    if watch.error and lacks:
        return "NACK"
    if watch.flight or any(map(watch.wants, Move)):
        return "STALE"
    return "SYNCED" if watch.nonce or not watch.table.live else "NOT_SENT"
