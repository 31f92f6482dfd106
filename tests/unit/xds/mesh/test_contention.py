"""The same routes are put in so often and no more, in any minute; other routes, and other objects, are no repetition."""

from __future__ import annotations

from typing import Any

from xds.mesh.contention import OFTEN, WITHIN, Contention

CART, MENU = "/shop/cart", "/shop/menu"


def document(*names: str) -> dict[str, Any]:
    return {"spec": {"http": [{"name": name} for name in names]}}


ALICE = document("pointsman/alice/0", "")


def put(one: Contention, path: str, what: dict[str, Any], now: float) -> bool:
    """As the writer does it; whether it was refused."""
    refused = one.refuses(path, what, now)
    if not refused:
        one.put(path, what, now)
    return refused


def test_repetition_is_refused_until_the_first_of_them_is_long_ago() -> None:
    one = Contention()
    assert [put(one, CART, ALICE, second) for second in range(OFTEN + 2)] == [False] * OFTEN + [True] * 2
    assert not put(one, CART, ALICE, WITHIN)
    assert put(one, CART, ALICE, WITHIN + 0.5), "the second is not"


def test_what_the_user_changes_beside_ours_makes_no_difference() -> None:
    one = Contention()
    assert [put(one, CART, document("pointsman/alice/0", str(turn)), turn) for turn in range(OFTEN + 1)][-1]


def test_keys_that_come_and_go_are_no_repetition() -> None:
    one = Contention()
    both = (ALICE, document("pointsman/bob/0", ""), document(""))
    assert not any(put(one, CART, each, second) for second in range(3 * OFTEN) for each in both)


def test_objects_count_for_themselves() -> None:
    one = Contention()
    assert not any(put(one, path, ALICE, second) for second in range(OFTEN) for path in (CART, MENU))


def test_object_without_routes_can_be_put_right_as_well() -> None:
    assert not put(Contention(), CART, {"spec": {"hosts": ["cart"]}}, 0.0)


def test_what_did_not_go_in_does_not_count() -> None:
    one = Contention()
    assert not any(one.refuses(CART, ALICE, second) for second in range(2 * OFTEN))
