"""`pointsman export`: objects for a mesh, those of users with our routes in them, and what is said where there is nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from xds.cli.commands import run

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
apiVersion: pointsman.io/v1alpha1
kind: RouteGroup
metadata: {name: previews}
spec: {meshOutput: OUTPUT}
---
apiVersion: pointsman.io/v1alpha1
kind: Sandbox
metadata: {name: alice}
spec: {services: [{name: cart, targetRef: {name: cart-alice}}]}
"""
USERS = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart}
spec: {hosts: [cart], http: [{route: [{destination: {host: cart}}]}]}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(SHOP.replace("OUTPUT", "Istio"))
    return tmp_path


def test_virtual_service_of_our_own(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "istio", str(shop)]) == 0
    assert [one["metadata"]["name"] for one in yaml.safe_load_all(capsys.readouterr().out)] == ["pointsman.cart"]


def test_fork_that_cannot_be_is_said_beside_those_that_can(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "bob.yaml").write_text(SHOP.rpartition("---")[2].replace("alice", "bob"))
    assert run(["export", "istio", str(shop)]) == 1
    told = capsys.readouterr()
    assert "bob.yaml:5:32 PM0706" in told.err
    assert [one["metadata"]["name"] for one in yaml.safe_load_all(told.out)] == ["pointsman.cart"]


def test_virtual_service_of_a_user_comes_out_with_our_routes(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "cart.yaml").write_text(USERS)
    run(["export", "istio", str(shop), "-o", "json"])
    [found] = json.loads(capsys.readouterr().out)["items"]
    assert [one.get("name") for one in found["spec"]["http"]] == ["pointsman/alice/0", None]


def test_rule_that_a_mesh_cannot_be_told_of_is_said_beside_what_it_is_told(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = "{meshOutput: Istio, routes: [{targetSandbox: alice, routingKey: k, paths: [{prefix: /pay}]}]}"
    (shop / "shop.yaml").write_text(SHOP.replace("{meshOutput: OUTPUT}", rules))
    (shop / "cart.yaml").write_text(USERS.replace("[{route", "[{match: [{uri: {regex: '.*'}}], route"))
    assert run(["export", "istio", str(shop)]) == 1
    assert 'shop.yaml:2:1 PM0733 Service default/cart: a rule of key "k"' in capsys.readouterr().err
    (shop / "cart.yaml").unlink()
    assert run(["export", "istio", str(shop)]) == 0
    assert "/pay/" in capsys.readouterr().out


def test_one_file_is_enough(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "shop.yaml").write_text(SHOP.replace("OUTPUT", "GatewayAPI"))
    run(["export", "gateway-api", str(shop / "shop.yaml")])
    assert [one["kind"] for one in yaml.safe_load_all(capsys.readouterr().out)] == ["HTTPRoute", "HTTPRoute"]


def test_nothing_to_export_is_said(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "gateway-api", str(shop)]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "no Sandbox is led to by a RouteGroup with meshOutput: GatewayAPI" in told.err


def test_mesh_that_is_not_known_gets_a_suggestion(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "istoi", str(shop)]) == 2
    assert "Did you mean istio?" in capsys.readouterr().err


def test_mesh_output_of_files_is_exported_and_never_written(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--files", str(shop), "--mesh"]) == 2
    assert "pointsman export" in capsys.readouterr().err
