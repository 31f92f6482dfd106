"""Claims about the native module `key`: what it takes for a routing key and writes, as the translator says, and whom it believes."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.unit.modules.conftest import NOW, Headers, Planting, Program
from translator.envoy_v3 import keys
from translator.ir.keys import Reading, Spelling

SPELLINGS = (
    Spelling("x-route-key"),
    Spelling("x-routing-key"),
    Spelling("ot-baggage-sd-routing-key"),
    Spelling("baggage", "sd-routing-key"),
    Spelling("tracestate", "sd-routing-key"),
)
ALL = Reading(spellings=SPELLINGS, hosts=(".preview.example.com",), admit="all")
STRIP = structs.replace(ALL, wrong="strip")
NONE = structs.replace(ALL, admit="none")
SIGNED = structs.replace(ALL, admit="signed", secrets=("first", "second", "gone"))
SECRETS = (b"0123456789abcdef", b"another secret of just 64 bytes".ljust(64, b"."))
ALICE = [(b"x-route-key", b"alice")]

VALUES = [
    b"alice",
    b"bob",
    b"a",
    b"a" * 63,
    b"a" * 64,
    b"Alice",
    b"a,b",
    b"a-",
    b"-a",
    b"-",
    b"",
    b"a.b",
    b"a/b",
    b"a_b",
    b" alice\t",
    b"a b",
    b"\xff",
]
ITEMS = [
    b"x=1",
    b"sd-routing-key=alice",
    b" sd-routing-key = bob ;p=1",
    b"sd-routing-key",
    b"sd-routing-key=",
    b"xsd-routing-key=carol",
    b"=",
    b"",
    b";",
]
HOSTS = [
    b"alice.preview.example.com",
    b"BOB.Preview.example.com.:80",
    b"preview.example.com",
    b"a.b.preview.example.com",
    b"x.org",
    b"",
    b"[::1]:80",
]
HOSTS += [b"-.preview.example.com", b"a" * 64 + b".preview.example.com"]
OTHERS: Headers = [(b"x-route-key-error", b"1"), (b"x-envoy-attempt-count", b"2"), (b"accept", b"*/*")]


def signed(key: bytes, until: int = NOW + 60, secret: bytes = SECRETS[0], audience: bytes = b"") -> bytes:
    message = b"%s.%d" % (key, until)
    return message + b"." + keys.signature(secret, message, audience)


def signatures() -> list[bytes]:
    good = signed(b"alice")
    found = [good, signed(b"alice", secret=SECRETS[1]), signed(b"alice", NOW), signed(b"alice", NOW - 1), signed(b"bob")]
    found += [signed(b"k" * size) for size in (1, 44, 45, 46, 62, 63, 64)]
    found += [signed(b"Alice"), signed(b"a.b"), signed(b""), good.replace(b"alice", b"alicf"), good[:-64] + good[-64:].upper()]
    found += [
        good[:-1] + b"%x" % (int(good[-1:], 16) ^ 1),
        good[:-1],
        good + b"0",
        good.replace(b".", b"..", 1),
        b"alice",
        b"alice..",
        b"." * 66,
    ]
    found += [good.replace(b"%d" % (NOW + 60), b"%d" % (NOW + 61)), signed(b"alice", 999_999_999_999), signed(b"alice", 1_000_000_000_000)]
    found += [signed(b"alice", secret=b"a third secret that nobody has"), signed(b"k" * 200)]
    return [*found, signed(b"alice", audience=b"shop/previews"), signed(b"bob", NOW - 1, audience=b"shop/previews")]


def random_request(chance: random.Random, values: list[bytes]) -> Headers:
    """A few headers put together from what matters. The same for the same state of `chance`."""
    found = [(b":authority", chance.choice(HOSTS))] if chance.random() < 0.7 else []
    for _ in range(chance.randrange(4)):
        spelling = chance.choice(SPELLINGS)
        items = [chance.choice([*ITEMS, b"sd-routing-key=" + chance.choice(values)]) for _ in range(chance.randrange(4))]
        found.append((spelling.header.encode(), b",".join(items) if spelling.member else chance.choice(values)))
    return found + [one for one in OTHERS if chance.random() < 0.2]


def random_requests(seed: int, count: int, values: list[bytes] = VALUES) -> list[Headers]:
    chance = random.Random(seed)
    return [random_request(chance, values) for _ in range(count)]


def key_of(headers: Headers) -> bytes | None:
    return dict(headers).get(b"x-route-key")


def expected(reading: Reading, requests: list[Headers]) -> list[Headers]:
    return [keys.rewritten(reading, one, SECRETS, NOW) for one in requests]


@pytest.fixture(scope="module")
def believing(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program with the secrets that SIGNED names, but for the last."""
    folder = tmp_path_factory.mktemp("keys")
    for name, secret in zip(SIGNED.secrets, SECRETS, strict=False):
        (folder / name).write_bytes(secret + b"\n")
    return replace(program, environment={"POINTSMAN_KEYS": str(folder)})


