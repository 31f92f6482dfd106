"""`make fuzz`: the native module under AddressSanitizer and UBSan, on as many random requests as there is time for. Part of `make test`
are a few thousand of them, and faults planted one by one (`test_key.py` and its neighbours).

Each must be answered as the translator says, and nothing may be reported. What fails is told by its seed, with which it fails again.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

from tests.unit.modules import test_fork, test_key, test_rules_differential
from tests.unit.modules.conftest import Program, build
from translator.envoy_v3 import keys

SECONDS = 60
READINGS = (test_key.ALL, test_key.STRIP, test_key.NONE, test_key.HERE, test_key.MEANT)
EACH = 2_000  # requests of a process


def reading(which: int, secrets: Path) -> Callable[[Program, int], int]:
    """Spellings, hosts and signatures: one of the readings that the tests have."""
    one = READINGS[which]
    values = test_key.signatures() + test_key.VALUES if one.admit == "signed" else test_key.VALUES

    def read(program: Program, seed: int) -> int:
        requests = test_key.random_requests(seed, EACH, values)
        believing = replace(program, environment={"POINTSMAN_KEYS": str(secrets)})
        found = believing.rewritten(requests, keys.settings(one).encode())
        assert found == test_key.expected(one, requests), f"keys, seed {seed}"
        return EACH

    return read


def rules(program: Program, seed: int) -> int:
    sets = EACH // test_rules_differential.PER_RULES
    assert test_rules_differential.differing(program, seed, sets) == [], f"rules, seed {seed}"
    return sets * test_rules_differential.PER_RULES


def configurations(program: Program, seed: int) -> int:
    for number in range(seed * 20, seed * 20 + 20):
        config, requests = test_fork.random_case(number)
        done = program.run(requests, config, b"fork")
        assert done.returncode in {0, 1}, f"fork, seed {number}: {done.stderr.decode()}"
        assert done.stderr.count(b"\n") == done.returncode, f"fork, seed {number}: {done.stderr.decode()}"
    return 20 * len(requests)


def once(program: Program, folder: Path, seed: int) -> int:
    """How many requests it was asked. `folder` takes secrets."""
    for name, secret in zip(test_key.SIGNED.secrets, test_key.SECRETS, strict=False):
        (folder / name).write_bytes(secret)
    parts = [*(reading(which, folder) for which in range(len(READINGS))), rules, configurations]
    return sum(part(program, seed) for part in parts)


def main(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        built = build(folder / "build")
        if built.returncode:
            sys.exit(f"the module cannot be built with sanitizers:\n{built.stderr}")
        program, done, start = Program(folder / "build" / "selftest"), 0, time.monotonic()
        for seed in count(time.time_ns() // 1_000_000):
            done += once(program, folder, seed)
            if time.monotonic() - start > seconds:
                break
    print(f"{done:,} random requests, no difference and no report")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
