"""What `serve` says where options of a cluster do not fit together, before anything is started or asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from tests.unit.xds.planes.server import Server
from xds.cli.commands import run
from xds.cli.options import Options, planes
from xds.cli.running import _with_certificates
from xds.settings import Cluster

PLANES = ("--kube", "--data-planes", "x", "--reach", "pointsman.home.svc:18000")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--kube", "--webhook", "0.0.0.0:19443"), "--webhook goes with --data-planes"),
        (("--files", ".", "--webhook", "0.0.0.0:19443"), "--webhook goes with --data-planes"),
        ((*PLANES, "--webhook", "19443"), "--webhook: "),
        (("--kube", "--data-planes", "x"), "--data-planes needs --reach"),
        (("--kube", "--data-planes", "x", "--reach", "nowhere"), "--reach: "),
    ],
)
def test_options_that_do_not_fit_are_said(capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str) -> None:
    assert run(["serve", *options]) == 2
    assert said in capsys.readouterr().err


class Closing(Server):
    """An API server by the name of a transport."""

    def __init__(self, *_: Any, **__: Mapping[str, Any]) -> None:
        super().__init__()


async def test_certificate_is_for_where_proxies_find_the_server_and_for_where_an_api_server_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xds.sources.kube.transport.Transport", Closing)
    monkeypatch.setattr("xds.reports.writer.home", lambda: "home")
    wanted = Options(cluster=Cluster(), admin="", bind="", port_offset=0, planes=planes("x", "proxies.example:18000", None, 1))
    options, keeping = await _with_certificates(wanted, tmp_path)
    assert keeping
    keeping.cancel()
    leaf = x509.load_pem_x509_certificate((Path(options.tls) / "tls.crt").read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    assert names == ["proxies.example", "pointsman.home.svc"]
    assert leaf.not_valid_after_utc > datetime.now(UTC)
