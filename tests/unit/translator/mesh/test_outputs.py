"""What meshes are told, whole: each `NAME.in.yaml` becomes what stands in `NAME.istio.yaml` and `NAME.gateway-api.yaml`.

`pytest tests/unit/translator/mesh --update-golden` rewrites them; read the difference.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.translator.mesh.world import routes, split, wrongs
from translator.mesh import gamma, istio
from xds.cli.output import Output, dumped

HERE = Path(__file__).parent
CASES = sorted(path.name.removesuffix(".in.yaml") for path in HERE.glob("*.in.yaml"))
each_case = pytest.mark.parametrize("case", CASES)
each_form = pytest.mark.parametrize("form", ["istio", "gateway-api"])


def made(case: str, form: str) -> list[dict[str, Any]]:
    text = (HERE / f"{case}.in.yaml").read_text()
    found, wanted = split(text)[1], routes(text, "Istio")
    if form == "gateway-api":
        return gamma.documents(wanted, [one for one in found if one["kind"] != "VirtualService"])
    own, merged = istio.documents(wanted, [one for one in found if one["kind"] == "VirtualService"])
    return own + merged


@each_form
@each_case
def test_objects_are_those_of_the_golden(case: str, form: str, request: pytest.FixtureRequest) -> None:
    golden = HERE / f"{case}.{form}.yaml"
    if request.config.getoption("--update-golden"):
        golden.write_text("---\n".join(dumped(one, Output.YAML) + "\n" for one in made(case, form)))
    assert made(case, form) == [*yaml.safe_load_all(golden.read_text())]


@each_form
@each_case
def test_an_api_server_takes_them_by_their_crds(case: str, form: str) -> None:
    assert made(case, form)
    assert wrongs(made(case, form)) == []


@each_case
def test_meshes_that_read_the_version_before_take_them_too(case: str) -> None:
    """Linkerd asks for HTTPRoutes as v1beta1; an API server gives it those of v1 by the name alone."""
    routes = [{**one, "apiVersion": "gateway.networking.k8s.io/v1beta1"} for one in made(case, "gateway-api") if one["kind"] == "HTTPRoute"]
    assert wrongs(routes) == []


def test_what_a_crd_forbids_would_be_seen() -> None:
    [broken] = made("one-service", "istio")
    broken["spec"]["http"][0] |= {"timeout": "soon", "unheard": 1}
    assert [one[:6] for one in wrongs([broken])] == ["PM0109", "PM0106"]


def test_no_golden_outlives_its_input() -> None:
    assert {path.name.partition(".")[0] for path in HERE.glob("*.yaml")} == set(CASES)
