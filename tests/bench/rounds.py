"""How two things are compared on a machine that is shared: turn by turn in one run, medians, and each with itself as well."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from threading import Event
from typing import NamedTuple, Self

from tests.bench.programs import Program, Programs
from xds.kinds import CLUSTER

NEVER = Event()
REST = 1e-3  # seconds of CPU in 20 ms: a server with a thousand clients is never without a ping
SECONDS = 120.0  # that one change may take to reach all streams: then the run ends, and says so


class Leg(NamedTuple):
    """What one turn cost for each change: seconds of CPU, and milliseconds until each stream had it."""

    cpu: float
    times: list[float]
    bytes: int = 0
    resources: int = 0


class Side:
    """A server and the client that is all of its proxies."""

    def __init__(self, name: str, server: Program, using: Programs) -> None:
        self.name, self.server = name, server
        self.client = using.client(server.hear()["address"])
        self.streams = self.edition = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.__exit__()
        self.server.__exit__()

    def open(self, streams: int, url: str = CLUSTER.type_url, *, names: Sequence[str] = (), resume: bool = False) -> None:
        self.client.ask("open", streams=streams, type=url, names=list(names), resume=resume)
        self.streams += streams

    def drop(self) -> None:
        self.client.ask("drop")
        self.streams = 0

    def change(self, number: int, url: str = CLUSTER.type_url) -> tuple[list[float], dict[str, int]]:
        """One resource becomes another, and every stream has it: milliseconds for each, and what the client counted."""
        self.edition += 1
        since = self.server.ask("change", type=url, number=number, edition=self.edition)["since"]
        return self.arrived(1, since)

    def arrived(self, each: int, since: int = 0) -> tuple[list[float], dict[str, int]]:
        try:
            found = self.client.ask("await", each=each, since=since, seconds=SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{self.name}: {error}") from error
        return [time / 1e6 for time in found["times"]], found["counts"]

    def leg(self, changes: int, url: str = CLUSTER.type_url) -> Leg:
        before, times, size, resources = self.settled(), [], 0, 0
        for turn in range(changes):
            one, counts = self.change(turn, url)
            times += one
            size += counts["bytes"]
            resources += counts["resources"]
        return Leg((self.settled() - before) / changes, times, size, resources)

    def settled(self) -> float:
        """CPU seconds of the server, once the last ACKs are taken in and it rests: for three looks, for it may only be kept waiting."""
        last, quiet = self.server.cpu, 0
        for _ in range(6_000):
            NEVER.wait(0.02)
            now = self.server.cpu
            quiet = quiet + 1 if now - last < REST else 0
            if quiet == 3:
                return now
            last = now
        raise AssertionError(f"{self.name} does not come to rest")


def alternate(sides: Sequence[Side], rounds: int, leg: Callable[[Side], Leg]) -> dict[str, list[Leg]]:
    """A B A B, after one turn each that is not counted."""
    for side in sides:
        leg(side)
    found: dict[str, list[Leg]] = {side.name: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            found[side.name].append(leg(side))
    return found


def median(legs: Sequence[Leg]) -> float:
    """Seconds of CPU."""
    return statistics.median(leg.cpu for leg in legs)


def with_itself(legs: Sequence[Leg]) -> float:
    """Every second turn against the others: what the noise alone makes of a ratio."""
    return median(legs[::2]) / median(legs[1::2])


def quantile(legs: Sequence[Leg], share: float) -> float:
    """Median over turns of the quantile within one."""
    return statistics.median(sorted(leg.times)[min(int(len(leg.times) * share), len(leg.times) - 1)] for leg in legs)


def row(name: str, figures: Mapping[str, float]) -> str:
    return f"{name:28}" + "".join(f"  {what} {value:,.3g}" if value < 100 else f"  {what} {value:,.0f}" for what, value in figures.items())
