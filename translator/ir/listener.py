"""What a port of a proxy group listens for. One row is one filter chain; the rows of a port make one Envoy Listener."""

from __future__ import annotations

from translator.ir.finding import Path
from translator.ir.value import Row


class Port(Row, frozen=True, gc=False, order=True):
    """A key: where the Envoys of a group listen. `address` is empty for the address that the group binds by default."""

    group: str
    address: str
    port: int


class Chain(Row, frozen=True, gc=False, kw_only=True):
    """One filter chain that speaks HTTP: what selects it, what it presents, and the route table it asks.

    `server_names` empty matches every connection; `secrets` empty means plain text, else the names of SDS secrets, in
    the order in which certificates are offered. `origins` are kind, key and field of all who asked for it, for findings.
    """

    name: str
    table: str
    server_names: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    origins: tuple[tuple[str, str, Path], ...] = ()
