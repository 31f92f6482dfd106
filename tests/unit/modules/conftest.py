"""The native module as a program: built once a session, with sanitizers where the compiler has them."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

MODULES = Path(__file__).parents[3] / "envoy" / "modules"
SANITIZE = "-fsanitize=address,undefined -fno-sanitize-recover=all"
NO_AUTHORITY = None  # a request without :authority
CONFIG = b"buckets=128\nprefix=t/\n"

Host = bytes | None


def frame(content: Host) -> bytes:
    return struct.pack("<I", 0xFFFFFFFF) if content is None else struct.pack("<I", len(content)) + content


@dataclass(frozen=True)
class Program:
    """One build of envoy/modules/selftest.c with the module in it."""

    path: Path

    def run(self, hosts: Iterable[Host], config: bytes = CONFIG, name: bytes = b"shard") -> subprocess.CompletedProcess[bytes]:
        given = b"".join(frame(content) for content in (name, config, *hosts))
        return subprocess.run([self.path], input=given, capture_output=True, check=False, timeout=60)

    def values(self, hosts: Iterable[Host], config: bytes = CONFIG) -> list[str]:
        """What the module sets x-shard to, one for each host."""
        done = self.run(hosts, config)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout.decode().splitlines()

    def slots(self, hosts: Iterable[Host], buckets: int) -> list[int]:
        return [int(value.removeprefix("t/")) for value in self.values(hosts, b"buckets=%d\nprefix=t/\n" % buckets)]


def build(into: Path, source: Path = MODULES / "shard.c", sanitize: str = SANITIZE) -> subprocess.CompletedProcess[str]:
    command = ["make", "-C", MODULES, "selftest", f"BUILD={into}", f"SOURCE={source}", f"SANITIZE={sanitize}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The module under AddressSanitizer and UBSan."""
    into = tmp_path_factory.mktemp("selftest")
    built = build(into)
    if built.returncode and build(into, sanitize="").returncode == 0 and os.environ.get("CI") != "true":
        pytest.skip("this C compiler has no address and undefined behaviour sanitizers")
    assert built.returncode == 0, built.stdout + built.stderr
    return Program(into / "selftest")
