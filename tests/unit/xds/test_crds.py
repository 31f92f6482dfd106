"""Claims about the definitions that we ship."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from translator.resources.crd import definitions
from xds import crds
from xds.installation import manifests

ROOT = Path(__file__).parents[3]


def test_definitions_of_a_checkout_are_found() -> None:
    assert {"GatewayClass", "Gateway", "HTTPRoute", "ReferenceGrant"} <= {crd["spec"]["names"]["kind"] for crd in crds.shipped()}


def test_installed_wheel_holds_them_where_they_are_looked_for() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    places = [crds.PLACES, manifests.PLACES]
    assert wheel["force-include"] == {str(second.relative_to(ROOT)): str(first.relative_to(ROOT)) for first, second in places}


@pytest.mark.parametrize("name", definitions())
def test_definitions_of_our_own_kinds_are_fresh(name: str) -> None:
    assert (crds.PLACES[1] / "pointsman" / name).read_text() == crds.written(definitions()[name]), "run `make crds`"


def test_no_definition_outlives_its_kind() -> None:
    assert {path.name for path in (crds.PLACES[1] / "pointsman").iterdir()} == set(definitions())


def test_writing_makes_the_folder(tmp_path: Path) -> None:
    crds.write(tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == set(definitions())
