"""B16: one of many secrets is rotated. It reaches every stream that asked for all of them by name, and nothing else does."""

from __future__ import annotations

from contextlib import ExitStack

from tests.bench.programs import PLAIN, Programs
from tests.bench.rounds import Leg, Side, alternate, median, quantile, row
from tests.bench.streams import OURS, PEERS
from xds.kinds import SECRET

STREAMS, CHANGES = 10, 10


def one_secret(using: Programs = PLAIN) -> None:
    print(f"\nB16  one of N secrets is rotated, {STREAMS} streams that want all by name")
    for secrets in (10, 100, 1_000):
        for name, legs in rotated(secrets, using).items():
            print(row(f"{secrets:>6} {name}", figures(legs)), flush=True)


def rotated(secrets: int, using: Programs) -> dict[str, list[Leg]]:
    with ExitStack() as stack:
        servers = {OURS: using.ours(10, secrets)} | {name: using.peer(name, 10, secrets) for name in PEERS}
        found = [stack.enter_context(Side(name, server, using)) for name, server in servers.items()]
        for side in found:
            side.open(STREAMS, SECRET.type_url, names=[f"secret-{number:05}" for number in range(secrets)])
            side.arrived(secrets)
        return alternate(found, 5, lambda side: side.leg(CHANGES, SECRET.type_url))


def figures(legs: list[Leg]) -> dict[str, float]:
    return {
        "p50 ms": quantile(legs, 0.5),
        "p99 ms": quantile(legs, 0.99),
        "CPU ms": median(legs) * 1e3,
        "resources": sum(leg.resources for leg in legs) / len(legs) / STREAMS / CHANGES,
        "B each": sum(leg.bytes for leg in legs) / len(legs) / STREAMS / CHANGES,
    }
