"""Snapshots: bytes that Envoy's own messages read, versions of content, and a log that tells what changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.v3 import Cluster, DeltaDiscoveryResponse, DiscoveryResponse, data
from translator.ir.finding import Finding
from translator.ir.output import Packed
from translator.ir.tables import OUT_CLUSTER, OUT_FINDINGS, OUT_LISTENER, OUT_VIRTUAL_HOST
from xds import pieces, snapshot
from xds.kinds import CLUSTER, LISTENER, SCOPE, VIRTUAL_HOST, Variant
from xds.resource import Resource, Whole
from xds.snapshot import Resources, Snapshots

DELTA = Variant.DELTA


def applied(*batches: dict[str, str | None], view: str = "local") -> Snapshots:
    snapshots = Snapshots()
    for batch in batches:
        snapshots.apply({(OUT_CLUSTER, (view, name)): None if body is None else Packed(body.encode()) for name, body in batch.items()})
    return snapshots


def clusters(snapshots: Snapshots) -> Resources:
    return snapshots.of("local", CLUSTER)


def test_delta_response_is_read_by_the_generated_message() -> None:
    body = data(Cluster(name="a"))
    snapshots = Snapshots()
    snapshots.apply({(OUT_CLUSTER, ("local", "a")): Packed(body, ("eds/a",))})
    (part,) = clusters(snapshots).parts(DELTA, ("a",), ("gone",))
    response = DeltaDiscoveryResponse.FromString(part.data)
    assert response.type_url == CLUSTER.type_url
    assert response.nonce == part.nonce
    assert list(response.removed_resources) == ["gone"]
    (resource,) = response.resources
    assert (resource.name, resource.version) == ("a", clusters(snapshots).live["a"].version)
    unpacked = Cluster()
    assert resource.resource.Unpack(unpacked)
    assert unpacked.name == "a"
    assert part.needs == {"eds/a"}


def test_tail_of_an_entry_is_an_element_of_the_other_variant() -> None:
    one = clusters(applied({"a": "body"})).live["a"]
    (resource,) = DiscoveryResponse.FromString(b"".join(one.said(Variant.SOTW))).resources
    assert (resource.type_url, resource.value) == (CLUSTER.type_url, b"body")


def test_bytes_of_a_resource_are_those_of_the_engine_and_no_copy() -> None:
    packed = Packed(data(Cluster(name="a")))
    snapshots = Snapshots()
    snapshots.apply({(OUT_CLUSTER, ("local", "a")): packed})
    assert clusters(snapshots).live["a"].body is packed.body


def test_equal_response_is_built_once_and_shared() -> None:
    resources = clusters(applied({"a": "1", "b": "1"}))
    assert resources.parts(DELTA, ("a",), ()) is resources.parts(DELTA, ("a",), ())
    assert resources.parts(DELTA, ("a",), ())[0].nonce != resources.parts(DELTA, ("b",), ())[0].nonce


def test_response_is_built_anew_after_a_change() -> None:
    snapshots = applied({"a": "1"})
    before = clusters(snapshots).parts(DELTA, ("a",), ())[0]
    snapshots.apply({(OUT_CLUSTER, ("local", "a")): Packed(b"2")})
    after = clusters(snapshots).parts(DELTA, ("a",), ())[0]
    assert (after.data != before.data, after.nonce != before.nonce) == (True, True)


def test_equal_body_is_no_change() -> None:
    snapshots = applied({"a": "1"})
    assert snapshots.apply({(OUT_CLUSTER, ("local", "a")): Packed(b"1")}) == set()
    assert snapshots.epoch == 1


def test_touched_views_and_types_are_told_and_other_tables_passed_over() -> None:
    snapshots = Snapshots()
    changes = {
        (OUT_LISTENER, ("local~flat", "l")): Packed(b"1"),
        (OUT_CLUSTER, ("local", "c")): Packed(b"1"),
        (OUT_CLUSTER, ("local", "never")): None,
        (OUT_FINDINGS, ("HTTPRoute", "a/b")): (Finding(code="PM0001", kind="HTTPRoute", key="a/b", message="no"),),
    }
    assert snapshots.apply(changes) == {("local~flat", LISTENER), ("local", CLUSTER)}


def test_shared_types_are_the_same_in_every_view_of_a_group() -> None:
    snapshots = Snapshots()
    assert snapshots.of("local", CLUSTER) is snapshots.of("local~flat", CLUSTER)
    assert snapshots.of("local", SCOPE) is not snapshots.of("local~flat", SCOPE)


def test_flat_view_is_complete_when_it_was_made() -> None:
    snapshots = Snapshots()
    assert not snapshots.complete("local~flat")
    snapshots.synced = True
    assert snapshots.complete("local~flat")  # there is nothing to listen for in the other view either
    snapshots.apply({(OUT_LISTENER, ("local", "l")): Packed(b"1")})
    assert (snapshots.complete("local"), snapshots.complete("local~flat")) == (True, False)
    snapshots.apply({(OUT_LISTENER, ("local~flat", "l")): Packed(b"1")})
    assert snapshots.complete("local~flat")


def test_what_a_name_was_born_as_and_changed_from_is_known() -> None:
    live = clusters(applied({"a": "1"}, {"b": "1"}, {"a": "2"})).live
    assert (live["a"].born, live["a"].previous, live["a"].seq) == (1, 1, 3)
    assert list(live) == ["b", "a"]


def test_log_skips_a_state_that_was_overtaken() -> None:
    resources = clusters(applied({"a": "1"}, {"a": "2"}, {"a": "3"}))
    assert resources.skipped(clear=1, upto=2)
    assert not resources.skipped(clear=2, upto=2)
    assert not resources.skipped(clear=1, upto=3)


def test_large_set_is_split_below_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "LIMIT", 1000)
    resources = clusters(applied({f"c{number}": "x" * 200 for number in range(20)} | {"huge": "x" * 3000}))
    parts = resources.parts(DELTA, tuple(resources.live), ("gone",))
    assert [name for part in parts for name in part.names] == list(resources.live)
    assert [part.gone for part in parts] == [("gone",), *((),) * (len(parts) - 1)]
    assert all(len(part.data) < 1200 or part.names == ("huge",) for part in parts)
    assert len({part.nonce for part in parts}) == len(parts)


def test_old_removals_are_forgotten_and_the_log_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "TOMBSTONES", 4)
    snapshots = applied({f"c{number}": "1" for number in range(6)}, *({f"c{number}": None} for number in range(6)))
    resources = clusters(snapshots)
    assert len(resources.dead) <= 4
    assert resources.floor == 3
    assert resources.gone(resources.floor, snapshots.epoch) == ("c2", "c3", "c4", "c5")


BATCHES = st.lists(
    st.dictionaries(st.sampled_from("abcde"), st.one_of(st.none(), st.sampled_from(["1", "2"])), min_size=1), min_size=1, max_size=8
)


@given(BATCHES, st.integers(0, 8), st.integers(0, 8))
def test_log_tells_exactly_what_differs(batches: list[dict[str, str | None]], after: int, upto: int) -> None:
    """Replaying made and gone over the state of any earlier epoch gives the state of now."""
    states: list[dict[str, str]] = [{}]
    snapshots = Snapshots()
    for batch in batches:
        epoch = snapshots.epoch
        snapshots.apply({(OUT_CLUSTER, ("local", name)): None if body is None else Packed(body.encode()) for name, body in batch.items()})
        if snapshots.epoch != epoch:
            states.append({name: one.version for name, one in clusters(snapshots).live.items()})
    after = min(after, snapshots.epoch)
    resources = clusters(snapshots)
    state = dict(states[after])
    state.update({one.name: one.version for one in resources.made(after, snapshots.epoch)})
    for name in resources.gone(after, snapshots.epoch):
        state.pop(name, None)
    assert state == states[-1]
    assert set(resources.made(after, upto)) == {one for one in resources.made(after, snapshots.epoch) if one.seq <= upto}


@given(BATCHES)
def test_version_of_a_set_is_that_of_its_content(batches: list[dict[str, str | None]]) -> None:
    snapshots = applied(*batches)
    final: dict[str, str] = {}
    for batch in batches:
        final |= {name: body for name, body in batch.items() if body}
        final = {name: body for name, body in final.items() if batch.get(name, "") is not None}
    fresh = applied(dict(sorted(final.items(), reverse=True))) if final else Snapshots()
    assert clusters(snapshots).version == clusters(fresh).version
    assert (clusters(snapshots).version == Snapshots().of("local", CLUSTER).version) == (not final)


NOBODY = Whole(0, {})


def live(resources: Resources, *names: str) -> list[Resource]:
    return [resources.live[name] for name in names]


def test_whole_response_carries_old_states_and_new_ones() -> None:
    snapshots = applied({"a": "1", "b": "1", "z": "1"})
    resources = clusters(snapshots)
    first = resources.whole(NOBODY, live(resources, "a", "b", "z"), frozenset(), "")
    snapshots.apply({(OUT_CLUSTER, ("local", name)): body and Packed(body) for name, body in {"a": b"2", "b": b"2", "z": None}.items()})
    assert first.whole is not None
    part = resources.whole(first.whole, live(resources, "b"), frozenset("z"), first.nonce)
    response = DiscoveryResponse.FromString(part.data)
    assert [one.value for one in response.resources] == [b"1", b"2"]
    assert (response.nonce, response.type_url) == (part.nonce, CLUSTER.type_url)
    assert part.nonce != first.nonce
    assert response.version_info == part.version != resources.version


def test_whole_of_all_has_the_version_of_the_set_and_is_known_by_it() -> None:
    resources = clusters(applied({"a": "1", "b": "1"}))
    part = resources.whole(NOBODY, live(resources, "b", "a"), frozenset(), "")
    assert part.version == resources.version
    assert resources.known(part.version) is part.whole
    assert resources.known("of another time") is None


def test_equal_whole_is_shared_however_it_came_about_and_its_nonce_is_never_the_last() -> None:
    resources = clusters(applied({"a": "1", "b": "1"}))
    one = resources.whole(NOBODY, live(resources, "a"), frozenset(), "")
    two = resources.whole(resources.whole(NOBODY, live(resources, "a", "b"), frozenset(), "").whole or NOBODY, (), frozenset("b"), "")
    assert one.data is two.data
    again = resources.whole(NOBODY, live(resources, "a"), frozenset(), one.nonce)
    assert (again.whole is one.whole, again.nonce != one.nonce) == (True, True)


def test_repeated_response_has_another_nonce() -> None:
    """Else a request sent before it arrived would pass for its ACK."""
    resources = clusters(applied({"a": "1"}))
    (first,) = resources.parts(DELTA, ("a",), ())
    assert resources.parts(DELTA, ("a",), (), first.nonce)[0].nonce != first.nonce


def test_only_the_last_wholes_are_remembered() -> None:
    resources = clusters(applied({f"c{number}": "1" for number in range(20)}))
    versions = [resources.whole(NOBODY, live(resources, f"c{number}"), frozenset(), "").version for number in range(20)]
    assert [resources.known(version) is not None for version in versions] == [False] * 12 + [True] * 8


def test_names_that_stand_for_others_are_those_of_now() -> None:
    snapshots = Snapshots()
    rows = {"r/a": Packed(b"1", aliases=("r/x", "r/y")), "r/b": Packed(b"1", aliases=("r/z",))}
    snapshots.apply({(OUT_VIRTUAL_HOST, ("local", name)): one for name, one in rows.items()})
    hosts = snapshots.of("local", VIRTUAL_HOST)
    assert hosts.meant(frozenset({"r/x", "r/b", "r/nothing"})) == {"r/a", "r/b", "r/nothing"}
    snapshots.apply({(OUT_VIRTUAL_HOST, ("local", "r/a")): Packed(b"1", aliases=("r/z",)), (OUT_VIRTUAL_HOST, ("local", "r/b")): None})
    assert hosts.meant(frozenset({"r/x", "r/z"})) == {"r/x", "r/a"}


def test_aliases_and_lifetime_are_part_of_a_version_and_of_the_entry() -> None:
    snapshots, versions = Snapshots(), set()
    for packed in (Packed(b"1"), Packed(b"1", aliases=("r/x",)), Packed(b"1", ttl=5), Packed(b"1", ttl=6)):
        snapshots.apply({(OUT_VIRTUAL_HOST, ("local", "r/a")): packed})
        hosts = snapshots.of("local", VIRTUAL_HOST)
        versions.add(hosts.live["r/a"].version)
        (one,) = DeltaDiscoveryResponse.FromString(hosts.parts(DELTA, ("r/a",), ())[0].data).resources
        assert (tuple(one.aliases), one.ttl.seconds, one.resource.value) == (packed.aliases, packed.ttl, b"1")
        assert hosts.mortal == ({"r/a": packed.ttl} if packed.ttl else {})
    assert len(versions) == 4


def test_many_removed_names_are_split_below_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "LIMIT", 1000)
    resources = clusters(applied({"a": "1"}))
    gone = tuple(f"cluster {number}" for number in range(300))
    parts = resources.parts(DELTA, ("a",), gone)
    assert tuple(name for part in parts for name in part.gone) == gone
    assert [name for part in parts for name in part.names] == ["a"]
    assert all(len(part.data) < 1200 for part in parts)
