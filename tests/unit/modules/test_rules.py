"""Claims about the native module's rules: which requests of a key its forks take, and which host has which key."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.modules.conftest import Headers, Planting, Program

CONFIG = b"header=k\nbase=1 base\nfork=f/\n"
SPLIT = b"header=k\nbase=1 old\nfork=old/\nbase=1 new\nfork=new/\n"
RULES = b"fork=f/a\nrule=100\npath=/pay\npath=/api/\nexact=/x\nheader=v 2\nrule=30\npath=/share\nrule=100\nheader=all 1\n"
FORKS = [(b"healthy", b"1=f/a/%d" % place) for place in range(3)]


def request(path: bytes, *headers: tuple[bytes, bytes], draw: int = 0) -> Headers:
    return [(b"k", b"a"), (b":path", path), (b"random", b"%d" % draw), *headers, *FORKS]


V2, V3, ALL = (b"v", b"2"), (b"v", b"3"), (b"all", b"1")
CASES = [
    pytest.param(request(b"/pay", V2), b"f/a/0", id="path-and-header"),
    pytest.param(request(b"/pay/me", V2), b"f/a/0", id="below"),
    pytest.param(request(b"/pay?to=me", V2), b"f/a/0", id="query-is-no-path"),
    pytest.param(request(b"/payme", V2), b"base", id="not-a-whole-segment"),
    pytest.param(request(b"/api", V2), b"f/a/0", id="slash-at-the-end-says-nothing"),
    pytest.param(request(b"/api/v1", V2), b"f/a/0", id="below-the-slash"),
    pytest.param(request(b"/x", V2), b"f/a/0", id="exact"),
    pytest.param(request(b"/x/", V2), b"base", id="exact-is-not-below"),
    pytest.param(request(b"/pay"), b"base", id="header-missing"),
    pytest.param(request(b"/pay", V3), b"base", id="header-of-another-value"),
    pytest.param(request(b"/pay", V2, V2), b"base", id="header-twice"),
    pytest.param(request(b"/share", draw=29), b"f/a/1", id="in-the-share"),
    pytest.param(request(b"/share", draw=30), b"base", id="beyond-the-share"),
    pytest.param(request(b"/share", ALL, draw=30), b"base", id="first-that-fits-decides"),
    pytest.param(request(b"/other", ALL), b"f/a/2", id="last-rule"),
    pytest.param(request(b"/other"), b"base", id="no-rule-fits"),
    pytest.param([*request(b"/other", ALL), (b"x-envoy-attempt-count", b"1")], b"base", id="second-try"),
]


@pytest.mark.parametrize(("headers", "wanted"), CASES)
def test_first_rule_that_fits_decides_and_without_one_the_baseline_answers(program: Program, headers: Headers, wanted: bytes) -> None:
    assert program.chosen([headers], CONFIG, [RULES]) == [wanted]


def test_rule_whose_fork_is_not_there_leaves_its_requests_to_the_baseline(program: Program) -> None:
    headers = [(b"k", b"a"), (b":path", b"/pay"), V2, (b"healthy", b"1=f/a"), (b"healthy", b"1=f/a/1"), (b"healthy", b"0=f/a/0")]
    assert program.chosen([headers], CONFIG, [RULES]) == [b"base"]


def test_rules_of_one_key_are_nothing_to_another(program: Program) -> None:
    assert program.chosen([[(b"k", b"b"), (b"healthy", b"1=f/b")], [(b"k", b"b")]], CONFIG, [RULES]) == [b"f/b", b"base"]


def test_rules_at_the_first_base_decide_for_all_of_a_split(program: Program) -> None:
    rules = b"fork=old/a\nrule=100\npath=/old\n"
    headers: Headers = [(b"k", b"a"), (b":path", b"/new"), (b"healthy", b"1=new/a"), (b"random", b"1")]
    assert program.chosen([headers], SPLIT, [rules]) == [b"new"]


def test_newest_rules_count_until_they_are_gone(program: Program) -> None:
    old, new = b"fork=f/a\nrule=0\n", b"fork=f/a\nrule=100\n"
    here = [request(b"/")]
    assert program.chosen(here, CONFIG, [old, new]) == [b"f/a/0"]
    assert program.chosen(here, CONFIG, [new, old]) == [b"base"]
    assert program.chosen(here, CONFIG, [old, new, None]) == [b"f/a/0"]
    assert program.chosen([[*here[0], (b"healthy", b"1=f/a")]], CONFIG, [old, None]) == [b"f/a"]


def test_one_configuration_holds_rules_of_several_forks(program: Program) -> None:
    rules = b"fork=old/a\nrule=0\nfork=new/a\nrule=100\nhost=g h.example k\n"
    headers: Headers = [(b"k", b"a"), (b"healthy", b"1=new/a/0"), (b"random", b"0")]
    assert program.chosen([headers], b"header=k\nbase=1 new\nfork=new/\n", [rules]) == [b"new/a/0"]
    assert program.chosen([headers], b"header=k\nbase=1 old\nfork=old/\n", [rules]) == [b"old"]


READS = b"spelling=k\nhosts=g\nwrong=reject\nadmit=none\n"
HOSTS = [b"host=g a.example alice\n"]


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        pytest.param(b"a.example", [(b"k", b"alice")], id="host"),
        pytest.param(b"A.Example.:8080", [(b"k", b"alice")], id="case-port-and-dot"),
        pytest.param(b"b.example", [], id="another-host"),
        pytest.param(b"a" * 600, [], id="too-long"),
    ],
)
def test_host_has_the_key_that_is_told_of_it(program: Program, host: bytes, wanted: Headers) -> None:
    assert program.rewritten([[(b":authority", host)]], READS, HOSTS) == [[(b":authority", host), *wanted]]


def test_host_that_is_told_of_goes_before_a_suffix(program: Program) -> None:
    config = READS + b"host=.example\n"
    (found,) = program.rewritten([[(b":authority", b"a.example")]], config, HOSTS)
    assert found == [(b":authority", b"a.example"), (b"k", b"alice")]


def test_host_of_another_group_gives_no_key(program: Program) -> None:
    there: Headers = [(b":authority", b"a.example")]
    assert program.rewritten([there], READS, [b"host=h a.example alice\n"]) == [there]
    assert program.rewritten([there], READS.replace(b"hosts=g\n", b""), HOSTS) == [there]


def test_host_and_header_that_disagree_are_no_key(program: Program) -> None:
    config = READS.replace(b"admit=none", b"admit=all")
    (found,) = program.rewritten([[(b":authority", b"a.example"), (b"k", b"bob")]], config, HOSTS)
    assert found == [(b":authority", b"a.example"), (b"x-route-key-error", b"1")]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        pytest.param(b"", "it is empty", id="empty"),
        pytest.param(b"rule=100\n", "rule does not follow a fork", id="rule-first"),
        pytest.param(b"host=g a k\nrule=100\n", "rule does not follow a fork", id="rule-behind-a-host"),
        pytest.param(b"fork=f\npath=/\n", "a condition does not follow", id="path-without-a-rule"),
        pytest.param(b"fork=f\nrule=101\n", "rule is not a number", id="more-than-all"),
        pytest.param(b"fork=f\nrule=\n", "rule is not a number", id="no-number"),
        pytest.param(b"fork=\n", "fork is not", id="fork-without-a-name"),
        pytest.param(b"fork=f\nrule=1\npath=a\n", "does not begin with /", id="no-path"),
        pytest.param(b"fork=f\nrule=1\nheader=a\n", "header is not", id="no-value"),
        pytest.param(b"host=g a K\n", "the key of a host", id="no-key"),
        pytest.param(b"host=k\n", "host is not", id="no-group"),
        pytest.param(b"colour=red\n", "a line is none of", id="unknown"),
        pytest.param(b"fork", "not key=value", id="no-equals-sign"),
    ],
)
def test_configuration_it_does_not_understand_is_refused_with_the_reason(program: Program, config: bytes, reason: str) -> None:
    done = program.run([], config, b"rules")
    assert (done.returncode, done.stdout) == (1, b"")
    assert reason in done.stderr.decode()


LINES = [
    b"fork=f/a",
    b"fork=f/b",
    b"rule=100",
    b"rule=0",
    b"path=/",
    b"path=/a",
    b"exact=/a",
    b"header=v 1",
    b"host=g h a",
    b"host=",
    b"x=y",
]


@settings(max_examples=40)  # a process each
@given(st.integers(0, 10**9))
def test_random_rules_are_taken_or_refused_and_harm_nothing(program: Program, seed: int) -> None:
    chance = random.Random(seed)
    rules: list[bytes | None] = [b"\n".join([b"fork=f/a", *chance.choices(LINES, k=chance.randrange(9))]) for _ in range(3)]
    requests = [request(chance.choice([b"/", b"/a/b", b"", b"?"]), chance.choice([V2, ALL])) for _ in range(4)]
    done = program.run(requests, CONFIG, b"fork", [*rules, *([None] if chance.random() < 0.5 else [])])
    assert (done.returncode, bool(done.stdout), done.stderr.count(b"\n")) in {(0, True, 0), (1, False, 1)}


@pytest.mark.parametrize(
    ("sound", "faulty"),
    [
        pytest.param("path.length == prefix.length || path.ptr[prefix.length] == '/'", "true", id="half-a-segment"),
        pytest.param("&& count == 1 &&", "&&", id="header-twice"),
        pytest.param("draw < one->number", "draw <= one->number", id="edge-of-a-share"),
        pytest.param("path = taken(&path, '?');", "", id="query-is-path"),
        pytest.param("++*place;", "", id="place-of-a-rule"),
        pytest.param("return fitting || !asked;", "return fitting && asked;", id="rule-without-paths"),
        pytest.param("if (!has_header(request, part)) return false;", "has_header(request, part);", id="headers-unasked"),
    ],
)
def test_planted_fault_is_found(planted: Planting, sound: str, faulty: str) -> None:
    broken = planted("rules.c", sound, faulty)
    cases = [(one.values[0], one.values[1]) for one in CASES]
    assert broken.chosen([headers for headers, _ in cases], CONFIG, [RULES]) != [wanted for _, wanted in cases]  # type: ignore[misc]
