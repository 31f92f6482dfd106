"""Sandboxes of a group of one's own in a folder: every command that reads files is told of it in the same words."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from xds.cli import running
from xds.cli.commands import run
from xds.cli.running import Running

MINE = "previews.example.org"
SHOP = """
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart-alice}
spec: {ports: [{port: 80}]}
---
apiVersion: GROUP/v1alpha1
kind: RouteGroup
metadata: {name: previews}
spec: {meshOutput: Istio, ttl: {duration: 2h}}
---
apiVersion: GROUP/v1alpha1
kind: Sandbox
metadata: {name: alice, creationTimestamp: "2999-01-01T00:00:00Z"}
spec: {ttl: 3600, services: [{name: cart, targetRef: {name: cart-alice}}]}
"""
OPTION = ("--sandbox-group", MINE)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(SHOP.replace("GROUP", MINE))
    return tmp_path


COMMANDS = [
    pytest.param(("check",), "Service", id="check"),
    pytest.param(("render",), "extensions", id="render"),
    pytest.param(("export", "istio"), "pointsman.cart", id="export"),
]


@pytest.mark.parametrize(("command", "_"), COMMANDS)
def test_folder_of_another_group_is_no_business_of_who_is_not_told_of_it(
    command: tuple[str, ...], _: str, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command, str(shop)]) == 1
    told = capsys.readouterr()
    assert f'Sandbox is not served as "{MINE}/v1alpha1"' in told.out + told.err


@pytest.mark.parametrize(("command", "_"), COMMANDS)
def test_folder_of_another_group_is_read_where_it_is_named(
    command: tuple[str, ...], _: str, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command, str(shop), *OPTION]) == 0
    told = capsys.readouterr()
    assert "PM" not in told.out + told.err


def test_what_is_exported_of_another_group_is_what_is_of_ours(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "istio", str(shop), *OPTION]) == 0
    theirs = capsys.readouterr().out
    (tmp_path / "ours.yaml").write_text(SHOP.replace("GROUP", "pointsman.io").replace("ttl: 3600", 'ttl: {duration: "3600"}'))
    assert run(["export", "istio", str(tmp_path / "ours.yaml")]) == 0
    assert capsys.readouterr().out == theirs


def test_status_and_diff_know_the_group_too(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", str(shop), "sandbox/alice", "-o", "yaml", *OPTION]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["status"]["conditions"][0]["reason"] == "NoEndpoints"
    after = tmp_path / "after.yaml"
    after.write_text(SHOP.replace("GROUP", MINE).replace("targetRef: {name: cart-alice}", "targetRef: {name: gone}"))
    assert run(["diff", str(shop / "shop.yaml"), str(after), *OPTION]) == 1
    assert "Sandbox default/alice" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "given", "groups"),
    [
        pytest.param(("run", "DIR"), (), ("pointsman.io",), id="run"),
        pytest.param(("run", "DIR"), OPTION, (MINE,), id="run-named"),
        pytest.param(("serve", "--files", "DIR"), ("--sandbox-group", "pointsman.io", *OPTION), ("pointsman.io", MINE), id="serve-both"),
    ],
)
def test_servers_of_files_are_told_the_same(
    command: tuple[str, ...], given: tuple[str, ...], groups: tuple[str, ...], shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Running] = []
    monkeypatch.setattr(running, command[0], started.append)
    assert run([*(str(shop) if one == "DIR" else one for one in command), *given]) == 0
    assert [one.options.groups for one in started] == [groups]


@pytest.mark.parametrize("command", [("check",), ("render",), ("export", "istio"), ("status",), ("run",)])
def test_what_is_no_name_of_a_group_is_told(command: tuple[str, ...], shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, str(shop), "--sandbox-group", "Not A Group"]) == 2
    assert "a group is a name" in capsys.readouterr().err


def test_commands_about_sandboxes_write_and_find_them_in_files_of_their_group(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    of = ("sandbox", "--group", MINE)
    where = ("--files", str(shop))
    assert run([*of, "create", "bob", *where, "--service", "cart=cart-alice", "--ttl", "2h"]) == 0
    assert yaml.safe_load((shop / "sandbox-bob.yaml").read_text())["apiVersion"] == f"{MINE}/v1alpha1"
    capsys.readouterr()
    assert run([*of, "list", *where, "-o", "name"]) == 0
    assert capsys.readouterr().out.split() == ["sandbox/alice", "sandbox/bob"]
    assert run([*of, "delete", "bob", *where]) == 0
    assert not (shop / "sandbox-bob.yaml").exists()
