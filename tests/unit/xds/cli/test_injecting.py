"""`pointsman inject` and `intercept`: what they print, and what they say where they cannot."""

from __future__ import annotations

import json
import stat
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
import yaml

from xds.cli.commands import run
from xds.security.access import Identity, identity
from xds.security.peer import peer

SHOP = """
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec: {template: {metadata: {labels: {app: cart}}, spec: {containers: [{name: cart, image: "shop:1"}]}}}
"""
TERMS = ("--reach", "pointsman.infra:18000", "--image", "pointsman:1")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text(SHOP)
    return path


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for one in yaml.safe_load_all(capsys.readouterr().out)}


def test_workload_comes_out_with_its_sidecar_and_what_that_starts_with(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inject", str(shop), *TERMS]) == 0
    found = printed(capsys)
    assert [*found] == ["Service", "Deployment", "ConfigMap"]
    intercept, _ = found["Deployment"]["spec"]["template"]["spec"]["initContainers"]
    assert intercept["command"] == ["pointsman", "intercept", "--apply", "8080"]
    started = json.loads(found["ConfigMap"]["data"]["bootstrap.json"])
    assert (started["node"]["cluster"], started["node"]["metadata"]) == ("sidecar/shop/cart", {"pointsman.io/modules": ["shard"]})


def test_sidecars_send_what_they_count_only_where_it_is_wanted(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options in ((), ("--request-metrics",)):
        assert run(["inject", str(shop), *TERMS, *options]) == 0
        started = json.loads(printed(capsys)["ConfigMap"]["data"]["bootstrap.json"])
        assert ("stats_sinks" in started) == ("load_stats_config" in started["cluster_manager"]) == bool(options)


def test_with_a_ca_there_is_a_certificate_for_the_sidecars_of_that_service_alone(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["certs", str(shop.parent / "certs")]) == 0
    capsys.readouterr()
    assert run(["inject", str(shop), *TERMS, "--ca", str(shop.parent / "certs")]) == 0
    held = printed(capsys)["Secret"]["data"]
    found = peer(b64decode(held["tls.crt"]), b"")
    assert found
    who = identity(found.uris)
    assert who == Identity("pointsman.local", "shop", "sidecar", "cart", of_service=True)
    assert who.key == "sidecar/shop/cart"


@pytest.mark.parametrize(
    ("text", "options", "code", "said"),
    [
        pytest.param(
            SHOP.replace("app: cart}}", "app: other}}"), (), 1, "no workload here that a Service of it selects", id="not-selected"
        ),
        pytest.param(SHOP + "---\n" + SHOP.partition("---")[0].replace("name: cart", "name: kart"), (), 2, "Services cart, kart", id="two"),
        pytest.param(SHOP.replace("targetPort: 8080", "targetPort: web"), (), 2, "has no TCP port", id="port-without-a-number"),
        pytest.param(SHOP.replace("spec: {containers", "spec: {hostNetwork: true, containers"), (), 1, "no workload", id="host-network"),
        pytest.param("a: [", (), 2, "PM0101", id="no-yaml"),
        pytest.param("a: b", (), 2, "no object", id="no-object"),
        pytest.param(SHOP, ("--ca", "/nowhere"), 2, "no CA that can sign", id="no-ca"),
        pytest.param(SHOP, ("--reach", "nowhere"), 2, "--reach", id="no-port"),
        pytest.param(
            SHOP.replace("labels: {app: cart}", "labels: {app: cart}, annotations: {pointsman.io/inject: 'false'}"),
            (),
            1,
            "no",
            id="spared",
        ),
    ],
)
def test_what_cannot_be_injected_is_said(
    shop: Path, capsys: pytest.CaptureFixture[str], text: str, options: tuple[str, ...], code: int, said: str
) -> None:
    shop.write_text(text)
    assert run(["inject", str(shop), *TERMS, *options]) == code
    assert said in capsys.readouterr().err


def test_of_two_services_the_one_that_is_named_counts(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop.write_text(SHOP + "---\n" + SHOP.partition("---")[0].replace("name: cart", "name: kart"))
    assert run(["inject", str(shop), *TERMS, "--service", "kart"]) == 0
    assert printed(capsys)["ConfigMap"]["metadata"]["name"] == "pointsman-sidecar-kart"


def test_rules_are_printed_or_given_to_nft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["intercept", "8080", "--except", "10.0.0.1"]) == 0
    text = capsys.readouterr().out
    assert "dport { 8080 }" in text
    assert "10.0.0.1/32 return" in text
    nft = tmp_path / "nft"
    nft.write_text(f"#!/bin/sh\ncat > {tmp_path}/given\n")
    nft.chmod(nft.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert run(["intercept", "8080", "--except", "10.0.0.1", "--apply"]) == 0
    assert (tmp_path / "given").read_text() == text


def test_nft_that_refuses_or_is_not_there_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(["intercept", "8080", "--apply"]) == 3
    (tmp_path / "nft").write_text("#!/bin/sh\necho no >&2\nexit 1\n")
    (tmp_path / "nft").chmod(0o755)
    assert run(["intercept", "8080", "--apply"]) == 3
    told = capsys.readouterr().err
    assert "nft cannot be run" in told
    assert "nft: no" in told
    assert run(["intercept", "15006"]) == 2


def test_kernel_that_takes_no_rules_for_ipv6_is_given_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nft = tmp_path / "nft"
    nft.write_text(f"#!/bin/sh\ncat > {tmp_path}/given\nif grep -q ipv6 {tmp_path}/given; then echo no such family >&2; exit 1; fi\n")
    nft.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert run(["intercept", "8080", "--apply"]) == 0
    assert "tproxy ip to" in (tmp_path / "given").read_text()
    assert "not turned here: no such family" in capsys.readouterr().err
