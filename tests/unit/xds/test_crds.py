"""Claims about the definitions that we ship."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from translator.resources.crd import EXAMPLE, definitions
from xds import crds
from xds.installation import manifests

ROOT = Path(__file__).parents[3]


def test_definitions_of_a_checkout_are_found() -> None:
    assert {"GatewayClass", "Gateway", "HTTPRoute", "ReferenceGrant"} <= {crd["spec"]["names"]["kind"] for crd in crds.shipped()}


def test_installed_wheel_holds_them_where_they_are_looked_for() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    places = [crds.PLACES, manifests.PLACES, *map(manifests.places, manifests.COMPONENTS)]
    assert wheel["force-include"] == {str(second.relative_to(ROOT)): str(first.relative_to(ROOT)) for first, second in places}


OWN = {crds.PLACES[1] / "pointsman": definitions(), crds.OF_EXAMPLE: definitions(EXAMPLE)}


@pytest.mark.parametrize("path", [folder / name for folder, those in OWN.items() for name in those], ids=lambda path: path.name)
def test_definitions_of_our_own_kinds_are_fresh(path: Path) -> None:
    assert path.read_text() == crds.written(OWN[path.parent][path.name]), "run `make crds`"


@pytest.mark.parametrize("folder", OWN, ids=lambda path: path.name)
def test_no_definition_outlives_its_kind(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} - {"roles.yaml"} == set(OWN[folder])


def test_definitions_of_another_group_are_not_installed_by_themselves() -> None:
    assert EXAMPLE not in {one["spec"]["group"] for one in crds.shipped()}
    assert {one["spec"]["names"]["kind"] for one in definitions(EXAMPLE).values()} == {"Sandbox", "RouteGroup", "LocalWorkload"}


def test_writing_makes_the_folders(tmp_path: Path) -> None:
    crds.write(tmp_path / "new", tmp_path / "example")
    assert {path.name for path in (tmp_path / "new").iterdir()} == set(definitions())
    assert {path.name for path in (tmp_path / "example").iterdir()} == set(definitions(EXAMPLE))
