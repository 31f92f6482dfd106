"""Claims about the definitions that we ship."""

from __future__ import annotations

import tomllib
from pathlib import Path

from xds import crds

ROOT = Path(__file__).parents[3]


def test_definitions_of_a_checkout_are_found() -> None:
    assert {"GatewayClass", "Gateway", "HTTPRoute", "ReferenceGrant"} <= {crd["spec"]["names"]["kind"] for crd in crds.shipped()}


def test_installed_wheel_holds_them_where_they_are_looked_for() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    first, second = crds.PLACES
    assert wheel["force-include"] == {str(second.relative_to(ROOT)): str(first.relative_to(ROOT))}
