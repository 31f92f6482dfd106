"""`pointsman certs`: what it writes, what it leaves alone, and how one CA follows another."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.x509 import load_pem_x509_certificates

from xds.cli.commands import run
from xds.security.access import Identity, Limits, Policy, identity
from xds.security.credentials import read
from xds.security.peer import Peer, peer

EDGE = Identity("pointsman.local", "default", "envoy", "edge")


class Certs:
    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self._capsys = root, capsys
        self.server, self.edge = root / "server", root / "gateways" / "default" / "edge"

    def __call__(self, *options: str) -> tuple[int, str]:
        code = run(["certs", str(self.root), *options])
        told = self._capsys.readouterr()
        assert "PRIVATE KEY" not in told.out + told.err
        return code, told.out + told.err

    def files(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.root)): path.read_bytes() for path in sorted(self.root.rglob("*")) if path.is_file()}

    def client(self) -> Peer:
        found = peer((self.edge / "tls.crt").read_bytes(), b"")
        assert found
        return found

    def trusted(self, folder: Path) -> str:
        """What the server at `folder` says to the client: nothing if it lets it in."""
        now = datetime.now(UTC)
        return self.client().problem(read(folder, now).roots, now)


@pytest.fixture
def certs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Certs:
    return Certs(tmp_path / "certs", capsys)


def test_server_and_proxies_of_a_gateway_get_certificates_that_fit(certs: Certs) -> None:
    code, told = certs("--gateway", "default/edge")
    assert code == 0
    assert "--tls" in told
    assert certs.trusted(certs.server) == ""
    assert certs.client().uris == (str(EDGE),)
    assert list(certs.files()) == [
        "ca.crt", "ca.key",
        *(f"gateways/default/edge/{name}" for name in ("ca.crt", "sds-cas.yaml", "sds-own.yaml", "tls.crt", "tls.key")),
        "server/ca.crt", "server/tls.crt", "server/tls.key",
    ]  # fmt: skip


def test_who_names_no_gateway_gets_that_of_the_demo(certs: Certs) -> None:
    assert certs()[0] == 0
    assert certs.client().uris == (str(EDGE),)


def test_nobody_else_may_read_them(certs: Certs) -> None:
    certs("--gateway", "default/edge")
    modes = {path.name: path.stat().st_mode & 0o777 for path in certs.root.rglob("*") if path.is_file()}
    assert set(modes.values()) == {0o600}
    assert certs.root.stat().st_mode & 0o777 == 0o700


def test_secrets_file_names_files_and_holds_none_of_them(certs: Certs) -> None:
    certs("--gateway", "default/edge")
    texts = [(certs.edge / name).read_text() for name in ("sds-own.yaml", "sds-cas.yaml")]
    assert "BEGIN" not in str(texts)
    [[own], [cas]] = [yaml.safe_load(text)["resources"] for text in texts]
    assert own["tls_certificate"]["private_key"] == {"filename": str(certs.edge / "tls.key")}
    assert cas["validation_context"]["trusted_ca"] == {"filename": str(certs.edge / "ca.crt")}
    assert own["tls_certificate"]["watched_directory"] == cas["validation_context"]["watched_directory"] == {"path": str(certs.edge)}


def test_what_is_there_is_not_overwritten(certs: Certs) -> None:
    certs("--gateway", "default/edge")
    before = certs.files()
    code, told = certs("--gateway", "default/edge")
    assert code == 2
    assert "--renew" in told
    assert certs.files() == before


def test_another_gateway_is_added_and_the_rest_stays(certs: Certs) -> None:
    certs("--gateway", "default/edge")
    before = certs.files()
    assert certs("--gateway", "infra/inner", "-o", "json")[0] == 0
    after = certs.files()
    assert {name for name in after if name not in before} == {
        f"gateways/infra/inner/{name}" for name in ("ca.crt", "sds-cas.yaml", "sds-own.yaml", "tls.crt", "tls.key")
    }
    assert {name: after[name] for name in before} == before


def test_renewing_keeps_the_ca_the_hosts_and_the_gateways(certs: Certs) -> None:
    certs("--gateway", "default/edge", "--host", "xds.example", "--host", "192.0.2.1")
    before = certs.files()
    code, told = certs("--renew", "-o", "json")
    assert code == 0
    assert [one["for"] for one in json.loads(told)["written"]] == ["the server", str(EDGE)]
    after = certs.files()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {f"{folder}/{name}" for folder in ("server", "gateways/default/edge") for name in ("tls.crt", "tls.key")}
    assert hosts(certs) == ["xds.example", "192.0.2.1"]
    assert certs.trusted(certs.server) == ""


def hosts(certs: Certs) -> list[Any]:
    from cryptography.x509 import SubjectAlternativeName

    names = load_pem_x509_certificates((certs.server / "tls.crt").read_bytes())[0].extensions
    return [str(one.value) for one in names.get_extension_for_class(SubjectAlternativeName).value]


def test_one_ca_follows_another_and_at_each_step_the_client_is_let_in(certs: Certs) -> None:
    certs("--gateway", "default/edge")
    old = certs.files()["ca.crt"]
    assert certs("--new-ca")[0] == 0
    assert certs.files()["ca.crt"].endswith(old)
    assert certs.files()["ca.crt"] == certs.files()["server/ca.crt"] == certs.files()["gateways/default/edge/ca.crt"]
    assert certs.trusted(certs.server) == ""

    code, told = certs("--drop-old-ca")
    assert (code, "is of the old one still" in told) == (2, True)
    assert certs.trusted(certs.server) == ""

    assert certs("--renew")[0] == 0
    assert certs.trusted(certs.server) == ""
    assert certs("--drop-old-ca")[0] == 0
    assert old not in certs.files()["server/ca.crt"]
    assert certs.trusted(certs.server) == ""


def test_certificate_that_is_revoked_is_let_in_no_more_and_a_new_one_takes_its_place(certs: Certs) -> None:
    certs("--gateway", "default/edge", "--gateway", "default/other")
    before, stolen = certs.files(), certs.client()
    assert certs("--revoke", "default/edge")[0] == 0
    now = datetime.now(UTC)
    material = read(certs.server, now)
    assert stolen.problem(material.roots, now, material.revoked) == "revoked"
    assert certs.client().problem(material.roots, now, material.revoked) == ""
    after = certs.files()
    edge = {f"gateways/default/edge/{name}" for name in ("tls.crt", "tls.key")}
    assert {name for name in after if after[name] != before.get(name)} == {"ca.crl", "server/ca.crl", *edge}


def test_what_was_revoked_stays_so_through_other_revocations_and_the_next_ca(certs: Certs) -> None:
    certs("--gateway", "default/edge")
    stolen = []
    for options in (["--revoke", "default/edge"], ["--revoke", "default/edge"], ["--new-ca"], ["--renew"]):
        stolen.append(certs.client())
        assert certs(*options)[0] == 0
    now = datetime.now(UTC)
    material = read(certs.server, now)
    assert [one.problem(material.roots, now, material.revoked) for one in stolen] == ["revoked", "revoked", "", ""]
    certs("--drop-old-ca")
    assert [one.problem(read(certs.server, now).roots, now) for one in stolen] == ["untrusted"] * 4
    assert read(certs.server, now).revoked == frozenset()


def test_certificate_of_the_old_ca_is_not_revoked_but_renewed(certs: Certs) -> None:
    certs("--gateway", "default/edge")
    certs("--new-ca")
    code, told = certs("--revoke", "default/edge")
    assert (code, "--drop-old-ca" in told) == (2, True)
    assert certs("--revoke", "default/none")[0] == 2


@pytest.mark.parametrize("gateway", ["edge", "a/b/c", "/edge", "default/", "default/..", "default/ü"])
def test_gateway_that_is_none_is_refused_before_anything_is_written(certs: Certs, gateway: str) -> None:
    code, told = certs("--gateway", gateway)
    assert code == 2
    assert "NAMESPACE/NAME" in told
    assert not certs.root.exists()


def test_key_of_another_ca_is_told_and_not_used(certs: Certs, tmp_path: Path) -> None:
    certs()
    (certs.root / "ca.key").write_bytes((certs.server / "tls.key").read_bytes())
    code, told = certs("--renew")
    assert code == 2
    assert "does not hold the key of" in told
    (certs.root / "ca.key").write_bytes(b"canary")
    code, told = certs("--renew")
    assert code == 2
    assert "canary" not in told


def test_bootstrap_takes_its_names_from_the_certificate(certs: Certs, capsys: pytest.CaptureFixture[str]) -> None:
    certs("--gateway", "default/edge")
    assert run(["bootstrap", "--tls", str(certs.edge), "--xds", "xds.example:18000", "-o", "json"]) == 0
    config = json.loads(capsys.readouterr().out)
    assert config["node"]["cluster"] == "default/edge"
    assert config["node"]["id"].startswith("default/edge/")
    [cluster] = config["static_resources"]["clusters"]
    assert cluster["transport_socket"]["typed_config"]["sni"] == "xds.example"
    assert identity(certs.client().uris) == EDGE


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--node", "default/other"], "the certificate is for default/edge"),
        (["--tls", "nowhere"], "nowhere/tls.crt: No such file"),
        (["--tls", "SERVER"], "names no Gateway"),
        (["--tls", "KEYS"], "is not a PEM certificate"),
    ],
)
def test_bootstrap_that_could_not_connect_is_not_printed(
    certs: Certs, capsys: pytest.CaptureFixture[str], tmp_path: Path, options: list[str], words: str
) -> None:
    certs("--gateway", "default/edge")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "tls.crt").write_bytes((certs.edge / "tls.key").read_bytes())
    places = {"SERVER": str(certs.server), "KEYS": str(tmp_path / "keys")}
    assert run(["bootstrap", "--tls", str(certs.edge), *(places.get(one, one) for one in options)]) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert "PRIVATE" not in told.err + told.out


def test_secrets_file_for_certificates_of_somebody_else_is_printed(certs: Certs, capsys: pytest.CaptureFixture[str]) -> None:
    certs("--gateway", "default/edge")
    for which in ("own", "cas"):
        assert run(["bootstrap", "--tls", str(certs.edge), "--sds", which]) == 0
        assert capsys.readouterr().out == (certs.edge / f"sds-{which}.yaml").read_text()
    assert run(["bootstrap", "--sds", "own"]) == 2
    assert "--tls" in capsys.readouterr().err
    assert run(["bootstrap", "--tls", str(certs.edge), "--sds", "keys"]) == 2
    assert "own or cas" in capsys.readouterr().err


def test_serve_is_told_whom_to_let_in_and_how_often(certs: Certs, monkeypatch: pytest.MonkeyPatch) -> None:
    certs()
    given: list[Any] = []
    monkeypatch.setattr("xds.cli.running.serve", given.append)
    assert run(["serve", "--files", str(certs.root), "--tls", str(certs.server)]) == 0
    options = ["--trust-domain", "a.example", "--one-for-all", "--streams", "40"]
    assert run(["serve", "--files", str(certs.root), "--tls", str(certs.server), *options]) == 0
    assert [one.options.policy for one in given] == [Policy(), Policy("a.example", True, Limits(streams=40))]
