"""The CA that replicas share, and what is made of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.certificates import TRUST
from tests.unit.xds.planes.server import Server
from xds.planes.authority import RENEW, SERVER_DAYS, Own, keep, prepare, renew
from xds.security.credentials import Credentials, CredentialsError, read

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OWN = Own("home", ("pointsman.home.svc", "10.0.0.1"), TRUST)
SECRET = "/api/v1/namespaces/home/secrets/pointsman-ca"


async def test_first_replica_makes_a_ca_and_the_next_takes_it(tmp_path: Path) -> None:
    server = Server()
    await prepare(server, OWN, tmp_path / "a", NOW)
    await prepare(server, OWN, tmp_path / "b", NOW)
    assert (tmp_path / "a" / "ca.crt").read_bytes() == (tmp_path / "b" / "ca.crt").read_bytes()
    assert server.writes() == ["/api/v1/namespaces/home/secrets"]


async def test_replicas_that_start_at_once_agree(tmp_path: Path) -> None:
    server = Server()
    await asyncio.gather(*(prepare(server, OWN, tmp_path / name, NOW) for name in "abc"))
    assert len({(tmp_path / name / "ca.key").read_bytes() for name in "abc"}) == 1


async def test_server_has_what_it_starts_with(tmp_path: Path) -> None:
    await prepare(Server(), OWN, tmp_path, NOW)
    material = read(tmp_path / "server", NOW)
    assert [one.subject for one in material.roots] == [material.roots[0].subject]
    assert [path.stat().st_mode & 0o077 for path in (tmp_path / "ca.key", tmp_path / "server" / "tls.key")] == [0, 0]


async def test_secret_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    server = Server()
    server.refuse["secrets"] = (403, "you may not")
    with pytest.raises(CredentialsError, match="home/pointsman-ca cannot be had: you may not"):
        await prepare(server, OWN, tmp_path, NOW)


async def test_secret_that_holds_no_ca_is_told_and_left(tmp_path: Path) -> None:
    server = Server()
    server.objects[SECRET] = {"metadata": {"name": "pointsman-ca", "labels": {}}, "data": {"tls.crt": "eA=="}}
    with pytest.raises(CredentialsError, match="holds no CA"):
        await prepare(server, OWN, tmp_path, NOW)
    assert server.writes() == []


END = NOW + timedelta(days=SERVER_DAYS)


async def test_certificate_is_made_anew_a_month_before_its_end_and_taken(tmp_path: Path) -> None:
    await prepare(Server(), OWN, tmp_path, NOW)
    time = [NOW]
    credentials = Credentials(tmp_path / "server", lambda: time[0])
    assert not renew(OWN, tmp_path, END - RENEW - timedelta(seconds=1))
    time[0] = END - RENEW
    assert renew(OWN, tmp_path, time[0])
    credentials.look()
    assert credentials.material.not_after == time[0] + timedelta(days=SERVER_DAYS)
    assert credentials.material.roots == read(tmp_path / "server", time[0]).roots


async def test_it_is_looked_at_without_end(tmp_path: Path) -> None:
    await prepare(Server(), OWN, tmp_path, NOW)
    times, looks = iter([NOW, END - timedelta(days=1)]), list[float]()

    async def pause(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await keep(OWN, tmp_path, lambda: next(times), pause)
    assert read(tmp_path / "server", END).not_after > END
