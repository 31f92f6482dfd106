"""What a run of the upstream suite comes to, read from what it prints. A run in parallel has no other true account of itself.

Knows the lines of `go test -v` and nothing of clusters.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

ALL = 131  # tests of the five gateway profiles of v1.6.1
MESH = "Mesh"  # what tests of the mesh profiles, which are no part of ours, begin with
SLOWEST = 5
LAST = 40  # lines that are shown of what a failed test said
_LINE = re.compile(r"^    --- (PASS|FAIL|SKIP): TestConformance/(\w+) \((\d+\.\d+)s\)$")
_SPEAKS = re.compile(r"^=== (?:RUN|PAUSE|CONT|NAME) +TestConformance/(\w+)")


@dataclass
class Outcome:
    """Tests by name, with the seconds that each took; subtests are part of theirs."""

    passed: dict[str, float] = field(default_factory=dict)
    failed: dict[str, float] = field(default_factory=dict)
    skipped: dict[str, float] = field(default_factory=dict)
    _said: dict[str, list[str]] = field(default_factory=dict, compare=False)
    _speaker: str = field(default="", compare=False)

    def read(self, line: str) -> None:
        """One line of output, without its end. Most say nothing of a whole test."""
        if speaks := _SPEAKS.match(line):
            self._speaker = speaks[1]
        self._said.setdefault(self._speaker, []).append(line)
        if found := _LINE.match(line):
            result, name, seconds = found.groups()
            {"PASS": self.passed, "FAIL": self.failed, "SKIP": self.skipped}[result][name] = float(seconds)

    def problems(self, *, whole: bool, without: Collection[str] = ()) -> Iterator[str]:
        """Why this is no pass. `whole`: all tests were asked for, so that none of a gateway profile may be left out but for those
        that are about what is not claimed: `without`.
        """
        yield from (f"failed: {name}" for name in self.failed)
        if whole:
            yield from (f"left out: {name}" for name in self.skipped if not name.startswith(MESH) and name not in without)
        wanted = ALL - len(without) if whole else 1
        if len(self.passed) < wanted:
            yield f"{len(self.passed)} tests passed, of {wanted}"

    def last_words(self) -> Iterator[str]:
        """What failed tests said in the end: tests that run at a time speak in turns."""
        for name in self.failed:
            yield from (f"{name}:", *self._said.get(name, [])[-LAST:])

    def summary(self) -> str:
        """In the form that test runners close with, after the tests that took longest."""
        slowest = sorted((self.passed | self.failed).items(), key=lambda one: -one[1])[:SLOWEST]
        told = [f"{seconds:6.1f} s  {name}" for name, seconds in slowest]
        return "\n".join([*told, f"{len(self.passed)} passed, {len(self.failed)} failed"])
