"""`make bench`: all figures of docs/benchmarks.md, each with the limit that it is held to. `make bench ONLY="B1 B2-mtls"` runs some;
what ends in -mtls is the same with TLS 1.3 and client certificates on all sides.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.bench import counted, files, flips, keys, poison, rotation, slow, stall, streams, translate, wire
from tests.bench.apart import apart
from tests.bench.identities import issue
from tests.bench.programs import PLAIN, NoGoError, Programs


def table(title: str, figures: Mapping[int, Mapping[str, float]]) -> None:
    """One line a figure, one column a size, and the ratio of the last to the first: its growth law."""
    sizes = list(figures)
    print(f"\n{title}\n{'':24}" + "".join(f"{size:>12,}" for size in sizes) + f"{'last/first':>12}")
    for name in figures[sizes[0]]:
        row = [figures[size][name] for size in sizes]
        print(f"{name:24}" + "".join(f"{value:12.2f}" for value in row) + f"{row[-1] / row[0] if row[0] else 0:12.2f}")


def run_translate() -> None:
    table("From Change to bytes, versions and statuses: CPU by number of routes", translate.main())


def run_stall() -> None:
    print(f"\nLongest hold of the event loop while 10,000 routes are built: {stall.main():.1f} ms (limit 20)")


def run_files() -> None:
    table("From YAML on disk to a changed answer of Envoy: wall time by number of routes", files.main())


ALL: dict[str, Callable[[], None]] = {
    "translate": run_translate,
    "stall": run_stall,
    "files": run_files,
    "B10": flips.five_hundred,
    "B11": poison.one_route,
    "B13": wire.one_object,
    "B7": partial(apart, "propagation"),
    "B12": partial(apart, "attached"),
    "B14": partial(apart, "steady"),
    "statuses": partial(apart, "starts", "statuses"),
    "cold": partial(apart, "starts", "cold"),
    "faults": partial(apart, "faults"),
    "source": partial(apart, "starts", "source"),
    "B17": keys.many_keys,
    "posted": partial(apart, "posted"),
    "B18": counted.requests,
}
OF_STREAMS: dict[str, Callable[[Programs], None]] = {
    "B1": streams.one_change,
    "B2": streams.many_streams,
    "B3": streams.storm,
    "B4": streams.memory,
    "B15": slow.one_of_a_hundred,
    "B16": rotation.one_secret,
}
MUTUAL_TLS = "mtls"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        using = Programs(issue(Path(folder)))
        secured = {f"{name}-{MUTUAL_TLS}": partial(one, using) for name, one in OF_STREAMS.items()}
        run(sys.argv[1:], ALL | {name: partial(one, PLAIN) for name, one in OF_STREAMS.items()} | secured)


def run(wanted: Sequence[str], known: Mapping[str, Callable[[], None]]) -> None:
    chosen = wanted or list(known)
    if unknown := [name for name in chosen if name not in known]:
        sys.exit(f"there is no {unknown[0]}; there are: {', '.join(known)}")
    for name in chosen:
        try:
            known[name]()
        except NoGoError as reason:
            print(f"\n{name} skipped: {reason}")


if __name__ == "__main__":
    main()
