"""A key in a list header is one member of it, whole, wherever it stands; by the engine that Envoy has (RE2)."""

from __future__ import annotations

import pytest
import re2

from translator.ir.keys import Spelling
from translator.mesh.matching import LONGEST, metadata, ours, pattern

ALICE = re2.compile(pattern(Spelling("baggage", "sd-routing.key"), "alice"))


@pytest.mark.parametrize(
    "value",
    [
        "sd-routing.key=alice",
        "a=1,sd-routing.key=alice",
        "a=1, sd-routing.key=alice;since=now, b=2",
        "sd-routing.key = alice ,b=2",
        "a=sd-routing.key=bob,sd-routing.key=alice",
    ],
)
def test_key_is_found(value: str) -> None:
    assert ALICE.fullmatch(value)


@pytest.mark.parametrize(
    "value",
    [
        "", "alice", "sd-routing.key=", "sd-routing.key=alice2", "sd-routing.key=alic", "sd-routing.key=Alice",
        "x-sd-routing.key=alice", "sd-routing-key=alice", "sd-routing.key=bob;was=alice", "a=sd-routing.key=alice",
    ],
)  # fmt: skip
def test_other_keys_and_members_are_not(value: str) -> None:
    assert not ALICE.fullmatch(value)


def test_name_that_is_too_long_ends_in_a_hash_of_itself() -> None:
    names = {metadata("a" * length, "shop")["name"] for length in (LONGEST, LONGEST + 1, LONGEST + 2)}
    assert len(names) == 3
    assert {len(one) for one in names} == {LONGEST}


def test_only_what_has_both_our_labels_is_ours() -> None:
    made = {"metadata": metadata("x", "shop")}
    assert ours(made)
    for name in made["metadata"]["labels"]:
        left = {other: value for other, value in made["metadata"]["labels"].items() if other != name}
        assert not ours({"metadata": {"labels": left}})
    assert not ours({"metadata": {}})
