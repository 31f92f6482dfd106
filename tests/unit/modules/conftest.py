"""The native module as a program: built once a session, with sanitizers where the compiler has them."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

MODULES = Path(__file__).parents[3] / "envoy" / "modules"
SANITIZE = "-fsanitize=address,undefined -fno-sanitize-recover=all"
NO_AUTHORITY = None  # a request without :authority
CONFIG = b"buckets=128\nprefix=t/\n"
NOW = 1_000_000_000  # what the clock of the program says

Host = bytes | None
Headers = list[tuple[bytes, bytes]]
Rules = Iterable[bytes | None]  # configurations of the role `rules`; None: the first of them is gone again


def frame(content: bytes) -> bytes:
    return struct.pack("<I", len(content)) + content


def frames(content: bytes) -> Iterator[bytes]:
    while content:
        (length,) = struct.unpack_from("<I", content)
        yield content[4 : 4 + length]
        content = content[4 + length :]


def request(headers: Headers) -> bytes:
    return frame(b"".join(frame(part) for header in headers for part in header))


@dataclass(frozen=True)
class Program:
    """One build of envoy/modules/selftest.c with the module in it."""

    path: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, requests: Iterable[Headers], config: bytes, name: bytes, rules: Rules = ()) -> subprocess.CompletedProcess[bytes]:
        beside = b"".join(frame(b"rules" if one is not None else b"forget") + frame(one or b"0") for one in rules)
        given = beside + frame(name) + frame(config) + b"".join(map(request, requests))
        return subprocess.run([self.path], input=given, capture_output=True, check=False, timeout=60, env=dict(self.environment))

    def answers(self, requests: Iterable[Headers], config: bytes, name: bytes, rules: Rules = ()) -> list[list[bytes]]:
        """What is left of each request: name, value, name, value, …; or the cluster that was chosen."""
        done = self.run(requests, config, name, rules)
        assert (done.returncode, done.stderr) == (0, b"")
        return [[*frames(one)] for one in frames(done.stdout)]

    def rewritten(self, requests: Iterable[Headers], config: bytes, rules: Rules = ()) -> list[Headers]:
        """The headers of each request once the role `key` has seen it."""
        return [[*zip(one[::2], one[1::2], strict=True)] for one in self.answers(requests, config, b"key", rules)]

    def chosen(self, requests: Iterable[Headers], config: bytes, rules: Rules = ()) -> list[bytes]:
        """The cluster that the role `fork` sends each request to."""
        return [one for (one,) in self.answers(requests, config, b"fork", rules)]

    def values(self, hosts: Iterable[Host], config: bytes = CONFIG) -> list[str]:
        """What the role `shard` sets x-shard to, one for each host."""
        requests = [[] if host is None else [(b":authority", host)] for host in hosts]
        return [one[-1].decode() for one in self.answers(requests, config, b"shard")]

    def slots(self, hosts: Iterable[Host], buckets: int) -> list[int]:
        return [int(value.removeprefix("t/")) for value in self.values(hosts, b"buckets=%d\nprefix=t/\n" % buckets)]


def build(into: Path, source: Path = MODULES, sanitize: str = SANITIZE) -> subprocess.CompletedProcess[str]:
    command = ["make", "-C", source, "selftest", f"BUILD={into}", f"SANITIZE={sanitize}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


Planting = Callable[[str, str, str], Program]


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Objects of a build without sanitizers, so that a build with a fault in it compiles what holds the fault."""
    into = tmp_path_factory.mktemp("plain")
    assert build(into, sanitize="").returncode == 0
    return into


@pytest.fixture
def planted(plain: Path, tmp_path: Path) -> Planting:
    """A build in which these words of a source file are others."""

    def with_fault(name: str, sound: str, faulty: str) -> Program:
        sources = tmp_path / "modules"
        shutil.copytree(plain, tmp_path / "build")
        shutil.copytree(MODULES, sources, ignore=shutil.ignore_patterns("*.so"))
        text = (sources / name).read_text()
        assert text.count(sound) == 1
        (sources / name).write_text(text.replace(sound, faulty))
        done = build(tmp_path / "build", sources, sanitize="")
        assert done.returncode == 0, done.stderr
        return Program(tmp_path / "build" / "selftest")

    return with_fault


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The module under AddressSanitizer and UBSan."""
    into = tmp_path_factory.mktemp("selftest")
    built = build(into)
    if built.returncode and build(into, sanitize="").returncode == 0 and os.environ.get("CI") != "true":
        pytest.skip("this C compiler has no address and undefined behaviour sanitizers")
    assert built.returncode == 0, built.stdout + built.stderr
    return Program(into / "selftest")
