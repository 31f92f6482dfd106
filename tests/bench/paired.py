"""Latencies of several proxies that are asked in turns of a tenth of a second, so that what a neighbour does to one it does to all.

A figure is the median over rounds of the ratio of their p99s within a round, and where 95 of 100 such medians would lie had other
rounds of these been drawn (bootstrap). What the method itself makes of nothing is seen where two that are alike stand in it.
"""

from __future__ import annotations

import gc
import random
import socket
import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

SLICE = 200  # requests to one, before the next has its turn: those that find its memory cold are fewer than one in a hundred
DRAWS = 1_000
CHUNK = 65_536


class Asker:
    """One kept connection, asked one request after the other. It blocks: an event loop would add its own waits."""

    def __init__(self, port: int, host: str) -> None:
        self._port, self._host = port, host

    def __enter__(self) -> Self:
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, key: str) -> str:
        """The body that is answered. Without a key, of the baseline."""
        self._socket.sendall(self.request(key))
        return self.answer()

    def request(self, key: str) -> bytes:
        header = f"X-Route-Key: {key}\r\n" if key else ""
        return f"GET / HTTP/1.1\r\nHost: {self._host}\r\n{header}\r\n".encode()

    def answer(self) -> str:
        found = self._socket.recv(CHUNK)
        while b"\r\n\r\n" not in found:
            found += self._more()
        head, _, body = found.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += self._more()
        return body.decode()

    def _more(self) -> bytes:
        found = self._socket.recv(CHUNK)
        assert found, "the connection was closed"
        return found

    def timed(self, keys: Sequence[str], wanted: str) -> list[float]:
        """Milliseconds of each."""
        found = []
        for request in map(self.request, keys):
            start = time.perf_counter()
            self._socket.sendall(request)
            body = self.answer()
            found.append((time.perf_counter() - start) * 1e3)
            assert body == wanted, body
        return found


class Ratio(NamedTuple):
    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3f} ({self.low:.3f} to {self.high:.3f})"


Keys = Callable[[random.Random], str]
Rounds = list[dict[str, list[float]]]


def rounds(askers: dict[str, Asker], keys: dict[str, Keys], wanted: str, count: int, requests: int) -> Rounds:
    """Of each round, what each took for each of its requests. Who begins is another one each time."""
    chance, found, names = random.Random(17), list[dict[str, list[float]]](), [*askers]
    gc.collect()
    gc.disable()
    try:
        for _ in range(count):
            times: dict[str, list[float]] = {name: [] for name in names}
            for turn in range(max(1, requests // SLICE)):
                for name in (*names[turn % len(names) :], *names[: turn % len(names)]):
                    drawn = [keys[name](chance) for _ in range(min(SLICE, requests))]
                    times[name] += askers[name].timed(drawn, wanted)
            found.append(times)
    finally:
        gc.enable()
    return found


def ratio(found: Rounds, one: str, other: str, share: float = 0.99) -> Ratio:
    each = [quantile(times[one], share) / quantile(times[other], share) for times in found]
    chance = random.Random(17)
    medians = sorted(statistics.median(chance.choices(each, k=len(each))) for _ in range(DRAWS))
    return Ratio(statistics.median(each), medians[DRAWS * 25 // 1000], medians[DRAWS * 975 // 1000])


def quantile(times: Sequence[float], share: float) -> float:
    return sorted(times)[min(int(len(times) * share), len(times) - 1)]
