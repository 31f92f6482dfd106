"""Subscriptions against a reference model that keeps the protocol page's rules in the plainest way."""

from __future__ import annotations

import gc

from hypothesis import given
from hypothesis import strategies as st

from xds.subscription import NOTHING, Subscription, delta, shared, sotw

NAMES = st.frozensets(st.sampled_from(["a", "b", "c", "*"]), max_size=3)


class Reference:
    """A set in which `*` is a name like any other, and what the client must then be told."""

    def __init__(self) -> None:
        self.first, self.wanted, self.ever_named = True, set(), False

    def request(self, subscribe: frozenset[str], unsubscribe: frozenset[str], legacy: bool) -> tuple[bool, set[str]]:
        everything = "*" in subscribe
        if self.first and legacy and not subscribe:
            self.wanted.add("*")
            everything = True
        self.first = False
        had = set(self.wanted)
        self.wanted = (self.wanted - unsubscribe) | subscribe
        kept = (had & unsubscribe) - subscribe - {"*"} if "*" in self.wanted else set()
        return everything, (set(subscribe) - {"*"}) | kept


@given(st.lists(st.tuples(NAMES, NAMES), max_size=8), st.booleans())
def test_subscription_follows_the_reference_model(requests: list[tuple[frozenset[str], frozenset[str]]], legacy: bool) -> None:
    model, now = Reference(), None
    for subscribe, unsubscribe in requests:
        everything, names = model.request(subscribe, unsubscribe, legacy)
        asked = delta(now, subscribe, unsubscribe, legacy_wildcard=legacy)
        now = asked.now
        assert (asked.everything, asked.names) == (everything, names)
        assert now.wildcard == ("*" in model.wanted)
        assert now.names == model.wanted - {"*"}
        assert all(now.covers(name) == ("*" in model.wanted or name in model.wanted) for name in "abc")


def test_equal_subscriptions_share_one_set_of_names() -> None:
    one = delta(Subscription(), ["a", "b"], [], legacy_wildcard=False).now
    other = delta(delta(Subscription(), ["b"], [], legacy_wildcard=False).now, ["a"], [], legacy_wildcard=False).now
    assert one.names is other.names


def test_same_change_of_a_shared_set_is_computed_once() -> None:
    base = shared(str(number) for number in range(1000))
    first = base.changed(frozenset({"new"}), frozenset())
    assert base.changed(frozenset({"new"}), frozenset()) is first
    assert len(first) == 1001


def test_set_that_nobody_holds_is_forgotten() -> None:
    from xds.subscription import _known

    gc.collect()
    before = len(_known)
    names = shared(f"only here {number}" for number in range(10))
    assert len(_known) == before + 1
    del names
    gc.collect()
    assert len(_known) == before


def test_names_have_one_order() -> None:
    assert shared("cab").ordered == ("a", "b", "c")
    assert NOTHING.ordered == ()


@given(st.lists(NAMES, max_size=8), st.booleans())
def test_state_of_the_world_is_what_the_last_request_says(requests: list[frozenset[str]], legacy: bool) -> None:
    """No names mean everything only as long as there never were any, and only for types that have it so."""
    now, had, named = None, frozenset[str](), False
    for wanted in requests:
        named = named or bool(wanted)
        has = wanted if named or not legacy else frozenset("*")
        asked = sotw(now, wanted, legacy_wildcard=legacy)
        now = asked.now
        assert (now.wildcard, now.names) == ("*" in has, has - {"*"})
        assert (asked.everything, asked.names) == ("*" in has - had, has - had - {"*"})
        had = has
