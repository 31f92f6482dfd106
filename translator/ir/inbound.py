"""Sidecars: what becomes of connections to a workload before it gets them. Knows no messages."""

from __future__ import annotations

from translator.ir.finding import Path
from translator.ir.keys import Reading
from translator.ir.value import Row

PREFIX = "sidecar/"  # what the names of groups of sidecars begin with
PORT = 15006  # where a sidecar takes what is turned to it; the workload's own ports are never this


def group(service: str) -> str:
    """The proxies beside the workload of one Service: `sidecar/shop/cart`."""
    return PREFIX + service


class InboundPort(Row, frozen=True, gc=False, order=True):
    """A number that the workload listens on, and what the names of the clusters of its forks begin with."""

    number: int
    forks: str


class Pods(Row, frozen=True, gc=False, kw_only=True):
    """Beside which Pods the sidecars of a Service are put: those with all of these labels. What they listen on is a number, or the
    name of a port of theirs.
    """

    selector: tuple[tuple[str, str], ...]
    ports: tuple[int | str, ...]


class Inbound(Row, frozen=True, gc=False, kw_only=True):
    """All of one Service. Other numbers are carried on as they come. `peers` are addresses of forks: what they ask of the
    baseline stays there, or it would come back to them. `six`: its Pods have IPv6 addresses beside others.
    """

    service: str  # key
    ports: tuple[InboundPort, ...]
    peers: tuple[str, ...]
    reading: Reading
    origin: tuple[str, str, Path]
    six: bool = False
