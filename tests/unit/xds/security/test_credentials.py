"""The server's own files: checked before they are used, and the last good ones kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.certificates import EDGE, ca, now, of, revoke, serving, write
from xds.security.credentials import Credentials, CredentialsError, read
from xds.security.issuing import Pair, revocations


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "tls", serving())


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("tls.crt", None, "No such file"),
        ("tls.crt", b"", "is empty"),
        ("tls.crt", b"canary", "not a PEM certificate"),
        ("tls.crt", of(EDGE).pem, "does not belong"),
        ("tls.key", b"canary", "not an unencrypted PEM private key"),
        ("tls.key", of(EDGE).key, "does not belong"),
        ("ca.crt", b"canary", "not a list of PEM certificates"),
        ("ca.crt", b"x" * 2_000_000, "larger than 1 MiB"),
    ],
)
def test_what_cannot_be_used_is_told_without_what_it_holds(folder: Path, name: str, content: bytes | None, words: str) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(CredentialsError, match=words) as caught:
        read(folder, now())
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None or "canary" not in repr(caught.value.__context__)


def test_server_does_not_start_with_a_certificate_that_has_ended(folder: Path) -> None:
    with pytest.raises(CredentialsError, match="has ended at"):
        read(folder, now() + timedelta(days=2))


class Kept:
    """Credentials, with what they told and a clock that is set by hand."""

    def __init__(self, folder: Path) -> None:
        self.told: list[str] = []
        self.time: datetime = now()
        self.credentials = Credentials(folder, lambda: self.time, self.told.append)


def test_new_files_are_taken_when_all_of_them_fit(folder: Path) -> None:
    kept = Kept(folder)
    kept.credentials.look()
    assert kept.told == []
    write(folder, serving("two"), "one", "two")
    kept.credentials.look()
    assert kept.told == [""]
    assert kept.credentials.material.certificate == serving("two").pem
    assert [one.subject for one in kept.credentials.material.roots] == [ca(name).certificate.subject for name in ("one", "two")]


def test_half_of_a_pair_is_told_once_and_the_last_good_one_stays(folder: Path) -> None:
    kept = Kept(folder)
    (folder / "tls.key").write_bytes(serving("two").key)
    for _ in range(3):
        kept.credentials.look()
    assert kept.told == [f"{folder}: tls.key does not belong to tls.crt"]
    assert kept.credentials.material.key == serving().key
    (folder / "tls.crt").write_bytes(serving("two").pem)
    kept.credentials.look()
    assert kept.told[1:] == [""]
    assert kept.credentials.material.key == serving("two").key


def test_files_that_are_gone_take_nothing_away(folder: Path) -> None:
    kept = Kept(folder)
    for name in ("tls.crt", "tls.key", "ca.crt"):
        (folder / name).unlink()
    kept.credentials.look()
    assert "No such file" in kept.told[0]
    assert kept.credentials.material.certificate == serving().pem


def test_folder_behind_a_link_is_followed_when_the_link_moves(tmp_path: Path) -> None:
    """As a mounted Secret of Kubernetes changes."""
    write(tmp_path / "a", serving())
    write(tmp_path / "b", serving("two"))
    link = tmp_path / "now"
    link.symlink_to(tmp_path / "a")
    kept = Kept(link)
    (tmp_path / "next").symlink_to(tmp_path / "b")
    (tmp_path / "next").replace(link)
    kept.credentials.look()
    assert kept.told == [""]


def test_what_was_taken_back_is_read_and_read_again(folder: Path) -> None:
    kept = Kept(folder)
    assert kept.credentials.material.revoked == frozenset()
    revoke(folder, of(EDGE))
    kept.credentials.look()
    [(_, serial)] = kept.credentials.material.revoked
    assert (kept.told, serial) == ([""], of(EDGE).certificate.serial_number)


def test_lists_of_several_cas_stand_in_one_file(folder: Path) -> None:
    write(folder, serving(), "one", "two")
    lists = [revocations(ca(name), [number], now(), 1) for number, name in enumerate(("one", "two"), 1)]
    (folder / "ca.crl").write_bytes(b"".join(lists))
    assert {number for _, number in read(folder, now()).revoked} == {1, 2}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"canary", "is not a list of PEM revocation lists"),
        (b"", "is empty"),
        (revocations(ca("two"), [1], now(), 1), "no CA of ca.crt has signed"),
        (revocations(Pair(ca().certificate, ca("two").private), [1], now(), 1), "no CA of ca.crt has signed"),
    ],
    ids=["nonsense", "empty", "of-another-ca", "in-the-name-of-ours"],
)
def test_list_that_no_ca_of_ours_has_signed_is_told_and_not_taken(folder: Path, content: bytes, words: str) -> None:
    (folder / "ca.crl").write_bytes(content)
    with pytest.raises(CredentialsError, match=words) as caught:
        read(folder, now())
    assert "canary" not in str(caught.value)


def test_nothing_is_forgiven_because_the_list_is_gone(folder: Path) -> None:
    revoke(folder, of(EDGE))
    kept = Kept(folder)
    (folder / "ca.crl").unlink()
    kept.credentials.look()
    assert len(kept.credentials.material.revoked) == 1
    assert "ca.crl: No such file" in kept.told[0]
    revoke(folder)
    kept.credentials.look()
    assert kept.credentials.material.revoked == frozenset()


def test_key_is_in_no_text_of_the_values(folder: Path) -> None:
    material = read(folder, now())
    assert "PRIVATE" not in repr(material)
    assert "PRIVATE" not in repr(serving())