@pytest.mark.parametrize("reading", [pytest.param(ALL, id="reject"), pytest.param(STRIP, id="strip"), pytest.param(NONE, id="none")])
def test_module_and_translator_agree_on_four_thousand_random_requests(program: Program, reading: Reading) -> None:
    requests = random_requests(seed=7, count=4_000)
    assert program.rewritten(requests, keys.settings(reading).encode()) == expected(reading, requests)


@settings(max_examples=40)  # a process each
@given(
    st.lists(st.tuples(st.sampled_from([b":authority", *{one.header.encode() for one in SPELLINGS}]), st.binary(max_size=80)), max_size=6)
)
def test_module_and_translator_agree_on_headers_of_noise(program: Program, headers: Headers) -> None:
    assert program.rewritten([headers], keys.settings(ALL).encode()) == expected(ALL, [headers])


def test_module_and_translator_agree_on_signed_keys(believing: Program) -> None:
    requests = random_requests(seed=8, count=2_000, values=signatures()) + [[(b"x-route-key", one)] for one in signatures()]
    done = believing.run(requests, keys.settings(SIGNED).encode(), b"key")
    assert done.stderr == b"4 pointsman key: a secret is not 16 to 64 bytes of a file in $POINTSMAN_KEYS\n"  # of `gone`
    two = structs.replace(SIGNED, secrets=SIGNED.secrets[:2])
    assert believing.rewritten(requests, keys.settings(two).encode()) == expected(two, requests)
    taken = [key_of(one) for one in expected(two, [[(b"x-route-key", one)] for one in signatures()])]
    assert taken[:5] == [b"alice", b"alice", b"alice", None, b"bob"]
    assert taken[5:12] == [b"k" * size for size in (1, 44, 45, 46, 62, 63)] + [None]
    assert [one for one in taken[12:] if one] == [b"alice"]  # that of the year 33658


HERE = structs.replace(SIGNED, secrets=SIGNED.secrets[:2])
MEANT = structs.replace(HERE, audience="shop/previews")
ELSEWHERE = structs.replace(HERE, secrets=SIGNED.secrets[1:2])  # a listener with another secret
LONGEST = structs.replace(HERE, audience="x" * 253)


@pytest.mark.parametrize("reading", [pytest.param(MEANT, id="some"), pytest.param(LONGEST, id="longest")])
def test_module_and_translator_agree_on_keys_that_are_signed_for_somebody(believing: Program, reading: Reading) -> None:
    meant = [signed(key, audience=reading.audience.encode()) for key in (b"alice", b"bob", b"k" * 63, b"Alice")]
    meant += [signed(b"a", 999_999_999_999, SECRETS[1], reading.audience.encode()), signed(b"alice", audience=b"shop"), *signatures()[:-2]]
    requests = random_requests(seed=9, count=500, values=meant) + [[(b"x-route-key", one)] for one in meant]
    found = believing.rewritten(requests, keys.settings(reading).encode())
    assert found == expected(reading, requests)
    assert [key_of(one) for one in found[500:]][:6] == [b"alice", b"bob", b"k" * 63, None, b"a", None]
    assert not any(key_of(one) for one in found[506:]), "what is signed for nobody is signed for nobody here"


GOOD, BOB = signed(b"alice"), signed(b"bob")


