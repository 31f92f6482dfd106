"""Claims about the native module's rules: which requests of a key its forks take, and which host has which key."""

from __future__ import annotations

import random
from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.modules.conftest import Headers, Planting, Program
from translator.envoy_v3.keyrules import number_of_value

CONFIG = b"header=k\nbase=1 base\nfork=f/\n"
SPLIT = b"header=k\nbase=1 old\nfork=old/\nbase=1 new\nfork=new/\n"
RULES = b"fork=f/a\nrule=100\npath=/pay\npath=/api/\nexact=/x\nheader=v 2\nrule=30\npath=/share\nrule=100\nheader=all 1\n"
STICKY = b"rule=30\nsticky=header u\npath=/header\nrule=30\nsticky=cookie u\npath=/cookie\nrule=30\nsticky=source\npath=/source\n"
STICKY += b"rule=30\nsticky=header u\nheader=only 1\n"
FORKS = [(b"healthy", b"1=f/a/%d" % place) for place in range(7)]


def request(path: bytes, *headers: tuple[bytes, bytes], draw: int = 0) -> Headers:
    return [(b"k", b"a"), (b":path", path), (b"random", b"%d" % draw), *headers, *FORKS]


def valued(number: int) -> bytes:
    """A value that has this number with the key a."""
    return next(value for value in (b"user-%d" % each for each in count()) if number_of_value("a", value) == number)


IN, OUT = valued(29), valued(30)
COOKIES = b"a=b; u=%s ;xu=%s;u=%s" % (IN, OUT, OUT)
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
    pytest.param(request(b"/header", (b"u", IN), draw=99), b"f/a/3", id="value-in-the-share"),
    pytest.param(request(b"/header", (b"u", OUT)), b"base", id="value-beyond-the-share"),
    pytest.param(request(b"/header"), b"f/a/3", id="no-value-is-drawn"),
    pytest.param(request(b"/header", draw=30), b"base", id="no-value-is-drawn-beyond"),
    pytest.param(request(b"/header", (b"u", b"")), b"f/a/3", id="empty-value-is-drawn"),
    pytest.param(request(b"/header", (b"u", OUT), (b"u", OUT)), b"f/a/3", id="two-values-are-drawn"),
    pytest.param(request(b"/cookie", (b"cookie", COOKIES), draw=99), b"f/a/4", id="first-cookie-of-the-name"),
    pytest.param(request(b"/cookie", (b"cookie", b"a"), (b"cookie", b"u=" + OUT)), b"base", id="cookie-of-another-line"),
    pytest.param(request(b"/cookie", (b"cookie", b"U=%s; ;u" % OUT)), b"f/a/4", id="no-such-cookie-is-drawn"),
    pytest.param(request(b"/cookie", (b"cookie", b"u="), draw=30), b"base", id="empty-cookie-is-drawn"),
    pytest.param(request(b"/source", (b"source address", IN + b":1"), draw=99), b"f/a/5", id="address-without-its-port"),
    pytest.param(request(b"/source", (b"source address", OUT + b":2")), b"base", id="address-beyond-the-share"),
    pytest.param(request(b"/source"), b"f/a/5", id="no-address-is-drawn"),
    pytest.param(request(b"/any", (b"only", b"1"), (b"u", IN), draw=99), b"f/a/6", id="sticky-is-no-condition"),
]


@pytest.mark.parametrize(("headers", "wanted"), CASES)
def test_first_rule_that_fits_decides_and_without_one_the_baseline_answers(program: Program, headers: Headers, wanted: bytes) -> None:
    assert program.chosen([headers], CONFIG, [RULES + STICKY]) == [wanted]


@pytest.mark.parametrize(
    ("key", "value", "number"), [("alice", b"42", 30), ("alice", b"43", 72), ("bob", b"42", 62), ("alice", b"\xff" * 9, 96)]
)
def test_number_of_a_value_is_the_same_for_ever(key: str, value: bytes, number: int) -> None:
    """Who was led to a fork by one release is led there by the next."""
    assert number_of_value(key, value) == number


def takers(program: Program, weight: int, values: list[bytes], key: bytes = b"a") -> set[bytes]:
    rules = b"fork=f/%s\nrule=%d\nsticky=header u\n" % (key, weight)
    chosen = program.chosen([[(b"k", key), (b"u", one), (b"healthy", b"1=f/%s/0" % key)] for one in values], CONFIG, [rules])
    return {value for value, cluster in zip(values, chosen, strict=True) if cluster != b"base"}


