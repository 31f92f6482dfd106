"""What a port of a proxy group listens for. One row is one filter chain; the rows of a port make one Envoy Listener."""

from __future__ import annotations

from typing import Literal

from translator.ir.finding import Path
from translator.ir.keys import Reading
from translator.ir.route import Share
from translator.ir.value import Row


class Port(Row, frozen=True, gc=False, order=True, cache_hash=True):
    """A key: where the Envoys of a group listen. `address` is empty for the address that the group binds by default.

    `gateway`: of proxies that several Gateways share, each with a way in of its own, whose port it is; it is bound where BOUND_AT says.
    """

    group: str
    address: str
    port: int
    transport: Literal["tcp", "udp"] = "tcp"
    gateway: str = ""


class Clients(Row, frozen=True, gc=False, kw_only=True):
    """Certificates that clients show: signed by an authority of the bundle of that name. Where none is `required`, whatever is
    shown is taken, and so is nothing.
    """

    authority: str
    required: bool = True


class Chain(Row, frozen=True, gc=False, kw_only=True):
    """One filter chain: what selects it, what it presents, and where its requests or connections go.

    `table` is the route table that requests ask. With `shares` the chain knows no requests: each connection is carried to
    one of them as it comes, and closed where there is none; `table` is then its name in statistics.
    `server_names` empty matches every connection; `secrets` empty means plain text, or, with `passthrough`, that TLS is
    left to the backend; else the names of SDS secrets, in the order in which certificates are offered.
    `origins` are kind, key and field of all who asked for it, for findings. `keys` says how routing keys are read, if they are.
    """

    name: str
    table: str
    server_names: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    passthrough: bool = False
    clients: Clients | None = None
    shares: tuple[Share, ...] | None = None
    origins: tuple[tuple[str, str, Path], ...] = ()
    keys: Reading | None = None

    @property
    def tls(self) -> bool:
        """Whether clients begin with a handshake."""
        return bool(self.secrets) or self.passthrough


class Datagrams(Row, frozen=True, gc=False, kw_only=True):
    """Where the datagrams of a port go: one upstream, which does the sharing. `origins` as above."""

    cluster: str
    origins: tuple[tuple[str, str, Path], ...] = ()
