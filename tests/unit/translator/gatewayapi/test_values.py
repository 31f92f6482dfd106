"""Claims about the small pure functions: durations, selectors, precedence, matches, filters, endpoints, certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from translator.gatewayapi.certificates import pair_problem
from translator.gatewayapi.durations import Times, milliseconds, times_of
from translator.gatewayapi.endpoints import of_slices
from translator.gatewayapi.filters import mirrored_share, simple_filter
from translator.gatewayapi.matches import match
from translator.gatewayapi.precedence import precedence
from translator.gatewayapi.references import Referent, permitted
from translator.gatewayapi.selectors import selects
from translator.ir.cluster import Endpoint as Found
from translator.ir.route import Match, PathChange, PathMatch, Precedence, Redirect, Retry, TextMatch
from translator.resources.core import Endpoint, EndpointConditions, EndpointPort, EndpointSlice, Secret
from translator.resources.gateway import GrantFrom, GrantTo, ReferenceGrant, ReferenceGrantSpec
from translator.resources.httproute import (
    BackendObjectReference,
    Fraction,
    NamedMatch,
    PathModifier,
    RequestMirror,
    RequestRedirect,
    RouteFilter,
    RouteMatch,
    RouteRule,
    Timeouts,
)
from translator.resources.httproute import PathMatch as PathSpec
from translator.resources.httproute import Retry as RetrySpec
from translator.resources.meta import LabelRequirement, LabelSelector, Metadata


@pytest.mark.parametrize(("text", "expected"), [("500ms", 500), ("1h30m", 5_400_000), ("2s500ms", 2500), ("0s", 0), ("10m", 600_000)])
def test_durations_add_up_to_milliseconds(text: str, expected: int) -> None:
    assert milliseconds(text) == expected


@pytest.mark.parametrize(
    ("operator", "values", "held"),
    [
        ("In", ("a", "b"), {"a"}),
        ("NotIn", ("a",), {"c", None}),
        ("Exists", (), {"a", "c"}),
        ("DoesNotExist", (), {None}),
        ("Later", (), set()),
    ],
)
def test_selector_operators(operator: str, values: tuple[str, ...], held: set[str | None]) -> None:
    selector = LabelSelector(match_expressions=(LabelRequirement("k", operator, values),))
    assert {value for value in ("a", "c", None) if selects(selector, {"k": value} if value else {})} == held


def test_all_parts_of_a_selector_must_hold() -> None:
    selector = LabelSelector(match_labels={"a": "1"}, match_expressions=(LabelRequirement("b", "Exists"),))
    assert not selects(selector, {"a": "1"})
    assert selects(selector, {"a": "1", "b": ""})


def key(match: Match, created: str = "2026", name: str = "a/r", place: tuple[int, int] = (0, 0)) -> Precedence:
    return precedence(match, created, name, *place)


def test_precedence_follows_the_order_of_the_text() -> None:
    exact, regex = PathMatch("exact", "/a"), PathMatch("regex", "/.*")
    long, short = PathMatch("prefix", "/abc"), PathMatch("prefix", "/a")
    header, query = (TextMatch("exact", "h", "1"),), (TextMatch("exact", "q", "1"),)
    in_order = [
        key(Match(path=exact, method="GET")),
        key(Match(path=exact)),
        key(Match(path=regex)),
        key(Match(path=long)),
        key(Match(path=short, method="GET")),
        key(Match(path=short, headers=header * 2)),
        key(Match(path=short, headers=header, query=query)),
        key(Match(path=short, headers=header)),
        key(Match(path=short, query=query)),
        key(Match(path=short), created="2025", name="z/z"),
        key(Match(path=short), name="a/a", place=(9, 9)),
        key(Match(path=short), name="a/b"),
        key(Match(path=short), name="a/b", place=(0, 1)),
        key(Match(path=short), name="a/b", place=(1, 0)),
    ]
    assert all(first < second for first, second in pairwise(in_order))


def test_a_trailing_slash_does_not_make_a_prefix_longer() -> None:
    assert match(RouteMatch(path=PathSpec(value="/abc/"))).path == PathMatch("prefix", "/abc")
    assert match(RouteMatch(path=PathSpec(value="/"))).path == PathMatch("prefix", "/")
    assert match(RouteMatch(path=PathSpec(type="Exact", value="/abc/"))).path == PathMatch("exact", "/abc/")


def test_of_two_entries_for_one_header_the_first_counts_whatever_its_case() -> None:
    found = match(RouteMatch(headers=(NamedMatch(name="X-A", value="1"), NamedMatch(name="x-a", value="2"))))
    assert found.headers == (TextMatch("exact", "x-a", "1"),)


def test_query_parameters_differ_by_case() -> None:
    found = match(RouteMatch(query_params=(NamedMatch(name="A", value="1"), NamedMatch(name="a", value="2"))))
    assert [one.name for one in found.query] == ["A", "a"]


def test_a_redirect_keeps_what_it_does_not_change_empty() -> None:
    path = PathModifier(type="ReplacePrefixMatch", replace_prefix_match="/new")
    spec = RouteFilter(type="RequestRedirect", request_redirect=RequestRedirect(path=path, status_code=301))
    assert simple_filter(spec) == Redirect(path=PathChange("prefix", "/new"), status=301)


def test_filters_that_are_not_served_or_have_a_backend_have_no_row() -> None:
    assert simple_filter(RouteFilter(type="ExternalAuth")) is None
    assert simple_filter(RouteFilter(type="ExtensionRef", extension_ref={"name": "x"})) is None


def test_mirrors_copy_all_unless_told_less() -> None:
    ref = BackendObjectReference(name="s")
    assert mirrored_share(RequestMirror(backend_ref=ref)) == (100, 100)
    assert mirrored_share(RequestMirror(backend_ref=ref, percent=0)) == (0, 100)
    assert mirrored_share(RequestMirror(backend_ref=ref, fraction=Fraction(numerator=1, denominator=3))) == (1, 3)


def grant(kind: str = "HTTPRoute", namespace: str = "a", to: str = "Service", name: str = "") -> ReferenceGrant:
    spec = ReferenceGrantSpec(
        from_=(GrantFrom(group="gateway.networking.k8s.io", kind=kind, namespace=namespace),), to=(GrantTo(group="", kind=to, name=name),)
    )
    return ReferenceGrant(metadata=Metadata(name="g", namespace="b"), spec=spec)


@pytest.mark.parametrize(
    ("given_grant", "allowed"),
    [
        pytest.param(grant(), True, id="kind-and-namespace"),
        pytest.param(grant(name="s"), True, id="the-very-name"),
        pytest.param(grant(name="other"), False, id="another-name"),
        pytest.param(grant(namespace="c"), False, id="from-another-namespace"),
        pytest.param(grant(kind="Gateway"), False, id="from-another-kind"),
        pytest.param(grant(to="Secret"), False, id="to-another-kind"),
    ],
)
def test_grants(given_grant: ReferenceGrant, allowed: bool) -> None:
    assert permitted([given_grant], "HTTPRoute", "a", Referent("", "Service", "b/s")) is allowed


def slice_of(*states: EndpointConditions, port: int = 8080, name: str = "") -> EndpointSlice:
    endpoints = tuple(Endpoint(addresses=(f"10.0.0.{index}", "10.9.9.9"), conditions=state) for index, state in enumerate(states))
    return EndpointSlice(metadata=Metadata(name="s", namespace="a"), endpoints=endpoints, ports=(EndpointPort(name=name, port=port),))


READY, UNREADY, UNKNOWN = EndpointConditions(True, True, False), EndpointConditions(False, False, False), EndpointConditions()
ENDING, GONE = EndpointConditions(False, True, True), EndpointConditions(False, False, True)


@pytest.mark.parametrize(
    ("states", "chosen"),
    [
        pytest.param([READY, UNREADY, ENDING], ["10.0.0.0"], id="only-ready-while-there-is-one"),
        pytest.param([UNKNOWN], ["10.0.0.0"], id="unknown-counts-as-ready"),
        pytest.param([UNREADY, ENDING, GONE], ["10.0.0.1"], id="else-those-that-still-serve-while-ending"),
        pytest.param([UNREADY, GONE], [], id="else-none"),
    ],
)
def test_which_endpoints_are_used(states: list[EndpointConditions], chosen: list[str]) -> None:
    assert [one.address for one in of_slices([slice_of(*states)], "").endpoints] == chosen


def test_a_named_port_is_looked_up_in_each_slice() -> None:
    slices = [slice_of(READY, port=80, name="http"), slice_of(READY, port=81, name="http"), slice_of(READY, port=9, name="other")]
    assert of_slices(slices, "http").endpoints == (Found("10.0.0.0", 80), Found("10.0.0.0", 81))


def pair(days: int = 1) -> tuple[bytes, bytes]:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key()).serial_number(1)
        .not_valid_before(now).not_valid_after(now + timedelta(days=days)).sign(private, SHA256())
    )  # fmt: skip
    return certificate.public_bytes(Encoding.PEM), private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def secret(chain: bytes, private: bytes) -> Secret:
    return Secret(metadata=Metadata(name="c", namespace="a"), type="kubernetes.io/tls", data={"tls.crt": chain, "tls.key": private})


def test_a_good_pair_has_no_problem() -> None:
    assert pair_problem(secret(*pair())) == ""


def test_bad_pairs_say_why_and_never_show_their_bytes() -> None:
    (chain, private), (_, other) = pair(), pair()
    assert pair_problem(secret(b"", private)) == "it lacks tls.crt or tls.key"
    assert pair_problem(secret(b"canary", private)) == "tls.crt is not a PEM certificate"
    assert pair_problem(secret(chain, b"canary")) == "tls.key is not an unencrypted PEM private key"
    assert pair_problem(secret(chain, other)) == "tls.key does not belong to tls.crt"


def test_a_secret_shows_its_key_alone() -> None:
    assert repr(secret(b"canary", b"canary")) == "Secret(a/c)"


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_no_bytes_make_the_check_raise(chain: bytes, private: bytes) -> None:
    assert pair_problem(secret(chain, private))


@pytest.mark.parametrize(
    ("rule", "times"),
    [
        pytest.param(RouteRule(), (None, None, None), id="nothing"),
        pytest.param(RouteRule(timeouts=Timeouts(request="1s", backend_request="0s")), (1000, 0, None), id="times"),
        pytest.param(RouteRule(retry=RetrySpec()), (None, None, Retry()), id="once-more"),
        pytest.param(
            RouteRule(retry=RetrySpec(codes=(503,), attempts=4, backoff="1s")),
            (None, None, Retry(codes=(503,), attempts=4, backoff=1000)),
            id="again",
        ),
    ],
)
def test_rule_says_how_long_and_how_often(rule: RouteRule, times: Times) -> None:
    assert times_of(rule) == times
