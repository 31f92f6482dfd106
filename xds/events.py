"""What a stream tells the process, as values: who connected, what was sent, accepted, refused. Nothing here acts."""

from __future__ import annotations

from msgspec import Struct


class Proxy(Struct, frozen=True, gc=False):
    """One connected client. `stream` tells two streams of one node apart; `view` is what it is shown."""

    node: str
    group: str
    view: str
    agent: str  # name and version of the program, as it says
    stream: int
    since: float


class Event(Struct, frozen=True, gc=False, tag=True):
    proxy: Proxy


class Connected(Event, frozen=True, gc=False, tag=True):
    """The first request came, and named its node."""


class NeedsView(Event, frozen=True, gc=False, tag=True):
    """A client without our native module: it gets nothing of LDS and RDS before its flat view is made."""

    view: str


class Sent(Event, frozen=True, gc=False, tag=True):
    type_url: str
    nonce: str
    names: tuple[str, ...]
    gone: tuple[str, ...]
    bytes: int


class Acked(Event, frozen=True, gc=False, tag=True):
    """`seconds` from handing over the response to its ACK."""

    type_url: str
    nonce: str
    names: tuple[str, ...]
    gone: tuple[str, ...]
    seconds: float


class Nacked(Event, frozen=True, gc=False, tag=True):
    """None of `names` counts as held. Those that were not the cause are sent again, in ever smaller numbers."""

    type_url: str
    nonce: str
    names: tuple[str, ...]
    message: str


class Refused(Event, frozen=True, gc=False, tag=True):
    """One resource at one version is what this client refuses, or one part of it: it was refused by itself.

    `part` is the name of that part (a route, a virtual host, an endpoint, a filter chain) and `digest` of its bytes; without
    one they are empty. `good` is what the client would be served in its place: the last accepted state, framed if it is a
    part, empty if there is none. `doubted`: the client accepts nothing else
    either, so that it may itself be at fault.
    """

    type_url: str
    name: str
    version: str
    message: str
    good: bytes
    doubted: bool
    part: str = ""
    digest: str = ""


class Withheld(Event, frozen=True, gc=False, tag=True):
    """An identity asked for what exists, and is not for it to see. It was answered as for what does not exist."""

    type_url: str
    names: tuple[str, ...]


class GateExpired(Event, frozen=True, gc=False, tag=True):
    """An ACK that others waited for did not come: this type was sent without it."""

    type_url: str
    waited: tuple[str, ...]  # type URLs that were not ACKed


class Disconnected(Event, frozen=True, gc=False, tag=True):
    """The stream has ended; nothing follows of this proxy."""


class Close(Struct, frozen=True, gc=False):
    """The stream must be ended with this gRPC status code, by name. `reason` is given where more was asked than may be."""

    code: str
    message: str
    reason: str = ""


class Step(Struct, frozen=True, gc=False):
    """All that one input leads to, in order: what to write, what to tell, and whether to end."""

    responses: tuple[bytes, ...] = ()
    events: tuple[Event, ...] = ()
    close: Close | None = None
