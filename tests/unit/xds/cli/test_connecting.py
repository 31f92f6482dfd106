"""`sandbox claim`, `sandbox connect` and `tunnels`: what they write, and what they say before anything is dialled."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.ports import free_port
from xds.cli import connecting
from xds.cli.commands import run
from xds.cli.connecting import Wanted, claimed
from xds.dataplane import ENVOY_SETTING

REACH = ("--reach", "tunnels.example:9000")


@pytest.fixture
def ca(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert run(["certs", str(tmp_path / "ca")]) == 0
    capsys.readouterr()
    return tmp_path / "ca"


def test_claim_is_a_certificate_for_one_service_of_one_sandbox(ca: Path, tmp_path: Path) -> None:
    place = tmp_path / "claim"
    assert run(["sandbox", "claim", "shop/alice/cart", str(place), "--ca", str(ca)]) == 0
    assert claimed(place) == "cart.alice.shop"
    assert stat.S_IMODE((place / "tls.key").stat().st_mode) == 0o600
    assert (place / "ca.crt").read_bytes() == (ca / "ca.crt").read_bytes()


@pytest.mark.parametrize("which", ["alice", "shop/alice", "shop//cart", "shop/alice/cart/more", "shöp/alice/cart"])
def test_claim_of_nothing_is_refused(ca: Path, tmp_path: Path, which: str) -> None:
    assert run(["sandbox", "claim", which, str(tmp_path / "claim"), "--ca", str(ca)]) == 2
    assert not (tmp_path / "claim").exists()


def test_claim_without_a_ca_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sandbox", "claim", "shop/alice/cart", str(tmp_path / "claim"), "--ca", str(tmp_path)]) == 2
    assert "--ca" in capsys.readouterr().err


def test_who_connects_as_somebody_else_is_told_before_it_is_tried(ca: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["sandbox", "claim", "shop/mallory/cart", str(tmp_path / "claim"), "--ca", str(ca)])
    assert run(["sandbox", "connect", "alice", "cart", "3000", "-n", "shop", *REACH, "--tls", str(tmp_path / "claim")]) == 2
    assert "is for cart.mallory.shop, not for cart.alice.shop" in capsys.readouterr().err


@pytest.mark.parametrize("reach", ["nowhere", "tunnels.example:99999"])
def test_gateway_that_is_no_address_is_told(ca: Path, tmp_path: Path, reach: str) -> None:
    run(["sandbox", "claim", "shop/alice/cart", str(tmp_path / "claim"), "--ca", str(ca)])
    assert run(["sandbox", "connect", "alice", "cart", "3000", "-n", "shop", "--reach", reach, "--tls", str(tmp_path / "claim")]) == 2


def test_folder_without_a_certificate_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sandbox", "connect", "alice", "cart", "3000", *REACH, "--tls", str(tmp_path)]) == 2
    assert "tls.crt" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("tls.crt", "x", "tls.crt is not a PEM certificate"),
        ("tls.key", "x", "tls.key is not an unencrypted PEM private key"),
        ("tls.key", None, "tls.key does not belong to tls.crt"),
        ("ca.crt", "x", "ca.crt: is not a list of PEM certificates"),
    ],
)
def test_certificate_that_cannot_be_shown_is_told_before_it_is_tried(
    ca: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str | None, said: str
) -> None:
    place = tmp_path / "claim"
    run(["sandbox", "claim", "shop/alice/cart", str(place), "--ca", str(ca)])
    (place / name).write_text((ca / "ca.key").read_text() if content is None else content)
    assert run(["sandbox", "connect", "alice", "cart", "3000", "-n", "shop", *REACH, "--tls", str(place)]) == 2
    assert said in capsys.readouterr().err


def test_without_an_envoy_it_says_so(ca: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(["sandbox", "claim", "shop/alice/cart", str(tmp_path / "claim"), "--ca", str(ca)])
    nobody = ("--reach", f"127.0.0.1:{free_port()}")
    for program, said in (("/nowhere", "is not a program"), ("/bin/false", "Envoy did not start")):
        monkeypatch.setenv(ENVOY_SETTING, program)
        assert run(["sandbox", "connect", "alice", "cart", "3000", "-n", "shop", *nobody, "--tls", str(tmp_path / "claim")]) == 3
        assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "api"),
    [
        pytest.param((), "pointsman.io/v1alpha1", id="ours"),
        pytest.param(("--group", "sandbox.example.com"), "sandbox.example.com/v1alpha1", id="another"),
    ],
)
def test_cluster_is_told_of_local_workloads_of_the_group_of_all_commands_about_sandboxes(
    options: tuple[str, ...], api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Wanted] = []
    monkeypatch.setattr(connecting, "connect", asked.append)
    assert run(["sandbox", *options, "connect", "alice", "cart", "3000", *REACH, "--tls", str(tmp_path), "--kube"]) == 0
    assert [(one.api, one.cluster is not None) for one in asked] == [(api, True)]


def test_gateway_of_tunnels_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tunnels", "--tls", "/etc/tunnels", "--at", "0.0.0.0:9443", "-o", "json"]) == 0
    config = json.loads(capsys.readouterr().out)
    assert config["static_resources"]["listeners"][0]["address"]["socket_address"]["port_value"] == 9443
    assert run(["tunnels", "--tls", "/etc/tunnels"]) == 0
    assert capsys.readouterr().out.startswith("node:")
    assert run(["tunnels", "--tls", "/etc/tunnels", "--at", "nowhere"]) == 2