@pytest.mark.parametrize(
    ("reading", "headers", "wanted"),
    [
        pytest.param(HERE, [(b"x-route-key", GOOD)], b"alice", id="good"),
        pytest.param(HERE, [(b"x-route-key", GOOD), (b"x-route-key", GOOD)], b"alice", id="twice"),
        pytest.param(HERE, [(b"x-route-key", GOOD), (b"x-routing-key", signed(b"alice", NOW + 9))], b"alice", id="signed-twice"),
        pytest.param(HERE, [(b"baggage", b"a=1,sd-routing-key=%s;p=1" % GOOD)], b"alice", id="in-another-spelling"),
        pytest.param(HERE, [(b"x-route-key", signed(b"alice", NOW - 1))], None, id="after-its-time"),
        pytest.param(HERE, [(b"x-route-key", GOOD.replace(b"%d" % (NOW + 60), b"%d" % (NOW + 99)))], None, id="with-more-time"),
        pytest.param(HERE, [(b"x-route-key", GOOD.replace(b"alice", b"bob"))], None, id="with-another-key"),
        pytest.param(HERE, [(b"x-route-key", BOB[:3] + GOOD[5:])], None, id="with-the-head-of-another"),
        pytest.param(HERE, [(b"x-route-key", GOOD), (b"x-route-key", BOB)], None, id="beside-another-that-is-signed"),
        pytest.param(HERE, [(b"x-route-key", GOOD), (b"x-route-key", b"alice")], None, id="beside-the-bare-key"),
        pytest.param(HERE, [(b"x-route-key", GOOD), (b"baggage", b"sd-routing-key=bob")], None, id="beside-a-bare-one-in-a-list"),
        pytest.param(HERE, [(b"x-route-key", GOOD + b"," + GOOD)], None, id="joined-by-a-comma"),
        pytest.param(HERE, [(b"x-route-key", GOOD), (b":authority", b"bob.preview.example.com")], None, id="at-the-host-of-another"),
        pytest.param(ELSEWHERE, [(b"x-route-key", GOOD)], None, id="where-the-secret-is-another"),
        pytest.param(MEANT, [(b"x-route-key", GOOD)], None, id="where-it-must-be-signed-for-somebody"),
        pytest.param(HERE, [(b"x-route-key", signed(b"alice", audience=b"shop/previews"))], None, id="signed-for-somebody-else"),
        pytest.param(ALL, [(b"x-route-key", GOOD)], None, id="where-none-is-signed"),
    ],
)
def test_signed_key_counts_for_what_was_signed_and_nothing_else(
    believing: Program, reading: Reading, headers: Headers, wanted: bytes | None
) -> None:
    (found,) = believing.rewritten([headers], keys.settings(reading).encode())
    assert key_of(found) == wanted
    assert (b"x-route-key-error" in dict(found)) is (wanted is None)
    assert not any(GOOD[-64:] in value for _, value in found), "no signature goes on, good or bad"


def test_key_that_went_through_one_listener_is_no_signed_one_at_the_next(believing: Program) -> None:
    """What goes on is the bare key: a hop behind that wants signatures itself refuses it."""
    config = keys.settings(HERE).encode()
    (once,) = believing.rewritten([[(b"x-route-key", GOOD)]], config)
    (twice,) = believing.rewritten([once], config)
    (inner,) = believing.rewritten([once], keys.settings(ALL).encode())
    assert (key_of(once), key_of(twice), key_of(inner)) == (b"alice", None, b"alice")


def test_without_its_secrets_no_key_is_signed(program: Program) -> None:
    done = program.run([[(b"x-route-key", signed(b"alice"))]], keys.settings(SIGNED).encode(), b"key")
    assert done.returncode == 0
    assert b"alice" not in done.stdout
    assert b"x-route-key-error" in done.stdout


def test_one_key_is_written_in_every_spelling(program: Program) -> None:
    (found,) = program.rewritten([ALICE], keys.settings(ALL).encode())
    lists = [(b"baggage", b"sd-routing-key=alice"), (b"tracestate", b"sd-routing-key=alice")]
    assert found == [(name, b"alice") for name in (b"x-route-key", b"x-routing-key", b"ot-baggage-sd-routing-key")] + lists


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([(b"x-routing-key", b"bob")], id="second-spelling"),
        pytest.param([(b"baggage", b"a=1, sd-routing-key=bob;p=1,b=2")], id="member-of-baggage"),
        pytest.param([(b"tracestate", b"v=2,sd-routing-key=bob")], id="member-of-tracestate"),
        pytest.param([(b"baggage", b"a=1"), (b"baggage", b"sd-routing-key=bob")], id="second-line-of-a-list"),
        pytest.param([(b"x-route-key", b"bob"), (b"x-route-key", b"bob"), (b"baggage", b"sd-routing-key=bob")], id="three-times-the-same"),
        pytest.param([(b":authority", b"bob.preview.example.com:8080")], id="preview-host"),
        pytest.param([(b":authority", b"bob.preview.example.com"), (b"x-route-key", b"bob")], id="host-and-header-agree"),
    ],
)
def test_key_is_found_where_it_stands(program: Program, headers: Headers) -> None:
    (found,) = program.rewritten([headers], keys.settings(ALL).encode())
    assert key_of(found) == b"bob"
    assert b"x-route-key-error" not in dict(found)


