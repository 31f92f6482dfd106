"""Claims about names, labels and age."""

from __future__ import annotations

from typing import Any

import pytest

from translator.door.meta import ANNOTATIONS, in_utc, settled, wrongs
from translator.ir.finding import field_path


def told(*, short: bool = False, **metadata: Any) -> list[str]:
    return [field_path(wrong.path) for wrong in wrongs({"name": "a", **metadata}, short=short)]


@pytest.mark.parametrize("name", ["a", "a-b", "a.b", "0", "a" * 253, "a--b"])
def test_name_is_a_subdomain(name: str) -> None:
    assert told(name=name) == []


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a..b", "a.-b", "a" * 254, "a\n", "ä", 1, None, ["a"]])
def test_name_that_is_no_subdomain_is_refused(name: Any) -> None:
    assert told(name=name) == ["metadata.name"]


@pytest.mark.parametrize("name", ["a.b", "a" * 64, "a\n"])
def test_short_names_are_one_label(name: str) -> None:
    assert told(name=name, short=True) == ["metadata.name"]


@pytest.mark.parametrize("namespace", ["a.b", "A", "", "a" * 64, 1])
def test_namespace_is_one_label(namespace: Any) -> None:
    assert told(namespace=namespace) == ["metadata.namespace"]


@pytest.mark.parametrize(
    "labels",
    [{"a": ""}, {"a.example/b_c.d": "E-1"}, {"kubernetes.io/metadata.name": "shop"}, {}, None],
)
def test_labels_that_are_well_formed(labels: Any) -> None:
    assert told(labels=labels) == []


@pytest.mark.parametrize(
    ("labels", "path"),
    [
        ({"": "a"}, "metadata.labels."),
        ({"/a": "a"}, "metadata.labels./a"),
        ({"A.example/a": "a"}, "metadata.labels.A.example/a"),
        ({"a": "a b"}, "metadata.labels.a"),
        ({"a": "-"}, "metadata.labels.a"),
        ({"a": "x" * 64}, "metadata.labels.a"),
        ({"a": 1}, "metadata.labels.a"),
        ({"a": True}, "metadata.labels.a"),
        ({1: "a", "b": "-"}, "metadata.labels.b"),
        (["a"], "metadata.labels"),
    ],
)
def test_label_that_is_not_well_formed_is_named(labels: Any, path: str) -> None:
    assert told(labels=labels) == [path]


def test_annotations_have_free_text_and_any_case() -> None:
    assert told(annotations={"A.example/Free": "any \n text"}) == []


@pytest.mark.parametrize(
    ("annotations", "path"),
    [
        ({"a b": "x"}, "metadata.annotations.a b"),
        ({"a": 1}, "metadata.annotations.a"),
        ({"a": "x" * ANNOTATIONS}, "metadata.annotations"),
        (1, "metadata.annotations"),
    ],
)
def test_annotations_that_are_not_well_formed_are_named(annotations: Any, path: str) -> None:
    assert told(annotations=annotations) == [path]


def test_value_of_an_annotation_is_never_shown() -> None:
    assert "hidden" not in str(list(wrongs({"name": "a", "annotations": {"a b": "hidden", "c": ["hidden"]}}, short=False)))


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00Z"),
        ("2026-01-31t12:00:00.987654321z", "2026-01-31T12:00:00Z"),
        ("2025-12-31T23:30:00-01:00", "2026-01-01T00:30:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_age_is_brought_to_utc_so_that_text_compares_as_time(written: str, utc: str) -> None:
    assert in_utc(written) == utc


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-31",
        "20260131T120000Z",
        "2026-02-30T00:00:00Z",
        "2026-01-31T12:00:00",
        "2026-01-31 12:00:00Z",
        "0001-01-01T00:00:00+01:00",
        1,
        None,
        "٢٠٢٦-01-31T12:00:00Z",
    ],
)
def test_what_is_no_time_is_empty(written: Any) -> None:
    assert in_utc(written) == ""


@pytest.mark.parametrize("value", ["yesterday", 1, ["x"]])
def test_age_that_is_no_time_is_refused(value: Any) -> None:
    assert told(creationTimestamp=value) == ["metadata.creationTimestamp"]


def test_empty_age_is_absent() -> None:
    assert told(creationTimestamp=None) == []
    assert settled({"name": "a", "creationTimestamp": None}, namespaced=True, generation=1)["creationTimestamp"] == ""


@pytest.mark.parametrize("generation", [-1, 1.5, "1", True, 2**63])
def test_generation_is_a_count(generation: Any) -> None:
    assert told(generation=generation) == ["metadata.generation"]


def test_namespace_defaults_for_kinds_that_have_one() -> None:
    assert settled({"name": "a"}, namespaced=True, generation=1)["namespace"] == "default"
    assert settled({"name": "a", "namespace": "b"}, namespaced=False, generation=1)["namespace"] == ""
