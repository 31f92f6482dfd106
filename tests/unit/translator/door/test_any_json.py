"""Claims about documents that nobody would write: the door raises nothing, and says something about each it refuses."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translator.door import Admission, Door
from translator.findings import CODES
from xds.crds import shipped

DOOR = Door(shipped())
KINDS = [
    ("gateway.networking.k8s.io/v1", "GatewayClass"),
    ("gateway.networking.k8s.io/v1", "Gateway"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("gateway.networking.k8s.io/v1beta1", "ReferenceGrant"),
    ("pointsman.io/v1alpha1", "Backend"),
    ("v1", "Service"),
    ("v1", "Secret"),
    ("v1", "Namespace"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["PathPrefix", "Exact", "/", "a", "Service", "HTTP"])
)
WORDS = st.sampled_from(
    "name namespace spec rules matches path type value headers backendRefs port filters listeners data endpoints tls from to".split()
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=8), inner, max_size=5), max_leaves=25
)
ROUTE: Any = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "it", "labels": {"a": "b"}, "creationTimestamp": "2026-01-31T12:00:00Z"},
    "spec": {
        "parentRefs": [{"name": "edge", "namespace": "infra", "sectionName": "web"}],
        "hostnames": ["a.example"],
        "rules": [
            {
                "name": "a",
                "matches": [
                    {"path": {"value": "/a"}, "headers": [{"name": "a", "value": "b"}], "queryParams": [{"name": "a", "value": "b"}]}
                ],
                "filters": [
                    {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "a", "port": 1}, "fraction": {"numerator": 1}}}
                ],
                "backendRefs": [{"name": "cart", "port": 80, "weight": 3}],
                "timeouts": {"request": "1s"},
            }
        ],
    },
}


def checked(document: Any) -> Admission:
    before = copy.deepcopy(document)
    admission = DOOR.admit(document)
    assert repr(document) == repr(before)
    refused = [finding for finding in admission.findings if finding.severity == "error"]
    assert not (refused and admission.object)
    assert all(finding.code in CODES and finding.message and "\n" not in finding.message for finding in admission.findings)
    return admission


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, below in inner for place in places(below, (*at, key)))]


def replaced(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    if not at:
        return new
    head, *rest = at
    if isinstance(value, dict):
        return {key: replaced(below, tuple(rest), new) if key == head else below for key, below in value.items()}
    return [replaced(below, tuple(rest), new) if index == head else below for index, below in enumerate(value)]


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["apiVersion", "kind", "metadata", "spec"]) | st.text(max_size=5), JSON, max_size=5))
def test_any_document_is_answered(document: Any) -> None:
    checked(document)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(KINDS), JSON, st.dictionaries(WORDS, JSON, max_size=4))
def test_any_body_of_any_kind_is_answered(head: tuple[str, str], spec: Any, more: Any) -> None:
    admission = checked({**more, "apiVersion": head[0], "kind": head[1], "metadata": {"name": "it"}, "spec": spec})
    assert admission.kind == head[1]
    assert admission.object is not None or admission.findings


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(KINDS), JSON)
def test_any_metadata_is_answered(head: tuple[str, str], metadata: Any) -> None:
    checked({"apiVersion": head[0], "kind": head[1], "metadata": metadata})


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_route_with_any_value_at_any_place_is_answered(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(places(ROUTE)[1:]))
    checked(replaced(ROUTE, place, data.draw(JSON)))


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"a": [value]}
    return value


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(nested(2000), id="bottomless"),
        pytest.param({1: 2, None: 3, (1, 2): 4}, id="keys-that-are-no-text"),
        pytest.param({"rules": {1, 2}}, id="set"),
        pytest.param({"rules": b"bytes"}, id="bytes"),
        pytest.param({"hostnames": ["\ud800"]}, id="half-a-character"),
        pytest.param({"rules": [{"matches": [{"path": {"value": float("nan")}}]}]}, id="not-a-number"),
        pytest.param({"rules": [{"backendRefs": [{"name": "a", "port": 2**80}]}]}, id="too-large"),
        pytest.param({"hostnames": ["a" * 100_000]}, id="long"),
        pytest.param({"x" * 100_000: 1}, id="long-name"),
        pytest.param({"a\nb\x1b[31m": 1}, id="control-characters"),
    ],
)
@pytest.mark.parametrize("head", KINDS)
def test_what_is_hardly_json_is_answered_in_few_words(head: tuple[str, str], value: Any) -> None:
    admission = DOOR.admit({"apiVersion": head[0], "kind": head[1], "metadata": {"name": "it"}, "spec": value})
    assert all(len(finding.message) < 1000 and finding.message.isprintable() for finding in admission.findings)
