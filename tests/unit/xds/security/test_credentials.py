"""The server's own files: checked before they are used, and the last good ones kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.certificates import EDGE, ca, now, of, serving, write
from xds.security.credentials import Credentials, CredentialsError, read


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


def test_key_is_in_no_text_of_the_values(folder: Path) -> None:
    material = read(folder, now())
    assert "PRIVATE" not in repr(material)
    assert "PRIVATE" not in repr(serving())
