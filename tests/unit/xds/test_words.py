"""What a client says is shown on one line, with what is wrong in it, and never with a key."""

from __future__ import annotations

import pytest

from xds.kinds import CLUSTER, SECRET, Kind
from xds.words import LONGEST, shown


def test_lines_become_one() -> None:
    assert shown(CLUSTER, 'Proto constraint validation failed:\n  name:  "a"\n') == 'Proto constraint validation failed: name: "a"'


def test_no_control_character_reaches_a_log() -> None:
    assert shown(CLUSTER, "a\x1b[31mb\x00") == "a�[31mb�"


def test_endless_text_ends_with_its_end() -> None:
    text = shown(CLUSTER, "first " + "word " * 10_000 + "last")
    assert len(text) == LONGEST
    assert text.startswith("first ")
    assert text.endswith(" last")


DUMP = 'goo.gle/debugonly   \nname: "a"\nconnect_timeout {\n}\nmetadata {\n  name: "b"\n}\n'
RULE = "Proto constraint validation failed (ClusterValidationError.ConnectTimeout: value must be greater than 0s)"


@pytest.mark.parametrize(
    ("said", "left"),
    [
        pytest.param(f"{DUMP}: {RULE}", f"a: {RULE}", id="rule"),
        pytest.param(f"adding l: {DUMP.replace('name', 'id', 1)}: {RULE}\n", f"adding l: {RULE}", id="rule of a message within"),
        pytest.param(f"{DUMP}: {RULE}, {DUMP}: {RULE}", f"a: {RULE}, a: {RULE}", id="twice"),
        pytest.param('no X: goo.gle/debugproto \ntype_url: "x"\nvalue: "canary"\n', "no X", id="no message"),
        pytest.param(DUMP.replace("name", "cluster_name"), "a", id="nothing else"),
    ],
)
@pytest.mark.parametrize("kind", [CLUSTER, SECRET], ids=repr)
def test_message_that_is_printed_is_left_out_but_for_its_name(kind: Kind, said: str, left: str) -> None:
    assert shown(kind, said) == left


@pytest.mark.parametrize("kind", [CLUSTER, SECRET], ids=repr)
def test_key_is_cut_off(kind: Kind) -> None:
    assert shown(kind, "no: -----BEGIN PRIVATE KEY----- MIIcanary") == "no: …"


def test_content_of_a_secret_is_cut_off_even_if_it_is_no_key() -> None:
    assert shown(SECRET, 'no: name: "s" private_key { inline_bytes: "canary" }') == 'no: name: "s" private_key { …'
    assert shown(CLUSTER, 'no: body { inline_string: "x" }') == 'no: body { inline_string: "x" }'
