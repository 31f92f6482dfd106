"""One writer at a time, whatever clocks do."""

from __future__ import annotations

import random
from typing import Any

import pytest

from xds.reports.lease import DURATION, RENEW, RETRY, Election, Write

NOW, ODD = "2026-01-01T00:00:00.000000Z", "1970-01-01T00:00:00.000000Z"


def held_by(name: str, seconds: int = int(DURATION)) -> dict[str, Any]:
    return {"holderIdentity": name, "leaseDurationSeconds": seconds, "renewTime": NOW, "leaseTransitions": 3}


def test_lease_that_does_not_exist_is_created() -> None:
    one = Election("a")
    write = one.seen("", {}, 0.0, NOW)
    assert write is not None
    assert (write.version, write.spec["holderIdentity"], write.spec["leaseTransitions"]) == ("", "a", 0)
    assert not one.leads(0.0)
    one.wrote("1", 0.0)
    assert one.leads(RENEW - 0.1)


def test_leader_that_cannot_renew_stops_before_anybody_else_may_begin() -> None:
    one = Election("a")
    one.seen("", {}, 0.0, NOW)
    one.wrote("1", 0.0)
    assert not one.leads(RENEW)
    assert RENEW < DURATION


def test_lease_of_another_is_respected_for_its_duration_from_when_it_was_last_seen_to_change() -> None:
    one = Election("b")
    assert one.seen("1", held_by("a"), 0.0, NOW) is None
    assert one.seen("2", held_by("a"), 5.0, NOW) is None
    assert one.seen("2", held_by("a"), 4.9 + DURATION, NOW) is None
    write = one.seen("2", held_by("a"), 5.0 + DURATION, NOW)
    assert write is not None
    assert (write.version, write.spec["leaseTransitions"]) == ("2", 4)


@pytest.mark.parametrize("phase", [0.0, 0.5, RETRY - 0.01])
def test_another_leads_within_fifteen_seconds_of_a_leader_that_was_killed(phase: float) -> None:
    """Which renewed right before, and right after the other had looked."""
    other, killed = Election("b"), 100.0
    for look in range(-20, 20):
        at = killed + phase + look * RETRY
        renewals = 40 if at >= killed else int(at)
        if other.seen(str(renewals), held_by("a"), at, NOW):
            other.wrote("41", at)
            break
    assert killed + RENEW < at <= killed + 15.0


def test_holder_may_ask_for_longer() -> None:
    one = Election("b")
    assert one.seen("1", held_by("a", 60), 0.0, NOW) is None
    assert one.seen("1", held_by("a", 60), 59.0, NOW) is None


@pytest.mark.parametrize("wall", [NOW, ODD])
def test_time_of_day_decides_nothing(wall: str) -> None:
    one = Election("b")
    assert one.seen("1", held_by("a") | {"renewTime": ODD}, 0.0, wall) is None
    assert one.seen("1", held_by("a") | {"renewTime": ODD}, DURATION - 1, wall) is None


def test_lease_that_was_given_up_is_taken_at_once() -> None:
    assert Election("b").seen("5", held_by(""), 0.0, NOW) is not None


def test_renewal_keeps_when_it_was_acquired_and_counts_no_transition() -> None:
    one = Election("a")
    write = one.seen("5", held_by("a") | {"acquireTime": ODD}, 0.0, NOW)
    assert write == Write({**held_by("a"), "acquireTime": ODD}, "5")


def test_leader_that_was_paused_leads_no_more_when_it_wakes() -> None:
    one = Election("a")
    one.seen("", {}, 0.0, NOW)
    one.wrote("1", 0.0)
    assert not one.leads(60.0)
    assert one.seen("9", held_by("b"), 60.0, NOW) is None


def test_conflict_ends_the_lead() -> None:
    one = Election("a")
    one.seen("", {}, 0.0, NOW)
    one.wrote("1", 0.0)
    one.lost()
    assert (one.leads(0.1), one.released()) == (False, None)


def test_leader_gives_up_its_lease_on_the_way_out() -> None:
    one = Election("a")
    assert one.released() is None
    one.seen("", {}, 0.0, NOW)
    one.wrote("1", 0.0)
    released = one.released()
    assert released is not None
    assert (released["holderIdentity"], one.leads(0.1), one.version) == ("", False, "1")


@pytest.mark.parametrize("seed", range(20))
def test_never_two_lead(seed: int) -> None:
    """Replicas that look at any time, with answers that come late or get lost; the server takes a write of the version it has."""
    chance = random.Random(seed)
    replicas = {name: Election(name) for name in "abc"}
    version, spec, now = 0, {}, 0.0
    for _ in range(500):
        name = chance.choice("abc")
        now += chance.choice([chance.uniform(0, 20), chance.uniform(0, 1)])
        sent = now
        write = replicas[name].seen(str(version) if version else "", spec, now, NOW)
        if write is None:
            continue
        assert write.version == (str(version) if version else "")
        version, spec = version + 1, write.spec
        now += chance.uniform(0, 3)
        if chance.random() < 0.7:
            replicas[name].wrote(str(version), sent)
        assert sum(one.leads(now) for one in replicas.values()) <= 1