def test_members_of_others_stay_and_ours_stands_in_front(program: Program) -> None:
    (found,) = program.rewritten([[(b"tracestate", b"v=2, sd-routing-key=bob ,w=3")]], keys.settings(ALL).encode())
    assert dict(found)[b"tracestate"] == b"sd-routing-key=bob,v=2,w=3"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([(b"x-route-key", b"alice"), (b"x-route-key", b"bob")], id="two-lines"),
        pytest.param([(b"x-route-key", b"alice"), (b"x-routing-key", b"bob")], id="two-spellings"),
        pytest.param([(b"x-route-key", b"alice"), (b"baggage", b"sd-routing-key=bob")], id="member-differs"),
        pytest.param([(b"x-route-key", b"alice,bob")], id="joined-by-a-comma"),
        pytest.param([(b"x-route-key", b"alice,alice")], id="same-joined-by-a-comma"),
        pytest.param([(b"x-route-key", b"")], id="empty"),
        pytest.param([(b"x-route-key", b"Alice")], id="upper-case"),
        pytest.param([(b"x-route-key", b"a" * 64)], id="too-long"),
        pytest.param([(b":authority", b"alice.preview.example.com"), (b"x-route-key", b"bob")], id="host-and-header-differ"),
        pytest.param([(b":authority", b"a.b.preview.example.com")], id="two-labels-before-the-suffix"),
    ],
)
def test_request_without_one_valid_key_has_none_in_any_spelling(program: Program, headers: Headers) -> None:
    host = [one for one in headers if one[0] == b":authority"]
    (refused,) = program.rewritten([headers], keys.settings(ALL).encode())
    (stripped,) = program.rewritten([headers], keys.settings(STRIP).encode())
    assert refused == [*host, (b"x-route-key-error", b"1")]
    assert stripped == host


def test_request_without_a_key_is_left_as_it_is(program: Program) -> None:
    headers = [(b":authority", b"x.org"), (b"baggage", b" a=1 , b=2"), (b"tracestate", b"v=1"), (b"tracestate", b"w=1")]
    assert program.rewritten([headers], keys.settings(ALL).encode()) == [headers]


def test_keys_that_nobody_is_believed_are_taken_away_and_those_of_hosts_stay(program: Program) -> None:
    spelled = [*ALICE, (b"x-routing-key", b"B A D"), (b"baggage", b"user=7,sd-routing-key=c")]
    hosted = [(b":authority", b"carol.preview.example.com"), *ALICE]
    without, with_host = program.rewritten([spelled, hosted], keys.settings(NONE).encode())
    assert without == [(b"baggage", b"user=7")]
    assert key_of(with_host) == b"carol"


def test_what_only_envoy_says_is_taken_away_from_a_client(program: Program) -> None:
    assert program.rewritten([OTHERS], keys.settings(ALL).encode()) == [[(b"accept", b"*/*")]]


@pytest.mark.parametrize("size", [8_000, 65_000])
def test_long_list_keeps_every_member(program: Program, size: int) -> None:
    (found,) = program.rewritten([[*ALICE, (b"baggage", b"a=" + b"x" * size)]], keys.settings(ALL).encode())
    assert dict(found)[b"baggage"] == b"sd-routing-key=alice,a=" + b"x" * size


