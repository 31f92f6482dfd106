"""Streams against go-control-plane: one change, many streams, a reconnect storm, memory. B1 to B4 of docs/benchmarks.md.

Both sides serve the same clusters (and the endpoints of each) to the same client in the same run; CPU is that of the server
alone. go-control-plane is what its users run: SnapshotCache with one snapshot for all nodes, or a LinearCache for each type.
grpc.aio is what our server stands on, and decides nothing: nobody can be below it there.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.bench.programs import PLAIN, Programs
from tests.bench.rounds import Leg, Side, alternate, median, quantile, row, with_itself

OURS, PEERS, FLOOR = "pointsman", ("snapshot", "linear"), "grpc.aio"


@contextmanager
def sides(size: int, streams: int, using: Programs, *, floor: bool = False) -> Iterator[list[Side]]:
    with ExitStack() as stack:
        servers = {OURS: using.ours(size)} | {name: using.peer(name, size) for name in PEERS}
        if floor:
            servers[FLOOR] = using.floor(size)
        found = [stack.enter_context(Side(name, server, using)) for name, server in servers.items()]
        for side in found:
            side.open(streams)
            if streams:
                side.arrived(size)
        yield found


def changes(size: int, streams: int) -> int:
    """So many in one turn that it takes long enough to be measured, and not longer than that."""
    return max(2, min(40, 20_000_000 // (size * streams * 20), 2_000 // streams))


def fan_out(size: int, streams: int, rounds: int, using: Programs) -> None:
    with sides(size, streams, using, floor=True) as found:
        legs = alternate(found, rounds, lambda side: side.leg(changes(size, streams)))
    ours = median(legs[OURS])
    for name, all_legs in legs.items():
        cpu = median(all_legs)
        figures = {
            "CPU ms": cpu * 1e3,
            "us/stream": cpu / streams * 1e6,
            "p50 ms": quantile(all_legs, 0.5),
            "p99 ms": quantile(all_legs, 0.99),
            "x ours": cpu / ours,
            "A/A": with_itself(all_legs),
        }
        print(row(f"{size:>6} x {streams:<5} {name}", figures), flush=True)


def one_change(using: Programs = PLAIN) -> None:
    """B1"""
    print("\nB1  one change, one stream")
    for size in (100, 1_000, 10_000):
        fan_out(size, 1, 10, using)


def many_streams(using: Programs = PLAIN) -> None:
    """B2"""
    print("\nB2  one change, many streams")
    for size in (1_000, 10_000):
        for streams in (1, 10, 100, 1_000):
            fan_out(size, streams, 6, using)


def storm(using: Programs = PLAIN, size: int = 10_000, streams: int = 1_000, rounds: int = 5) -> None:
    """B3"""
    print(f"\nB3  {streams} streams come back to {size} resources that did not change")

    def leg(side: Side) -> Leg:
        """That all have come back is shown by a change that reaches them: it is counted, on all sides."""
        side.drop()
        before = side.settled()
        side.open(streams, resume=True)
        side.settled()
        times, counts = side.change(0)
        return Leg(side.settled() - before, times, counts["bytes"], counts["resources"] - streams)

    with sides(size, streams, using) as found:
        legs = alternate(found, rounds, leg)
    for name, all_legs in legs.items():
        figures = {
            "CPU s": median(all_legs),
            "resent": statistics.median(one.resources for one in all_legs),
            "x ours": median(all_legs) / median(legs[OURS]),
            "A/A": with_itself(all_legs),
        }
        print(row(name, figures), flush=True)


def memory(using: Programs = PLAIN, streams: int = 1_000) -> None:
    """B4. The peers are told to give back what they do not need before they are looked at; we are not."""
    print(f"\nB4  memory of {streams} streams")
    for size in (1_000, 10_000):
        with sides(size, 0, using) as found:
            for side in found:
                side.open(1)
                side.arrived(size)
                side.change(0)
                side.server.ask("rest")
                empty = side.server.rss
                side.open(streams)
                side.change(1)
                side.server.ask("rest")
                each = (side.server.rss - empty) / streams / 1024
                print(row(f"{size:>6} {side.name}", {"KiB a stream": each, "RSS MiB": side.server.rss / 2**20}), flush=True)
