"""Claims about the native module `fork`: which cluster a request with a key is sent to."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.modules.conftest import Headers, Planting, Program

CONFIG = b"header=x-route-key\nbase=1 service/shop/cart\nfork=fork/cart/\n"
BASE = b"service/shop/cart"
SPLIT = b"header=k\nbase=90 old\nfork=fork/old/\nbase=10 new\nfork=fork/new/\n"
ALICE = (b"x-route-key", b"alice")
FORK = (b"healthy", b"2=fork/cart/alice")


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        pytest.param([ALICE, FORK], b"fork/cart/alice", id="fork"),
        pytest.param([FORK], BASE, id="no-key"),
        pytest.param([(b"x-route-key", b"bob"), FORK], BASE, id="unknown-key"),
        pytest.param([ALICE], BASE, id="no-such-cluster"),
        pytest.param([ALICE, (b"healthy", b"0=fork/cart/alice")], BASE, id="no-healthy-host"),
        pytest.param([ALICE, ALICE, FORK], BASE, id="two-lines"),
        pytest.param([(b"x-route-key", b"Alice"), (b"healthy", b"2=fork/cart/Alice")], BASE, id="no-key-at-all"),
        pytest.param([(b"x-route-key", b"../x"), (b"healthy", b"2=fork/cart/../x")], BASE, id="name-of-something-else"),
        pytest.param([(b"x-route-key", b"a" * 63), (b"healthy", b"1=fork/cart/" + b"a" * 63)], b"fork/cart/" + b"a" * 63, id="longest"),
        pytest.param([(b"x-route-key", b"a" * 64), (b"healthy", b"1=fork/cart/" + b"a" * 64)], BASE, id="too-long"),
        pytest.param([ALICE, FORK, (b"x-envoy-attempt-count", b"1")], BASE, id="second-try"),
    ],
)
def test_request_goes_to_its_fork_or_to_the_baseline(program: Program, headers: Headers, wanted: bytes) -> None:
    assert program.chosen([headers], CONFIG) == [wanted]


@pytest.mark.parametrize(("draw", "wanted"), [(0, b"old"), (89, b"old"), (90, b"new"), (99, b"new"), (100, b"old"), (10**18 + 95, b"new")])
def test_baseline_of_several_is_drawn_by_weight(program: Program, draw: int, wanted: bytes) -> None:
    assert program.chosen([[(b"random", b"%d" % draw)]], SPLIT) == [wanted]


def test_fork_of_any_part_takes_the_whole_of_a_key_and_the_first_part_comes_first(program: Program) -> None:
    old, new = (b"healthy", b"1=fork/old/alice"), (b"healthy", b"1=fork/new/alice")
    assert program.chosen([[(b"k", b"alice"), new], [(b"k", b"alice"), new, old]], SPLIT) == [b"fork/new/alice", b"fork/old/alice"]


def test_part_without_a_prefix_has_no_forks(program: Program) -> None:
    config = b"header=k\nbase=1 old\nbase=1 new\nfork=fork/new/\n"
    assert program.chosen([[(b"k", b"a"), (b"healthy", b"1=fork/new/a")]], config) == [b"fork/new/a"]
    assert program.chosen([[(b"k", b"a"), (b"healthy", b"1=a"), (b"random", b"0")]], config) == [b"old"]


@pytest.mark.parametrize(
    ("share", "draw", "wanted"), [(30, 29, b"fork/cart/alice"), (30, 30, BASE), (0, 0, BASE), (100, 99, b"fork/cart/alice")]
)
def test_share_of_a_key_is_drawn(program: Program, share: int, draw: int, wanted: bytes) -> None:
    config = b"share=%d\n" % share + CONFIG
    assert program.chosen([[ALICE, FORK, (b"random", b"%d" % draw)]], config) == [wanted]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        pytest.param(b"", "header is missing", id="empty"),
        pytest.param(b"header=k\n", "base is missing", id="no-base"),
        pytest.param(b"header=k\nheader=k\nbase=1 a\n", "header is not one", id="header-twice"),
        pytest.param(b"header=k\nbase=a\n", "base is not a weight and a cluster", id="no-weight"),
        pytest.param(b"header=k\nbase=0 a\n", "a weight is not", id="weight-of-nothing"),
        pytest.param(b"header=k\nbase=1000001 a\n", "a weight is not", id="too-heavy"),
        pytest.param(b"header=k\nbase=1 \n", "a cluster is not named", id="no-cluster"),
        pytest.param(b"header=k\n" + b"base=1 a\n" * 17, "more than 16", id="too-many"),
        pytest.param(b"header=k\nfork=f/\nbase=1 a\n", "fork does not follow", id="fork-first"),
        pytest.param(b"header=k\nbase=1 a\nfork=f/\nfork=g/\n", "fork does not follow", id="two-forks"),
        pytest.param(b"header=k\nbase=1 a\nfork=" + b"f" * 1025, "fork is not 1 to 1024", id="prefix-too-long"),
        pytest.param(b"header=k\nshare=101\nbase=1 a\n", "share is not", id="share-of-more-than-all"),
        pytest.param(b"header=k\nshare=1\nshare=1\nbase=1 a\n", "share is not", id="share-twice"),
        pytest.param(b"header=k\ncolour=red\n", "a line is none of", id="unknown-line"),
        pytest.param(b"header", "not key=value", id="no-equals-sign"),
    ],
)
def test_configuration_it_does_not_understand_is_refused_with_the_reason(program: Program, config: bytes, reason: str) -> None:
    done = program.run([], config, b"fork")
    assert (done.returncode, done.stdout) == (1, b"")
    assert reason in done.stderr.decode()


LINES = [b"base=3 a", b"base=1 b", b"fork=f/", b"share=50", b"header=k", b"fork=", b"base=", b"x=y"]
KEYS = [b"alice", b"", b"\xff", b"a" * 64, b"bob"]


def random_case(seed: int) -> tuple[bytes, list[Headers]]:
    chance = random.Random(seed)
    lines = chance.choices(LINES, k=chance.randrange(9))
    hosts = [b"1=f/alice", b"0=f/alice", b"x", chance.randbytes(5)]
    draws = [(b"random", b"%d" % chance.getrandbits(60))] * 3
    requests: list[Headers] = [[(b"k", chance.choice(KEYS)), (b"healthy", chance.choice(hosts)), *draws] for _ in range(5)]
    return b"\n".join([b"header=k", *lines] if chance.random() < 0.8 else lines), requests


@settings(max_examples=40)  # a process each
@given(st.integers(0, 10**9))
def test_random_configuration_is_taken_or_refused_and_harms_nothing(program: Program, seed: int) -> None:
    config, requests = random_case(seed)
    done = program.run(requests, config, b"fork")
    assert (done.returncode, bool(done.stdout), done.stderr.count(b"\n")) in {(0, True, 0), (1, False, 1)}


@pytest.mark.parametrize(
    ("sound", "faulty"),
    [
        pytest.param("&& healthy > 0", "", id="sick-fork"),
        pytest.param("count == 1 && is_key(*key)", "count == 1", id="any-text-is-a-key"),
        pytest.param("found && count == 1 &&", "found &&", id="two-lines"),
        pytest.param("while (left >= one->weight)", "while (left > one->weight)", id="edge-of-a-weight"),
        pytest.param("% 100 < set->share", "% 100 <= set->share", id="edge-of-a-share"),
    ],
)
def test_planted_fault_is_found(planted: Planting, sound: str, faulty: str) -> None:
    broken = planted("fork.c", sound, faulty)
    odd = (b"x-route-key", b"Alice")
    requests = [[ALICE, (b"healthy", b"0=fork/cart/alice")], [odd, (b"healthy", b"2=fork/cart/Alice")], [ALICE, ALICE, FORK]]
    found = broken.chosen(requests, CONFIG) + broken.chosen([[(b"random", b"90")]], SPLIT)
    found += broken.chosen([[ALICE, FORK, (b"random", b"30")]], b"share=30\n" + CONFIG)
    assert found != [BASE, BASE, BASE, b"new", BASE]