def test_list_longer_than_any_that_envoy_takes_in_goes_whole(program: Program) -> None:
    (found,) = program.rewritten([[*ALICE, (b"baggage", b"a=" + b"x" * 65_536)]], keys.settings(ALL).encode())
    assert b"baggage" not in dict(found)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        pytest.param(b"", "first spelling is missing", id="empty"),
        pytest.param(b"member=baggage/k\nadmit=all\nwrong=strip", "first spelling is missing", id="member-first"),
        pytest.param(b"spelling=k\nwrong=strip", "admit or wrong is missing", id="no-admit"),
        pytest.param(b"spelling=k\nadmit=all", "admit or wrong is missing", id="no-wrong"),
        pytest.param(b"spelling=X-Key\nadmit=all\nwrong=strip", "spelling is no header", id="upper-case"),
        pytest.param(b"spelling=:path\nadmit=all\nwrong=strip", "spelling is no header", id="pseudo-header"),
        pytest.param(b"spelling=k\n" * 17, "spelling is no header", id="too-many-spellings"),
        pytest.param(b"spelling=k\nmember=baggage", "member is not header/name", id="member-without-name"),
        pytest.param(b"spelling=k\nhost=preview", "host is not .suffix", id="host-without-dot"),
        pytest.param(b"spelling=k\nadmit=some", "admit is not", id="unknown-admission"),
        pytest.param(b"spelling=k\nadmit=all\nadmit=all", "admit is not", id="admit-twice"),
        pytest.param(b"spelling=k\nwrong=reject\nwrong=strip", "wrong is not", id="wrong-twice"),
        pytest.param(b"spelling=k\nsecret=../x", "secret is no name", id="secret-elsewhere"),
        pytest.param(b"spelling=k\nsecret=a/b", "secret is no name", id="secret-below"),
        pytest.param(b"spelling=k\nadmit=signed\nwrong=strip", "secrets are for", id="signed-without-secret"),
        pytest.param(b"spelling=k\ncolour=red", "a line is none of", id="unknown-line"),
        pytest.param(b"spelling=k\nadmit=all\nwrong=strip\naudience=a", "audience is for", id="audience-of-nobody"),
        pytest.param(b"spelling=k\naudience=a\naudience=b", "audience is not", id="audience-twice"),
        pytest.param(b"spelling=k\naudience=" + b"a" * 254, "audience is not", id="audience-too-long"),
        pytest.param(b"spelling=k\naudience=a b", "audience is not", id="audience-with-a-blank"),
        pytest.param(b"spelling", "not key=value", id="no-equals-sign"),
    ],
)
def test_configuration_it_does_not_understand_is_refused_with_the_reason(program: Program, config: bytes, reason: str) -> None:
    done = program.run([ALICE], config, b"key")
    assert (done.returncode, done.stdout) == (1, b"")
    assert reason in done.stderr.decode()


@pytest.mark.parametrize(
    ("sound", "faulty"),
    [
        pytest.param("text.length > LONGEST ||", "text.length > 64 ||", id="key-of-64"),
        pytest.param("(found->length > 0 && !equal(", "(found->length > 99 && !equal(", id="last-spelling-wins"),
        pytest.param(
            "byte >= '0' && byte <= '9') || byte == '-'))", "byte >= '0' && byte <= '9') || byte == '-' || byte == ','))", id="comma"
        ),
        pytest.param("value = trimmed(value);", "", id="blanks-stay"),
        pytest.param("!equal(trimmed(item), name)", "!equal(item, name)", id="blanks-of-a-member-stay"),
        pytest.param("*value = taken(value, ';');", "", id="properties-are-part-of-a-key"),
        pytest.param("if (key.length == 0 && !found->present[i]) continue;", "if (!found->present[i]) continue;", id="not-all-are-written"),
        pytest.param("away(request, TEXT(ROUTE_KEY_ERROR));", "", id="clients-refuse-themselves"),
        pytest.param("away(request, TEXT(ATTEMPTS));", "", id="clients-choose-the-baseline"),
        pytest.param("|= read_list(", "= read_list(", id="last-line-of-a-list-decides"),
        pytest.param("host = without_dot(without_port(host));", "", id="port-of-a-preview-host"),
        pytest.param("if (host.length <= suffix.length) return false;", "if (host.length < suffix.length) return false;", id="empty-label"),
    ],
)
def test_planted_fault_of_reading_is_found(planted: Planting, sound: str, faulty: str) -> None:
    requests = random_requests(seed=7, count=4_000)
    requests += [[(b":authority", b".preview.example.com")]]
    assert planted("key.c", sound, faulty).rewritten(requests, keys.settings(ALL).encode()) != expected(ALL, requests)


