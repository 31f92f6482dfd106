"""Claims about slots and shard counts."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translator.envoy_v3.sharding import SLOTS, canonical, shards, shards_of, slot

HOSTS = st.text(st.sampled_from("aZ.:[]-*0é\udcff "), max_size=12) | st.text(st.characters(codec="utf-8"), max_size=30)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("shop.example.com", "shop.example.com", id="plain"),
        pytest.param("Shop.EXAMPLE.com", "shop.example.com", id="upper-case"),
        pytest.param("shop.example.com:8080", "shop.example.com", id="port"),
        pytest.param("shop.example.com:", "shop.example.com", id="empty-port"),
        pytest.param("shop.example.com:http", "shop.example.com", id="port-that-is-no-number"),
        pytest.param("shop.example.com:80:81", "shop.example.com:80", id="last-colon-only"),
        pytest.param("shop.example.com.", "shop.example.com", id="trailing-dot"),
        pytest.param("shop.example.com..", "shop.example.com.", id="one-trailing-dot-only"),
        pytest.param("shop.example.com.:80", "shop.example.com", id="dot-before-port"),
        pytest.param("shop.example.com:80.", "shop.example.com", id="dot-inside-port"),
        pytest.param("127.0.0.1:80", "127.0.0.1", id="ipv4"),
        pytest.param("[2001:DB8::A]", "[2001:db8::a]", id="ipv6"),
        pytest.param("[2001:DB8::A]:443", "[2001:db8::a]", id="ipv6-with-port"),
        pytest.param("::1", ":", id="ipv6-without-brackets-is-cut-as-envoy-cuts-it"),
        pytest.param("[::1", "[:", id="unclosed-bracket"),
        pytest.param("", "", id="empty"),
        pytest.param(".", "", id="dot"),
        pytest.param(":80", "", id="only-a-port"),
        pytest.param("BÜCHER.example", "bÜcher.example", id="only-ascii-is-lowered"),
        pytest.param("\u212a.example", "\u212a.example", id="kelvin-sign-is-not-k"),
        pytest.param("A\udcff.example", "a\udcff.example", id="bytes-that-are-no-utf-8"),
    ],
)
def test_canonical_form_is_the_host_that_envoy_matches(host: str, expected: str) -> None:
    assert canonical(host) == expected


@pytest.mark.parametrize(
    ("host", "digest"),
    [
        # vectors of the FNV authors, http://www.isthe.com/chongo/tech/comp/fnv/
        pytest.param("", 0xCBF29CE484222325, id="empty"),
        pytest.param("a", 0xAF63DC4C8601EC8C, id="a"),
        pytest.param("foobar", 0x85944171F73967E8, id="foobar"),
    ],
)
def test_slot_is_fnv_1a_of_the_published_vectors(host: str, digest: int) -> None:
    assert slot(host) == digest % SLOTS


@given(HOSTS.filter(lambda host: not set(host) & set(":]") and not host.endswith(".")), st.sampled_from(["", ".", ":80", ".:80", ":x"]))
def test_slot_ignores_case_port_and_one_trailing_dot(host: str, tail: str) -> None:
    shouted = "".join(letter.upper() if letter.isascii() else letter for letter in host)
    assert slot(shouted + tail) == slot(host)


def test_two_thousand_hosts_spread_over_the_slots() -> None:
    counted = Counter(slot(f"h{i}.apps.example.com") for i in range(2000))
    assert len(counted) == SLOTS
    assert max(counted.values()) < 3 * 2000 // SLOTS


@pytest.mark.parametrize(
    ("hosts", "count"),
    [
        *[(0, 1), (1, 1), (499, 1), (500, 4), (565, 4), (566, 8), (1_000, 8), (1_131, 8), (1_132, 16), (2_262, 16), (2_263, 32)],
        *[(4_525, 32), (4_526, 64), (9_050, 64), (9_051, 128), (10_000, 128), (50_000, 128), (10**9, 128)],
    ],
)
def test_shards_grow_with_the_table_in_powers_of_two(hosts: int, count: int) -> None:
    assert shards(hosts) == count


def test_shards_never_shrink_as_hosts_are_added_and_always_divide_the_slots() -> None:
    counts = [shards(hosts) for hosts in range(20_000)]
    assert counts == sorted(counts)
    assert all(SLOTS % count == 0 for count in set(counts))


@given(HOSTS.filter(lambda host: "*" not in host), st.sampled_from([1, 4, 8, 16, 32, 64, 128]))
def test_exact_host_stands_in_the_one_shard_its_slot_leads_to(host: str, count: int) -> None:
    assert list(shards_of(host, count)) == [slot(host) % count]


@pytest.mark.parametrize("host", ["*", "*.example.com", "*-1.example.com", "www.*"])
def test_wildcard_stands_in_every_shard(host: str) -> None:
    assert list(shards_of(host, 16)) == list(range(16))
