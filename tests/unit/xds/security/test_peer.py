"""Whether a client's certificate is to be believed now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.certificates import EDGE, ca, now, of
from xds.security.issuing import Pair, authority, client
from xds.security.peer import Peer, peer


def known(pair: Pair, chain: bytes = b"") -> Peer:
    found = peer(pair.pem, chain)
    assert found
    return found


@pytest.mark.parametrize(
    ("pair", "problem"),
    [
        pytest.param(of(EDGE), "", id="good"),
        pytest.param(of(EDGE, ended=True), "expired", id="ended"),
        pytest.param(client(ca(), EDGE, now() + timedelta(days=1), 1), "not-yet-valid", id="of-tomorrow"),
        pytest.param(of(EDGE, by="two"), "untrusted", id="of-another-ca"),
    ],
)
def test_certificate_is_believed_for_its_time_and_of_its_ca_only(pair: Pair, problem: str) -> None:
    assert known(pair).problem([ca().certificate], now()) == problem


def test_ca_of_the_same_name_is_another_ca() -> None:
    impostor = authority("CA one", "pointsman.local", now(), 1)
    assert known(client(impostor, EDGE, now(), 1)).problem([ca().certificate], now()) == "untrusted"


def test_any_of_the_trusted_cas_will_do_and_a_removed_one_will_not() -> None:
    both = [ca("two").certificate, ca().certificate]
    assert known(of(EDGE)).problem(both, now()) == ""
    assert known(of(EDGE)).problem(both[:1], now()) == "untrusted"


def test_ca_that_has_ended_vouches_for_nobody() -> None:
    assert known(client(ca(), EDGE, now(), 90)).problem([ca().certificate], now() + timedelta(days=40)) != ""


def test_certificate_that_was_taken_back_is_known_by_who_signed_it_and_its_number() -> None:
    one, signer = of(EDGE).certificate, ca().certificate.subject.public_bytes()
    lists = {
        "revoked": frozenset({(signer, one.serial_number)}),
        "": frozenset({(signer, 1), (ca("two").certificate.subject.public_bytes(), one.serial_number)}),
    }
    for problem, revoked in lists.items():
        assert known(of(EDGE)).problem([ca().certificate], now(), revoked) == problem


def test_certificate_under_one_that_was_taken_back_goes_with_it() -> None:
    middle = ca("middle").certificate
    revoked = frozenset({(middle.issuer.public_bytes(), middle.serial_number)})
    assert known(of(EDGE, by="middle"), ca("middle").pem).problem([middle], now(), revoked) == "revoked"


def test_uris_are_those_of_the_certificate() -> None:
    assert known(of(EDGE)).uris == (str(EDGE),)
    assert known(ca()).uris == ("spiffe://pointsman.local",)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_nobody(content: bytes) -> None:
    assert peer(content, b"") is None
    assert peer(of(EDGE).certificate.public_bytes(Encoding.DER), b"") is None
