"""B15: one of a hundred clients stops reading. The others must not notice, and it must not cost memory."""

from __future__ import annotations

import statistics

from tests.bench.programs import PLAIN, Programs
from tests.bench.rounds import Leg, Side, quantile, row
from tests.bench.streams import sides


def turns(side: Side, rounds: int, changes: int) -> tuple[list[Leg], list[Leg]]:
    """Turns in which all read, and between them turns in which one does not."""
    free, stuck = [], []
    side.leg(changes)
    for _ in range(rounds):
        free.append(side.leg(changes))
        side.client.ask("pause", stream=0)
        stuck.append(side.leg(changes))
        side.client.ask("resume", stream=0)
        side.settled()
        side.client.ask("mark")
    return free, stuck


def one_of_a_hundred(using: Programs = PLAIN, size: int = 1_000, streams: int = 100) -> None:
    print(f"\nB15  one of {streams} streams does not read, {size} resources")
    with sides(size, streams, using) as found:
        for side in found:
            before = side.server.rss
            free, stuck = turns(side, rounds=9, changes=20)
            figures = {
                "p99 ms": quantile(free, 0.99),
                "one stuck": quantile(stuck, 0.99),
                "p99 ratio": statistics.median(quantile([b], 0.99) / quantile([a], 0.99) for a, b in zip(free, stuck, strict=True)),
                "p50 ratio": statistics.median(quantile([b], 0.5) / quantile([a], 0.5) for a, b in zip(free, stuck, strict=True)),
                "RSS KiB more": (side.server.rss - before) / 1024,
            }
            print(row(side.name, figures), flush=True)
