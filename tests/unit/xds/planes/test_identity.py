"""When the certificate of a data plane is made anew, and for whom it is."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.certificates import TRUST
from translator.ir.plane import Plane
from xds.planes.identity import DAYS, RENEW, Issuer
from xds.security.credentials import CredentialsError
from xds.security.issuing import authority
from xds.security.peer import peer

NOW = datetime(2026, 6, 1, tzinfo=UTC)
EDGE = Plane(group="infra/edge", gateway_class="pods", ports=())
ALL = Plane(group="class:pods", gateway_class="pods", home="infra", ports=())
INNER = Plane(group="infra/inner", gateway_class="pods", ports=())


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    write(tmp_path)
    return tmp_path


def write(folder: Path) -> None:
    made = authority("test", TRUST, NOW, 3650)
    (folder / "ca.crt").write_bytes(made.pem)
    (folder / "ca.key").write_bytes(made.key)


def issued(ca: Path, plane: Plane = EDGE) -> dict[str, str]:
    found = Issuer(ca, TRUST).data(plane, None, NOW)
    assert found
    return found


def test_certificate_says_whose_proxies_they_are(ca: Path) -> None:
    found = peer(b64decode(issued(ca)["tls.crt"]), b"")
    assert found
    assert found.uris == (f"spiffe://{TRUST}/ns/infra/sa/edge-pods/gw/edge",)
    assert found.until == NOW + timedelta(days=DAYS)


def test_proxies_that_a_class_shares_are_for_the_class(ca: Path) -> None:
    found = peer(b64decode(issued(ca, ALL)["tls.crt"]), b"")
    assert found
    assert found.uris == (f"spiffe://{TRUST}/ns/infra/sa/pods-shared/gc/pods",)


def test_good_one_is_kept(ca: Path) -> None:
    assert Issuer(ca, TRUST).data(EDGE, issued(ca), NOW) is None


def test_one_that_ends_soon_is_made_anew(ca: Path) -> None:
    held, end = issued(ca), NOW + timedelta(days=DAYS)
    assert Issuer(ca, TRUST).data(EDGE, held, end - RENEW - timedelta(seconds=1)) is None
    assert Issuer(ca, TRUST).data(EDGE, held, end - RENEW)


def test_that_of_another_gateway_is_made_anew(ca: Path) -> None:
    assert Issuer(ca, TRUST).data(EDGE, issued(ca, INNER), NOW)


def test_new_ca_makes_all_anew(ca: Path) -> None:
    held = issued(ca)
    write(ca)
    assert Issuer(ca, TRUST).data(EDGE, held, NOW)


@pytest.mark.parametrize("damage", [{"tls.key": "eA=="}, {"tls.crt": "?"}, {"ca.crt": "eA=="}, {"tls.crt": ""}])
def test_damaged_one_is_made_anew(ca: Path, damage: dict[str, str]) -> None:
    assert Issuer(ca, TRUST).data(EDGE, {**issued(ca), **damage}, NOW)
    assert Issuer(ca, TRUST).data(EDGE, {}, NOW)


def test_ca_without_its_key_signs_nothing(ca: Path) -> None:
    (ca / "ca.key").unlink()
    with pytest.raises(CredentialsError, match="no CA that can sign"):
        Issuer(ca, TRUST).data(EDGE, None, NOW)
