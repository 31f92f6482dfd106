"""What a client says is shown on one line, and never with a key in it."""

from __future__ import annotations

import pytest

from xds.kinds import CLUSTER, SECRET
from xds.words import LONGEST, shown


def test_lines_become_one() -> None:
    assert shown(CLUSTER, 'Proto constraint validation failed:\n  name:  "a"\n') == 'Proto constraint validation failed: name: "a"'


def test_no_control_character_reaches_a_log() -> None:
    assert shown(CLUSTER, "a\x1b[31mb\x00") == "a�[31mb�"


def test_endless_text_ends() -> None:
    text = shown(CLUSTER, "word " * 10_000)
    assert len(text) == LONGEST
    assert text.endswith("…")


@pytest.mark.parametrize("kind", [CLUSTER, SECRET])
def test_key_is_cut_off(kind: object) -> None:
    assert shown(kind, "no: -----BEGIN PRIVATE KEY----- MIIcanary") == "no: …"  # type: ignore[arg-type]


def test_content_of_a_secret_is_cut_off_even_if_it_is_no_key() -> None:
    assert shown(SECRET, 'no: name: "s" private_key { inline_bytes: "canary" }') == 'no: name: "s" private_key { …'
    assert shown(CLUSTER, 'no: body { inline_string: "x" }') == 'no: body { inline_string: "x" }'
