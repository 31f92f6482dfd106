"""Who is the cause: named by itself, in few tries, whatever the client says."""

from __future__ import annotations

from math import ceil, log2

import pytest

from xds.suspects import Suspects


def played(many: int, bad: set[str], message: str = "") -> tuple[list[str], list[str], int]:
    """Causes, those accepted, and tries until the first cause."""
    suspects, causes, accepted, tries, until = Suspects(), [], [], 0, 0
    first = suspects.refused(tuple(map(str, range(many))), message)
    causes += [first] if first else []
    while suspects:
        tries += 1
        if bad.intersection(suspects.next):
            cause = suspects.refuse(message)
            causes += [cause] if cause else []
            until = until or (tries if cause else 0)
        else:
            accepted += suspects.accept()
    return causes, accepted, until


@pytest.mark.parametrize("many", [2, 3, 4, 5, 31, 32, 33, 64])
def test_one_cause_is_named_within_log2_and_one(many: int) -> None:
    for cause in map(str, range(many)):
        causes, accepted, until = played(many, {cause})
        assert (causes, len(accepted)) == ([cause], many - 1)
        assert until <= ceil(log2(many)) + 1


def test_one_alone_needs_no_try() -> None:
    suspects = Suspects()
    assert suspects.refused(("a",), "no") == "a"
    assert not suspects


def test_right_words_save_all_but_two_tries() -> None:
    assert played(1000, {"617"}, "bad: '617'")[2] == 2


def test_wrong_words_cost_one_try() -> None:
    assert played(64, {"40"}, "bad: '3'")[2] <= 1 + 6 + 1


def test_words_are_whole() -> None:
    """`1` is not named by a message about 1x and 170."""
    suspects = Suspects()
    suspects.refused(("1", "7", "9"), "bad: 1x, 170.")
    assert suspects.next == ("1", "7")


def test_name_by_which_a_client_calls_it_is_a_guess_too() -> None:
    suspects = Suspects({"0f": "shop", "1f": "cart", "2f": "till"})
    suspects.refused(("0f", "1f", "2f"), "route cart: no")
    assert suspects.next == ("0f", "2f")


def test_another_refusal_meanwhile_adds_to_the_suspects() -> None:
    suspects = Suspects()
    suspects.refused(("a", "b"), "")
    suspects.refused(("b", "c", "d"), "")
    assert suspects.next == ("a",)
    assert suspects.refuse("") == "a"
    assert suspects.next == ("b", "c", "d")


def test_what_changed_is_no_suspect_any_more() -> None:
    suspects = Suspects()
    suspects.refused(tuple("abcd"), "")
    suspects.keep(lambda one: one not in "ab")
    assert suspects.next == ("c", "d")
    assert "a" not in suspects
    suspects.keep(lambda _: False)
    assert not suspects


def test_order_is_kept() -> None:
    """What stands below a head is tried with it or after it."""
    suspects, tried = Suspects(), []
    suspects.refused(tuple("abcdefgh"), "")
    while suspects:
        tried.append("".join(suspects.next))
        suspects.refuse("") if {"b", "c"} & set(suspects.next) else suspects.accept()
    assert tried == ["abcd", "ab", "a", "b", "cdefgh", "cde", "cd", "c", "defgh"]


def test_those_refused_beside_a_known_cause_are_tried_all_at_once() -> None:
    suspects = Suspects()
    suspects.put_aside(["a", "b", "c"])
    assert suspects.next == ("a", "b", "c")
    suspects.put_aside(["b", "d"])
    assert suspects.accept() == ("a", "b", "c")
    assert suspects.next == ("d",)