def test_share_that_grows_lets_nobody_go_and_takes_as_many_as_it_says(program: Program) -> None:
    values = [b"user-%d" % number for number in range(4_000)]
    found = [takers(program, weight, values) for weight in (1, 20, 30, 99)]
    for one, more in pairwise(found):
        assert one < more
    assert [round(100 * len(one) / len(values)) for one in found] == pytest.approx([1, 20, 30, 99], abs=1)
    assert found[1] == {one for one in values if number_of_value("a", one) < 20}


def test_users_who_try_one_preview_are_not_those_who_try_every_other(program: Program) -> None:
    values = [b"user-%d" % number for number in range(1_000)]
    both = takers(program, 30, values) & takers(program, 30, values, b"b")
    assert 60 < len(both) < 120, "about a third of a third"


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
        pytest.param(b"fork=f\nsticky=source\n", "sticky does not follow", id="sticky-without-a-rule"),
        pytest.param(b"fork=f\nrule=1\npath=/\nsticky=source\n", "sticky does not follow", id="sticky-behind-a-path"),
        pytest.param(b"fork=f\nrule=1\nsticky=source\nsticky=source\n", "sticky does not follow", id="sticky-twice"),
        pytest.param(b"fork=f\nrule=1\nsticky=header\n", "sticky is neither", id="sticky-without-a-name"),
        pytest.param(b"fork=f\nrule=1\nsticky=cookie \n", "sticky is neither", id="sticky-with-an-empty-name"),
        pytest.param(b"fork=f\nrule=1\nsticky=path x\n", "sticky is none of", id="sticky-by-something-else"),
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
    b"sticky=header v",
    b"rule=50\nsticky=cookie v",
    b"rule=50\nsticky=source",
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
    more = [V2, ALL, (b"cookie", b"v=;=v;v"), (b"cookie", chance.randbytes(9)), (b"source address", chance.randbytes(9))]
    requests = [request(chance.choice([b"/", b"/a/b", b"", b"?"]), chance.choice(more)) for _ in range(4)]
    done = program.run(requests, CONFIG, b"fork", [*rules, *([None] if chance.random() < 0.5 else [])])
    assert (done.returncode, bool(done.stdout), done.stderr.count(b"\n")) in {(0, True, 0), (1, False, 1)}


@pytest.mark.parametrize(
    ("sound", "faulty"),
    [
        pytest.param("path.length == prefix.length || path.ptr[prefix.length] == '/'", "true", id="half-a-segment"),
        pytest.param("&& count == 1 &&", "&&", id="header-twice"),
        pytest.param("% 100 < rule->number", "% 100 <= rule->number", id="edge-of-a-share"),
        pytest.param("value) < rule->number", "value) <= rule->number", id="edge-of-a-sticky-share"),
        pytest.param("hashed(hashed(hashed(BASIS,", "hashed(hashed(hashed(0,", id="another-number"),
        pytest.param("digest ^ digest >> 33) % 100", "digest) % 100", id="number-less-mixed"),
        pytest.param("size_t start = after_last(fork, '/');", "size_t start = 0;", id="number-of-a-service"),
        pytest.param("*value = without_port(*value);", "", id="port-of-an-address"),
        pytest.param(
            "cookie_of(request, by->value, value) && value->length > 0", "cookie_of(request, by->value, value)", id="empty-cookie"
        ),
        pytest.param("trimmed(taken(&line, ';'))", "taken(&line, ';')", id="blank-before-a-cookie"),
        pytest.param("if (part->kind == STICKY) continue;", "", id="sticky-is-a-path"),
        pytest.param("path = taken(&path, '?');", "", id="query-is-path"),
        pytest.param("++*place;", "", id="place-of-a-rule"),
        pytest.param("return fitting || !asked;", "return fitting && asked;", id="rule-without-paths"),
        pytest.param("if (!has_header(request, part)) return false;", "has_header(request, part);", id="headers-unasked"),
    ],
)
def test_planted_fault_is_found(planted: Planting, sound: str, faulty: str) -> None:
    broken = planted("rules.c", sound, faulty)
    cases = [(one.values[0], one.values[1]) for one in CASES]
    users = [b"user-%d" % number for number in range(40)]
    cases += [(request(b"/header", (b"u", one)), b"f/a/3" if number_of_value("a", one) < 30 else b"base") for one in users]
    assert broken.chosen([headers for headers, _ in cases], CONFIG, [RULES + STICKY]) != [wanted for _, wanted in cases]  # type: ignore[misc]
