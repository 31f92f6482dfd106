"""`diff` as a user types it: what would be different, in which form, with which exit code; and nothing is written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.xds.cli.test_commands import demo, pointsman  # noqa: F401 - fixtures
from tests.unit.xds.cli.test_installing import world  # noqa: F401 - a fixture
from tests.unit.xds.cli.test_kube import CLASS, GATEWAY, TWO, cluster  # noqa: F401 - fixtures

Edit = Callable[[str, str, str], Path]


@pytest.fixture
def edited(demo: Path, tmp_path: Path) -> Edit:  # noqa: F811
    """The demo once more, with other words in one of its files."""

    def edit(file: str, old: str, new: str) -> Path:
        after = tmp_path / "after"
        shutil.copytree(demo, after, dirs_exist_ok=True)
        text = (after / file).read_text()
        assert old in text
        (after / file).write_text(text.replace(old, new))
        return after

    return edit


def test_folder_is_no_different_from_itself(pointsman: Any, demo: Path) -> None:  # noqa: F811
    done = pointsman("diff", demo, demo)
    assert (done.code, done.out) == (0, "nothing would be different\n")


def test_weight_is_one_field_of_one_resource_and_told_with_its_route(pointsman: Any, demo: Path, edited: Edit) -> None:  # noqa: F811
    done = pointsman("diff", demo, edited("shop.yaml", "weight: 90", "weight: 50"))
    head, field, total = done.out.splitlines()
    assert done.code == 1
    assert head.startswith("~ routes local local/8080/http")
    assert "HTTPRoute default/shop" in head
    assert field.endswith("specifier_config.value[1] base=90 backend/default/shop → base=50 backend/default/shop")
    assert total == "0 resources added, 0 removed, 1 changed"


def test_what_goes_wrong_is_told_by_condition_and_finding_and_the_other_way_round_mended(
    pointsman: Any, demo: Path, edited: Edit  # noqa: F811
) -> None:  # fmt: skip
    broken = edited("shop.yaml", "name: shop-next", "name: nobody")
    worse, better = (json.loads(pointsman("diff", *pair, "-o", "json").out) for pair in ((demo, broken), (broken, demo)))
    assert [one["code"] for one in worse["new"]] == [one["code"] for one in better["mended"]] == ["PM0201"]
    (told,) = worse["statuses"]
    assert (told["key"], told["where"], told["condition"]) == ("default/shop", "edge", "ResolvedRefs")
    assert (told["before"], told["after"]) == ("True ResolvedRefs", "False BackendNotFound")
    assert [(one["change"], one["name"]) for one in worse["resources"] if one["section"] == "clusters"] == [
        ("removed", "backend/default/shop-next")
    ]


def test_file_that_goes_takes_its_objects_with_it(pointsman: Any, demo: Path, edited: Edit) -> None:  # noqa: F811
    after = edited("shop.yaml", "weight: 90", "weight: 90")
    (after / "shop.yaml").unlink()
    done = pointsman("diff", demo, after, "-o", "name")
    assert done.code == 1
    assert "clusters/backend/default/shop-next" in done.out.splitlines()


def test_file_that_cannot_be_read_is_told_by_its_place(pointsman: Any, demo: Path, edited: Edit) -> None:  # noqa: F811
    done = pointsman("diff", demo, edited("shop.yaml", "rules:", "rules: ["))
    assert done.code == 1
    assert "shop.yaml:" in done.out.splitlines()[0]
    assert "PM0101" in done.out.splitlines()[0]


def test_many_fields_are_counted(pointsman: Any, demo: Path, edited: Edit) -> None:  # noqa: F811
    done = pointsman("diff", demo, edited("shop.yaml", "value: /shop", "value: /elsewhere"))
    assert sum(line.startswith("    ") for line in done.out.splitlines()) <= 9


@pytest.mark.parametrize("arguments", [["diff", "DEMO"], ["diff", "DEMO", "DEMO", "--kube"], ["diff", "DEMO", "nowhere"]])
def test_misuse_is_a_sentence(pointsman: Any, demo: Path, arguments: list[str]) -> None:  # noqa: F811
    done = pointsman(*(demo if one == "DEMO" else one for one in arguments))
    assert (done.code, done.out) == (2, "")
    assert done.err


# A cluster -------------------------------------------------------------------------------------------------------------


def test_what_would_be_applied_to_a_cluster_takes_nothing_else_away(pointsman: Any, cluster: Any, tmp_path: Path) -> None:  # noqa: F811
    cluster(TWO)
    file = tmp_path / "new.yaml"
    file.write_text(GATEWAY.format(name="third"))
    found = json.loads(pointsman("diff", file, "--kube", "-o", "json").out)
    assert {(one["change"], one["view"]) for one in found["resources"]} == {("added", "default/third")}
    assert {(one["kind"], one["key"]) for one in found["statuses"]} == {("Gateway", "default/third")}


def test_what_a_cluster_has_already_is_no_difference(pointsman: Any, cluster: Any, tmp_path: Path) -> None:  # noqa: F811
    cluster(TWO)
    file = tmp_path / "same.yaml"
    file.write_text(CLASS)
    done = pointsman("diff", file, "--kube")
    assert (done.code, done.out) == (0, "nothing would be different\n")
