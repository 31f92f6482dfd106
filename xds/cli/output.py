"""How commands answer: tables for people, JSON and YAML for programs, and one sentence with an exit code where they cannot."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import Any


class Exit(Exception):  # noqa: N818 - an answer, not a failure of ours
    """End here, with a sentence on stderr. 1: a finding, 2: misuse, 3: somebody cannot be reached."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(text)
        self.code, self.text = code, text


class Output(StrEnum):
    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


def say(text: str) -> None:
    """A line for people or programs, at once: somebody may be waiting at the other end of a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """A line for people beside what is said, which may go to a file."""
    sys.stderr.write(f"pointsman: {text}\n")


def dumped(value: Any, output: Output) -> str:
    """JSON, or YAML."""
    if output is Output.JSON:
        return json.dumps(value, indent=2, ensure_ascii=False)
    import yaml

    plain = json.loads(json.dumps(value))  # protobuf gives dictionaries of a kind of its own
    return yaml.dump(plain, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=120).rstrip("\n")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as what they hold, two blanks apart, as kubectl has them."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [head, *rows])


def meant(word: str, words: Sequence[str]) -> str:
    """` Did you mean …?`, or nothing."""
    near = get_close_matches(word.lower(), words, n=1, cutoff=0.6)
    return f" Did you mean {near[0]}?" if near else ""