@pytest.mark.parametrize(
    ("name", "sound", "faulty"),
    [
        pytest.param("key.c", "until < seconds_now()", "until <= seconds_now()", id="last-second"),
        pytest.param("key.c", "|| until < seconds_now()", "", id="expired"),
        pytest.param("key.c", "return difference == 0;", "return difference < 256;", id="every-code-is-right"),
        pytest.param("key.c", "good |= is_signature(", "good = is_signature(", id="only-the-last-secret"),
        pytest.param("key.c", "if (set->audience.length == 0) return message;", "if (set) return message;", id="signed-for-anybody"),
        pytest.param("key.c", "message.length + 1 + set->audience.length", "message.length + set->audience.length", id="last-letter"),
        pytest.param("sha256.c", "(length + 8) / BLOCK", "(length + 7) / BLOCK", id="padding-of-56-bytes"),
        pytest.param("sha256.c", "0xc67178f2}", "0xc67178f3}", id="last-constant"),
    ],
)
def test_planted_fault_of_signatures_is_found(believing: Program, planted: Planting, name: str, sound: str, faulty: str) -> None:
    requests: list[Headers] = [[(b"x-route-key", one)] for one in signatures()]
    broken = replace(planted(name, sound, faulty), environment=believing.environment)
    found = [broken.rewritten(requests, keys.settings(one).encode()) for one in (HERE, MEANT)]
    assert found != [expected(one, requests) for one in (HERE, MEANT)]


def admitted(program: Program, seen: Headers, *, admit: str = "none", **trusted: tuple[str, ...]) -> bool:
    """Whether a plain key is believed of a client that Envoy sees so."""
    reading = Reading(spellings=SPELLINGS, admit=admit, **trusted)  # type: ignore[arg-type]
    (found,) = program.rewritten([[*ALICE, *seen]], keys.settings(reading).encode())
    return key_of(found) == b"alice"


RANGES = ("10.1.0.0/16", "192.0.2.128/25", "2001:db8::/33", "203.0.113.9/32")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param(b"10.1.255.255:1", True, id="in"),
        pytest.param(b"10.2.0.0:1", False, id="beyond"),
        pytest.param(b"192.0.2.128:1", True, id="half-a-byte"),
        pytest.param(b"192.0.2.127:1", False, id="half-a-byte-before"),
        pytest.param(b"203.0.113.9:65535", True, id="one-address"),
        pytest.param(b"203.0.113.8:1", False, id="its-neighbour"),
        pytest.param(b"[2001:db8:7fff::1]:80", True, id="ipv6"),
        pytest.param(b"[2001:db8:8000::1]:80", False, id="ipv6-beyond"),
        pytest.param(b"[::ffff:10.1.2.3]:80", True, id="ipv4-in-ipv6"),
        pytest.param(b"/tmp/socket", False, id="no-address"),
        pytest.param(b"", False, id="nothing"),
        pytest.param(b"[" + b"1" * 80 + b"]:1", False, id="too-long"),
    ],
)
def test_client_is_believed_by_where_its_connection_comes_from(program: Program, address: bytes, expected: bool) -> None:
    assert admitted(program, [(b"source address", address)], sources=RANGES) is expected


def test_header_that_says_where_a_client_is_counts_for_nothing(program: Program) -> None:
    assert not admitted(program, [(b"x-forwarded-for", b"10.1.0.1"), (b"source address", b"198.51.100.1:1")], sources=RANGES)


def test_client_is_believed_by_the_first_name_of_its_certificate(program: Program) -> None:
    peers = ("ci.example", "spiffe://x/ns/a")
    assert admitted(program, [(b"peer name", b"ci.example")], peers=peers)
    assert admitted(program, [(b"peer uri", b"spiffe://x/ns/a")], peers=peers)
    assert not admitted(program, [(b"peer name", b"ci.example.org")], peers=peers)
    assert not admitted(program, [], peers=peers)


def test_stranger_still_needs_a_signature_where_friends_need_none(program: Program) -> None:
    assert admitted(program, [(b"source address", b"10.1.0.1:1")], admit="all", sources=RANGES)
    reading = structs.replace(SIGNED, sources=RANGES)
    config = keys.settings(reading).encode()
    friend, stranger = (program.run([[*ALICE, (b"source address", at)]], config, b"key").stdout for at in (b"10.1.0.1:1", b"10.2.0.1:1"))
    assert b"x-route-key-error" not in friend
    assert b"x-route-key-error" in stranger


@pytest.mark.parametrize("line", ["10.0.0.0", "10.0.0.0/33", "::/129", "a/8", "10.0.0.0/", "/8", "10.0.0/8"])
def test_range_that_is_none_is_refused(program: Program, line: str) -> None:
    done = program.run([], keys.settings(structs.replace(NONE, sources=(line,))).encode(), b"key")
    assert (done.returncode, b"source is no range" in done.stderr) == (1, True)
