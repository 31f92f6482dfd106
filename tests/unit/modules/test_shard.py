"""Claims about the native module `shard`: it means the same host and slot as the translator, and refuses what it does not know."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.modules.conftest import CONFIG, NO_AUTHORITY, Host, Planting, Program
from translator.envoy_v3 import sharding

WIDE = 999_983  # so many buckets that two different canonical forms hardly ever share one; SLOTS is asked for apart
PIECES = st.sampled_from(
    [b"a", b"Z", b"shop", b"EXAMPLE", b".com", b".", b":", b":80", b"]", b"[::1]", b"[2001:DB8::A]", b"*", b"\x00", b"\xff"]
)
HOSTS = st.lists(PIECES, max_size=8).map(b"".join) | st.binary(max_size=40)
PLAIN = b". * .. : :80 @[`{ a a. a.. A a:80 a.:80 a:80. a: a:b:c a:http ::1 [::1 ::1] [::1] [::1]:80 [2001:DB8::A]:80 127.0.0.1:80".split()
PLAIN += [b"", b"Shop.Example.COM.:443", b"*.Example.com", b"a b", b"a/b", b"a@b:80", b"\x80\xc0", b"\xc3\x9c.de"]


def expected(host: Host, buckets: int) -> int:
    """FNV-1a of the translator's canonical form, written down apart from the translator's."""
    digest = 0xCBF29CE484222325
    for byte in sharding.canonical((host or b"").decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape"):
        digest = ((digest ^ byte) * 0x100000001B3) % 2**64
    return digest % buckets


def random_hosts(seed: int, count: int) -> list[bytes]:
    """Hosts put together from what matters, and some of noise. The same for the same seed."""
    chance = random.Random(seed)
    parts = [b"a", b"Z", b"www", b"API-1", b".", b".", b".com", b":", b":80", b"]", b"[::1]", b"\xc3\x9c", b"\x00"]
    return [b"".join(chance.choices(parts, k=chance.randrange(9))) if chance.random() < 0.8 else chance.randbytes(9) for _ in range(count)]


@settings(max_examples=40)  # a process each
@given(st.lists(HOSTS, min_size=1, max_size=200))
def test_module_and_translator_agree_on_the_canonical_form_of_random_hosts(program: Program, hosts: list[bytes]) -> None:
    assert program.slots(hosts, WIDE) == [expected(host, WIDE) for host in hosts]


def test_module_and_translator_agree_on_the_slot_of_twenty_thousand_hosts(program: Program) -> None:
    hosts = PLAIN + random_hosts(seed=1, count=20_000)
    assert program.slots(hosts, sharding.SLOTS) == [sharding.slot(host.decode("utf-8", "surrogateescape")) for host in hosts]


@pytest.mark.parametrize("size", [1023, 1024, 1025, 8192, 65_536, 1_000_000])
def test_host_of_any_length_is_hashed_whole(program: Program, size: int) -> None:
    hosts = [b"x" * size, b"X" * size + b".:80", b"y" + b"x" * (size - 1), b"x" * (size - 1) + b"y"]
    slots = program.slots(hosts, WIDE)
    assert slots == [expected(host, WIDE) for host in hosts]
    assert slots[0] == slots[1]
    assert len(set(slots)) == 3


def test_request_without_authority_is_in_the_scope_of_the_empty_host(program: Program) -> None:
    assert program.values([NO_AUTHORITY, b""]) == [f"t/{sharding.slot('')}"] * 2


def test_value_is_the_prefix_and_the_slot_in_decimal(program: Program) -> None:
    assert program.values([b"shop.example.com"], b"buckets=1\nprefix=p") == ["p0"]
    assert program.values([b"shop.example.com"], b"prefix=local/8080/http/\nbuckets=128") == [
        f"local/8080/http/{sharding.slot('shop.example.com')}"
    ]


def test_prefix_of_the_longest_length_is_kept_whole(program: Program) -> None:
    (value,) = program.values([b"a"], b"buckets=1000000\nprefix=" + b"p" * 1024)
    assert value == "p" * 1024 + str(expected(b"a", 1_000_000))


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        pytest.param(b"", "buckets is missing", id="empty"),
        pytest.param(b"prefix=t/\n", "buckets is missing", id="no-buckets"),
        pytest.param(b"buckets=128\n", "prefix is missing", id="no-prefix"),
        pytest.param(b"buckets=128\nprefix=\n", "prefix is not", id="empty-prefix"),
        pytest.param(b"buckets=128\nprefix=" + b"p" * 1025, "prefix is not", id="prefix-too-long"),
        pytest.param(b"buckets=128\nprefix=a b\n", "prefix is not", id="prefix-with-blank"),
        pytest.param(b"buckets=128\nprefix=a\r\n", "prefix is not", id="carriage-return"),
        pytest.param(b"buckets=128\nprefix=\xc3\xa4\n", "prefix is not", id="prefix-not-ascii"),
        pytest.param(b"buckets=128\nprefix=a\x00b\n", "prefix is not", id="prefix-with-nul"),
        pytest.param(b"buckets=0\nprefix=t/\n", "buckets is not a number", id="no-bucket-at-all"),
        pytest.param(b"buckets=\nprefix=t/\n", "buckets is not a number", id="empty-number"),
        pytest.param(b"buckets=-1\nprefix=t/\n", "buckets is not a number", id="negative"),
        pytest.param(b"buckets= 128\nprefix=t/\n", "buckets is not a number", id="blank-before-number"),
        pytest.param(b"buckets=1000001\nprefix=t/\n", "buckets is not a number", id="too-many"),
        pytest.param(b"buckets=4294967424\nprefix=t/\n", "buckets is not a number", id="number-that-would-wrap-to-128"),
        pytest.param(b"buckets=128\nbuckets=64\nprefix=t/\n", "buckets is given twice", id="buckets-twice"),
        pytest.param(b"buckets=128\nprefix=t/\nprefix=u/\n", "prefix is given twice", id="prefix-twice"),
        pytest.param(b"buckets=128\nprefix=t/\ndepth=2\n", "neither buckets nor prefix", id="unknown-key"),
        pytest.param(b"Buckets=128\nprefix=t/\n", "neither buckets nor prefix", id="key-in-upper-case"),
        pytest.param(b"buckets=128\n\nprefix=t/\n", "not key=value", id="empty-line"),
        pytest.param(b"buckets", "not key=value", id="no-equals-sign"),
    ],
)
def test_configuration_it_does_not_understand_is_refused_with_the_reason(program: Program, config: bytes, reason: str) -> None:
    done = program.run([[(b":authority", b"a")]], config, b"shard")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().startswith("4 pointsman shard: configuration refused: ")
    assert reason in done.stderr.decode()


@pytest.mark.parametrize("name", [b"", b"Shard", b"shard2", b"shar", b"director"])
def test_unknown_role_is_refused_with_the_reason(program: Program, name: bytes) -> None:
    done = program.run([], CONFIG, name)
    assert done.returncode == 1
    assert b"no role of this name is known" in done.stderr


@settings(max_examples=40)  # a process each
@given(st.binary(max_size=60) | st.lists(st.sampled_from([b"buckets=", b"prefix=", b"1", b"128", b"\n", b"=", b"x"])).map(b"".join))
def test_random_configuration_is_taken_or_refused_and_harms_nothing(program: Program, config: bytes) -> None:
    done = program.run([[(b":authority", b"a.example")]], config, b"shard")
    assert (done.returncode, bool(done.stdout), done.stderr.count(b"\n")) in {(0, True, 0), (1, False, 1)}


@pytest.mark.parametrize(
    ("name", "sound", "faulty"),
    [
        pytest.param("text.h", "byte >= 'A' && byte <= 'Z'", "byte > 'A' && byte <= 'Z'", id="one-letter-is-not-lowered"),
        pytest.param("text.h", "byte >= 'A' && byte <= 'Z'", "byte >= 'A' && byte <= '['", id="one-sign-too-many-is-lowered"),
        pytest.param("text.h", "colon > after_last(host, ']')", "colon > 0", id="colons-of-ipv6-are-taken-for-ports"),
        pytest.param("shard.c", "without_dot(without_port(host))", "without_port(without_dot(host))", id="dot-is-cut-before-the-port"),
        pytest.param("text.h", "host.ptr[host.length - 1] == '.'", "host.ptr[host.length - 1] == ','", id="dot-is-kept"),
        pytest.param("text.h", "host.length = colon - 1", "host.length = colon", id="colon-is-kept"),
        pytest.param("shard.c", "0x100000001b3u", "0x100000001b1u", id="another-prime"),
    ],
)
def test_planted_fault_is_found_by_the_twenty_thousand_hosts(planted: Planting, name: str, sound: str, faulty: str) -> None:
    hosts = PLAIN + random_hosts(seed=1, count=20_000)
    assert planted(name, sound, faulty).slots(hosts, WIDE) != [expected(host, WIDE) for host in hosts]


def test_program_of_these_tests_runs_under_both_sanitizers(program: Program) -> None:
    assert {name in program.path.read_bytes() for name in (b"__asan_init", b"__ubsan_handle")} == {True}
